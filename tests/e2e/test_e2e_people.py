"""People: an account opened, an invitation that comes by mail, roles, and somebody who is disabled."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from local.mail.box import latest, shown
from local.testing import Cloud, until

pytestmark = pytest.mark.cloud


@dataclass
class Somebody:
    """A person with a verified address, signed in by the identity service."""

    cloud: Cloud
    email: str
    token: str = ""

    def sign_in(self) -> dict[str, Any]:
        found = self._ask("accounts:signInWithPassword")
        self.token = found["idToken"]
        return found

    def sign_up(self) -> Somebody:
        uid = self._ask("accounts:signUp")["localId"]
        owner = {"Authorization": "Bearer owner"}
        update = f"{self._base}/projects/imangor-local/accounts:update"
        requests.post(update, json={"localId": uid, "emailVerified": True}, headers=owner, timeout=20)
        self.sign_in()
        return self

    def call(self, method: str, path: str, **how: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", **how.pop("headers", {})}
        return self.cloud.request(method, path, key=None, headers=headers, **how)

    @property
    def _base(self) -> str:
        return f"{self.cloud.connection['identity']}/identitytoolkit.googleapis.com/v1"

    def _ask(self, what: str) -> dict[str, Any]:
        body = {"email": self.email, "password": "correct horse", "returnSecureToken": True}
        answer = requests.post(f"{self._base}/{what}?key=any", json=body, timeout=20)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture
def somebody(cloud):
    return lambda: Somebody(cloud, f"{secrets.token_hex(6)}@example.com").sign_up()


def _invited(cloud: Cloud, address: str) -> str:
    """The token of the invitation that came to an address."""

    def arrived() -> list[str]:
        mails = [each["text"] for each in map(shown, latest(cloud.state.mail, 100)) if each["to"] == address]
        return re.findall(r"#invitation=([\w-]+)", "".join(mails))

    return until(arrived, 30)[0]


def test_people_open_accounts_invite_each_other_and_are_held_to_their_roles(cloud, somebody):
    ann, bob = somebody(), somebody()
    opened = ann.call("POST", "/v1/account", json={"name": "Acme"})
    assert (opened.status_code, opened.json()["role"]) == (201, "owner"), opened.text
    account = opened.json()["id"]
    assert ann.call("GET", "/v1/credits").json()["available"] == 10_000
    assert bob.call("GET", "/v1/jobs").status_code == 403
    invited = ann.call("POST", "/v1/invitations", json={"email": bob.email, "role": "viewer"})
    assert invited.status_code == 201, invited.text
    token = _invited(cloud, bob.email)
    assert ann.call("POST", "/v1/invitations/accept", json={"token": token}).status_code == 403
    joined = bob.call("POST", "/v1/invitations/accept", json={"token": token})
    assert (joined.status_code, joined.json()["id"], joined.json()["role"]) == (200, account, "viewer")
    assert bob.call("GET", "/v1/jobs").status_code == 200
    assert bob.call("POST", "/v1/jobs", json={"targets": ["es"]}).status_code == 403
    members = ann.call("GET", "/v1/members").json()["members"]
    assert [(m["email"], m["role"]) for m in members] == [(ann.email, "owner"), (bob.email, "viewer")]
    changed = ann.call("PATCH", f"/v1/members/{members[1]['id']}", json={"role": "editor"})
    assert changed.json()["role"] == "editor"
    assert bob.call("POST", "/v1/jobs", json={"targets": ["es"]}).status_code == 201
    until(lambda: _claims(bob.sign_in()["idToken"]).get("accounts") == {account: "editor"}, 30)
    removed = ann.call("DELETE", f"/v1/members/{members[1]['id']}")
    assert (removed.status_code, removed.json()["keys"]) == (200, [])
    for headers, status in (({}, 403), ({"X-Account": account}, 404)):
        assert bob.call("GET", "/v1/jobs", headers=headers).status_code == status
    last = ann.call("DELETE", f"/v1/accounts/{account}/membership")
    assert (last.status_code, last.json()["type"].rsplit("/", 1)[1]) == (409, "last-owner")


def test_a_person_may_use_the_same_idempotency_key_in_each_of_their_accounts(somebody):
    ann, body = somebody(), {"medium": "text", "characters": 9, "targets": ["es"]}
    accounts = [ann.call("POST", "/v1/account", json={"name": name}).json()["id"] for name in ("a", "b")]
    headers = [{"X-Account": account, "Idempotency-Key": "the same"} for account in accounts * 2]
    replies = [ann.call("POST", "/v1/quotes", json=body, headers=each) for each in headers]
    assert [reply.status_code for reply in replies] == [201] * 4, replies[-1].text
    first, second, *again = [reply.json()["id"] for reply in replies]
    assert (first != second, again) == (True, [first, second])


def test_who_is_disabled_is_out_at_once_and_the_identity_service_hears_of_it(cloud, somebody):
    eve = somebody()
    account = eve.call("POST", "/v1/account", json={"name": "Eve"}).json()["id"]
    found = cloud.request("GET", f"/v1/admin/users?account={account}", key=cloud.admin_key).json()["users"]
    assert [(u["email"], u["accounts"][0]["role"]) for u in found] == [(eve.email, "owner")]
    user = f"/v1/admin/users/{found[0]['id']}"
    assert cloud.request("POST", f"{user}/disable", key=cloud.admin_key).status_code == 200
    assert eve.call("GET", "/v1/jobs").status_code == 401
    until(lambda: _refused(eve), 30)
    assert cloud.request("POST", f"{user}/enable", key=cloud.admin_key).status_code == 200
    assert eve.call("GET", "/v1/jobs").status_code == 401


def test_another_account_is_not_there(somebody):
    ann, eve = somebody(), somebody()
    account = ann.call("POST", "/v1/account", json={"name": "Acme"}).json()["id"]
    for headers in ({"X-Account": account}, {"X-Account": "acc_x"}):
        assert eve.call("GET", "/v1/jobs", headers=headers).status_code == 404
    assert eve.call("DELETE", f"/v1/accounts/{account}/membership").status_code == 404
    assert eve.call("GET", "/v1/accounts").json()["accounts"] == []


def _refused(person: Somebody) -> bool:
    try:
        person.sign_in()
    except AssertionError:
        return True
    return False


def _claims(token: str) -> dict[str, Any]:
    import jwt

    return dict(jwt.decode(token, options={"verify_signature": False}))
