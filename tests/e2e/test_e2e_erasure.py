"""An account's end through the gateway: ordered by its owner, stopped once, then done, with a receipt."""

from __future__ import annotations

import secrets
import subprocess
import sys

import jwt
import pytest
import requests

from local.gateway.invokers import TASKS
from local.mail.box import latest, shown
from local.testing import until
from tests.e2e.conftest import Caller
from tests.e2e.test_e2e_people import Somebody, _refused

pytestmark = pytest.mark.cloud


class Leaver:
    """An owner who has signed in just now, and whose account is to be erased."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.person = Somebody(cloud, f"ann-{secrets.token_hex(6)}@example.com").sign_up()
        self.account = self.person.call("POST", "/v1/account", json={"name": "Acme"}).json()["id"]
        made = self.person.call("POST", "/v1/keys", json={"name": "k", "scopes": ["jobs:read", "jobs:write"]})
        self.caller = Caller(cloud, self.account, made.json()["secret"])
        self.erasure, self.receipt = "", ""

    def order(self, account):
        reply = self.person.call("POST", "/v1/account/erasure", json={"account": account})
        if reply.status_code == 202:
            self.erasure, self.receipt = reply.json()["id"], reply.json()["receipt_url"]
        return reply.status_code

    def told(self):
        return requests.get(self.receipt, timeout=20).json()

    def go_on(self):
        """Deliver the task that the sweep has sent when its time has come."""
        url = self.cloud.function_url("erase-account")
        headers = {"Authorization": f"Bearer {self.cloud.token('erase-account', TASKS)}"}
        body = {"account": self.account, "erasure": self.erasure}
        assert requests.post(url, json=body, headers=headers, timeout=120).status_code == 200

    def run(self, statement, **values):
        connection = self.cloud.database()
        try:
            return connection.run(statement, **values)
        finally:
            connection.close()

    def let_time_pass(self, column):
        """As if an hour had passed since, or the time had come."""
        self.run(
            f"update account_erasures set {column} = {column} - interval '1 hour'"  # noqa: S608
            " where id = :i",
            i=self.erasure,
        )

    def objects(self):
        """What is left of the account's files."""
        places = (
            ("uploads", "uploads"),
            ("inbox", "uploads"),
            ("results", "results"),
            ("exports", "results"),
        )
        return [
            n for folder, bucket in places for n in self.caller.objects(f"{folder}/{self.account}/", bucket)
        ]

    def letters(self):
        mails = map(shown, latest(self.cloud.state.mail, 100))
        return [mail["text"] for mail in mails if mail["to"] == self.person.email]


@pytest.fixture
def ann(cloud, draw):
    """With two jobs, one of them out of the inbox."""
    ann = Leaver(cloud)
    ann.caller.ended(ann.caller.send(draw(), name="Secret plan.png").json()["id"])
    ann.caller.drop("en-es/Secret file.png", draw())
    until(lambda: [n for n in ann.caller.objects(f"results/{ann.account}/en-es/") if "receipt" in n], 90)
    return ann


@pytest.fixture
def bob(new_caller, draw):
    """Of another account, with a job."""
    bob = new_caller(credits=100)
    bob.ended(bob.send(draw()).json()["id"])
    until(lambda: len(bob.objects(f"results/{bob.account}/")) == 3, 30)
    return bob


def test_an_account_is_erased_with_all_that_it_had_and_another_is_untouched(ann, bob, draw):
    assert ann.order(bob.account) == 422
    assert ann.order(ann.account) == 202
    assert ann.person.call("DELETE", "/v1/account/erasure").status_code == 204
    assert ann.order(ann.account) == 202
    ann.go_on()
    assert ann.told()["state"] == "waiting"
    assert ann.caller.call("GET", "/v1/jobs").status_code == 200

    ann.run("update account_erasures set due_at = now() where id = :i", i=ann.erasure)
    ann.go_on()
    assert ann.told()["state"] == "running"
    assert ann.caller.call("GET", "/v1/jobs").status_code == 401
    assert ann.person.call("GET", "/v1/jobs").status_code == 401
    assert _refused(ann.person)
    assert ann.objects() == []
    # A file that was on its way is not kept either.
    ann.caller.drop("en-es/later.png", draw())
    until(lambda: ann.objects() == [], 60)

    ann.let_time_pass("closed_at")
    ann.go_on()
    assert ann.told()["state"] == "done"
    _verify(ann)
    until(lambda: [text for text in ann.letters() if ann.receipt in text and "was erased" in text], 30)
    _nothing_is_left(ann)
    assert len(bob.objects(f"results/{bob.account}/")) == 3
    assert ann.run("select count(*) from scenes where account_id = :a", a=bob.account) == [[1]]


def _verify(ann):
    """The receipt, as anybody can who has PyJWT."""
    receipt = ann.told()["receipt"]
    keys = jwt.PyJWKClient(f"{ann.cloud.gateway}/.well-known/jwks.json")
    key = keys.get_signing_key_from_jwt(receipt).key
    claims = jwt.decode(receipt, key, algorithms=["ES256"], options={"require": ["iat", "iss"]})
    assert (claims["sub"], claims["people"]) == (ann.account, {"erased": 1})
    assert (claims["objects_erased"]["uploads"] >= 2, claims["objects_erased"]["results"] >= 6) == (
        True,
        True,
    )
    assert claims["rows_erased"]["scenes"] == 2
    assert (
        ann.cloud.request(
            "GET", "/v1/jobs", key=None, headers={"Authorization": f"Bearer {receipt}"}
        ).status_code
        == 401
    )


def _nothing_is_left(ann):
    assert ann.objects() == []
    for (table,) in ann.run("select tablename from pg_tables where schemaname = 'public'"):
        rows = ann.run(f"select to_jsonb(t)::text from {table} t")  # noqa: S608 - our own names
        assert [row for (row,) in rows if "Secret" in row or ("Acme" in row and ann.account in row)] == [], (
            table
        )
    command = [
        sys.executable,
        "-m",
        "tools.verify_audit",
        "--database-url",
        ann.cloud.connection["superuser_url"],
    ]
    verified = subprocess.run([*command, ann.account], capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stderr
