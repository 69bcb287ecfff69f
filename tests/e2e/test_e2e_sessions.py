"""Sessions of a browser: begun by an ID token, listed, named, ended; and what proves nobody."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from local.auth.signer import Signer
from local.identity import PROJECT
from local.testing import Cloud, until

pytestmark = pytest.mark.cloud

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PASSWORD = "correct horse"


class Browser:
    """Somebody new at a browser of their own, who has just signed up at the identity service."""

    def __init__(self, cloud: Cloud, email: str | None = None) -> None:
        self.cloud, self.email = cloud, email or f"{secrets.token_hex(6)}@example.com"
        made = self.ask("signUp" if email is None else "signInWithPassword")
        self.uid, self.token = made["localId"], made["idToken"]
        self.session = requests.Session()
        self.session.headers["User-Agent"] = FIREFOX

    def ask(self, what: str, **body: Any) -> dict[str, Any]:
        base = f"{self.cloud.connection['identity']}/identitytoolkit.googleapis.com/v1/accounts"
        known = {"email": self.email, "password": PASSWORD, "returnSecureToken": True}
        answer = requests.post(f"{base}:{what}?key=any", json=body or known, timeout=20)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def administer(self, what: str, **body: Any) -> dict[str, Any]:
        """What a server of the project does at the identity service."""
        url = (
            f"{self.cloud.connection['identity']}/identitytoolkit.googleapis.com/v1/projects/{PROJECT}{what}"
        )
        answer = requests.post(url, json=body, headers={"Authorization": "Bearer owner"}, timeout=20)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def call(self, method: str, path: str, **how: Any) -> requests.Response:
        """As a page of this service calls: with the cookie, if there is one, and the page's origin."""
        headers = {"Origin": self.cloud.gateway, **how.pop("headers", {})}
        return self.session.request(method, self.cloud.gateway + path, headers=headers, timeout=60, **how)

    def sign_in(self, **body: Any) -> requests.Response:
        bearer = {"Authorization": f"Bearer {self.token}"}
        return self.call("POST", "/v1/sessions", headers=bearer, json=body)

    def show_address(self) -> None:
        """Have the address verified, and sign in again to say so."""
        self.administer("/accounts:update", localId=self.uid, emailVerified=True)
        time.sleep(1.1)  # Of two tokens of one second it is not known which is newer.
        self.token = self.ask("signInWithPassword")["idToken"]

    def mine(self) -> list[dict[str, Any]]:
        answer = self.call("GET", "/v1/sessions")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["sessions"])


@pytest.fixture
def browser(cloud):
    return Browser(cloud)


def test_a_session_is_begun_named_listed_and_ended(cloud, browser):
    begun = browser.sign_in(name="my laptop")
    assert begun.status_code == 201, begun.text
    assert "HttpOnly" in begun.headers["Set-Cookie"]
    assert "SameSite=Strict" in begun.headers["Set-Cookie"]
    (session,) = browser.mine()
    assert session["current"] is True
    assert (session["name"], session["device"]) == ("my laptop", "Firefox on Linux")
    assert session["network"] == "127.0.0.0/24"
    assert begun.headers["Location"] == f"/v1/sessions/{session['id']}"
    other = Browser(cloud, browser.email)
    other.sign_in()
    assert [each["current"] for each in other.mine()] == [True, False]
    renamed = other.call("PATCH", f"/v1/sessions/{session['id']}", json={"name": "the old one"})
    assert (renamed.status_code, renamed.json()["name"]) == (200, "the old one")
    assert other.call("DELETE", f"/v1/sessions/{session['id']}").status_code == 204
    ended = browser.call("GET", "/v1/sessions")
    assert (ended.status_code, ended.json()["title"]) == (401, "Not authenticated")
    assert [each["current"] for each in other.mine()] == [True]
    gone = other.call("DELETE", f"/v1/sessions/{session['id']}")
    assert (gone.status_code, gone.json()["type"].rsplit("/", 1)[1]) == (404, "not-found")


def test_signing_out_takes_the_cookie_away(browser):
    browser.sign_in()
    left = browser.call("DELETE", "/v1/sessions/current")
    assert left.status_code == 204
    assert "Max-Age=0" in left.headers["Set-Cookie"]
    assert not browser.session.cookies
    assert browser.call("GET", "/v1/sessions").status_code == 401


def test_a_session_works_for_an_account_as_its_person_does(browser):
    bearer = {"Authorization": f"Bearer {browser.token}"}
    early = browser.call("POST", "/v1/account", headers=bearer, json={"name": "Acme"})
    assert (early.status_code, early.json()["type"].rsplit("/", 1)[1]) == (403, "email-not-verified")
    browser.show_address()
    browser.sign_in()
    opened = browser.call("POST", "/v1/account", json={"name": "Acme"})
    assert opened.status_code == 201, opened.text
    assert browser.call("GET", "/v1/jobs").status_code == 200
    quoted = {"type": "text", "characters": 10, "targets": ["es"]}
    for origin in ("http://evil.example", "null"):
        refused = browser.call("POST", "/v1/quotes", json=quoted, headers={"Origin": origin})
        assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[1]) == (403, "foreign-origin")


def test_a_session_lets_a_client_in_and_takes_it_along_when_it_ends(browser):
    browser.show_address()
    browser.sign_in()
    assert browser.call("POST", "/v1/account", json={"name": "Acme"}).status_code == 201
    verifier, home = secrets.token_urlsafe(32), f"{browser.cloud.gateway}/studio"
    digest = hashlib.sha256(verifier.encode()).digest()
    order = {"client_id": "studio", "redirect_uri": home, "response_type": "code", "state": "s"}
    order |= {"code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("=")}
    order |= {"code_challenge_method": "S256", "scope": "jobs:read"}

    def exchange(**form: str) -> requests.Response:
        url = f"{browser.cloud.gateway}/v1/oauth/token"
        return requests.post(url, data={"client_id": "studio", **form}, timeout=60)

    def let_in() -> dict[str, Any]:
        sent = browser.call("GET", "/v1/oauth/authorize", params=order, allow_redirects=False)
        assert sent.status_code == 302, sent.text
        assert sent.headers["Location"].startswith(f"{home}?")
        answer = parse_qs(urlsplit(sent.headers["Location"]).query)
        assert answer["state"] == ["s"]
        code = {"grant_type": "authorization_code", "code": answer["code"][0], "redirect_uri": home}
        return dict(exchange(**code, code_verifier=verifier).json())

    def status(token: dict[str, Any]) -> int:
        bearer = {"Authorization": f"Bearer {token['access_token']}"}
        return requests.get(f"{browser.cloud.gateway}/v1/jobs", headers=bearer, timeout=60).status_code

    token, other = let_in(), let_in()
    assert (status(token), status(other)) == (200, 200)
    over = {"token": other["refresh_token"], "client_id": "studio"}
    assert requests.post(f"{browser.cloud.gateway}/v1/oauth/revoke", data=over, timeout=60).status_code == 200
    assert (status(token), status(other)) == (200, 401)
    assert browser.call("DELETE", "/v1/sessions/current").status_code == 204
    assert status(token) == 401
    late = exchange(grant_type="refresh_token", refresh_token=token["refresh_token"])
    assert (late.status_code, late.json()["error"]) == (400, "invalid_grant")


def test_the_console_shows_people_and_where_the_links_of_their_mails_lead(browser):
    browser.ask("sendOobCode", email=browser.email, requestType="PASSWORD_RESET")
    shown = requests.get(f"{browser.cloud.gateway}/_local/people", timeout=20).json()
    assert browser.email in {person["email"] for person in shown["people"]}
    (code,) = [code for code in shown["codes"] if code["email"] == browser.email]
    assert "resetPassword" in code["oobLink"]


def test_signing_out_everywhere_ends_sessions_and_tokens(cloud, browser):
    other = Browser(cloud, browser.email)
    browser.sign_in()
    other.sign_in()
    assert other.call("DELETE", "/v1/sessions").status_code == 204
    assert browser.call("GET", "/v1/sessions").status_code == 401
    bearer = {"Authorization": f"Bearer {browser.token}"}
    assert browser.call("GET", "/v1/accounts", headers=bearer).status_code == 401
    refused = browser.sign_in()
    assert refused.status_code == 401
    time.sleep(1.1)  # What was signed in to in the second of the revocation may be from before it.
    again = Browser(cloud, browser.email)
    assert again.sign_in().status_code == 201
    assert len(again.mine()) == 1


@pytest.mark.parametrize("operation", [("PATCH", {"name": "mine"}), ("DELETE", None)])
def test_anothers_session_is_not_there(cloud, browser, operation):
    method, body = operation
    browser.sign_in()
    (session,) = browser.mine()
    stranger = Browser(cloud)
    stranger.sign_in()
    refused = stranger.call(method, f"/v1/sessions/{session['id']}", json=body)
    assert (refused.status_code, refused.headers["Content-Type"]) == (404, "application/problem+json")
    assert browser.mine()[0]["name"] is None


def test_a_session_needs_a_fresh_sign_in_and_never_makes_another(cloud, browser):
    browser.sign_in()
    refused = browser.call("POST", "/v1/sessions", json={})
    assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[1]) == (403, "sign-in-too-old")
    old = signed(cloud, browser, auth_time=int(time.time()) - 301)
    assert _asked(cloud, old).status_code == 200
    browser.token = old
    refused = browser.sign_in()
    assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[1]) == (403, "sign-in-too-old")


def test_who_was_disabled_is_out_at_once(cloud, browser):
    browser.sign_in()
    assert len(browser.mine()) == 1
    # In the database, as a platform admin does it; the identity service hears of it later.
    admin = {"X-Api-Key": cloud.admin_key}
    (user,) = cloud.request(
        "GET", "/v1/admin/users", key=None, headers=admin, params={"email": browser.email}
    ).json()["users"]
    path = f"/v1/admin/users/{user['id']}/disable"
    assert cloud.request("POST", path, key=None, headers=admin).status_code in (200, 204)
    assert browser.call("GET", "/v1/sessions").status_code == 401
    assert _asked(cloud, browser.token).status_code == 401
    until(lambda: browser.administer("/accounts:lookup", localId=browser.uid)["users"][0].get("disabled"), 30)


def signed(cloud: Cloud, browser: Browser, key: Signer | None = None, **changes: Any) -> str:
    """An ID token of the local identity service's own key, with other claims."""
    claims = jwt.decode(browser.token, options={"verify_signature": False}) | changes
    signer = key or Signer(cloud.state.auth / "securetoken.pem")
    return signer.sign({name: value for name, value in claims.items() if value is not None})


def _asked(cloud: Cloud, token: str) -> requests.Response:
    return cloud.request("GET", "/v1/accounts", key=None, headers={"Authorization": f"Bearer {token}"})


def _by_hand(header: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims)
    ]
    return ".".join([*parts, ""])


def _refused(answer: requests.Response) -> None:
    """Every refusal of a token has one shape and tells nothing of why it was refused."""
    assert answer.status_code == 401, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    problem = answer.json()
    assert (problem["type"].rsplit("/", 1)[1], problem["status"]) == ("unauthenticated", 401)


def test_the_tokens_of_these_tests_are_good_until_they_are_changed(cloud, browser):
    assert _asked(cloud, signed(cloud, browser)).status_code == 200


def test_an_unsigned_token_is_refused(cloud, browser):
    claims = jwt.decode(browser.token, options={"verify_signature": False})
    kid = jwt.get_unverified_header(browser.token)["kid"]
    token = _by_hand({"alg": "none", "kid": kid}, claims)
    _refused(_asked(cloud, token + "x"))
    _refused(_asked(cloud, token))


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(cloud, browser):
    signer = Signer(cloud.state.auth / "securetoken.pem")
    certificate = signer.certificates()[signer.key_id].encode()
    claims = jwt.decode(browser.token, options={"verify_signature": False})
    head, body, _ = _by_hand({"alg": "HS256", "kid": signer.key_id}, claims).split(".")
    mac = hmac.digest(certificate, f"{head}.{body}".encode(), hashlib.sha256)
    _refused(_asked(cloud, f"{head}.{body}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"))


def test_a_token_for_another_audience_is_refused(cloud, browser):
    _refused(_asked(cloud, signed(cloud, browser, aud="another")))


def test_a_token_of_another_issuer_is_refused(cloud, browser):
    _refused(_asked(cloud, signed(cloud, browser, iss="https://securetoken.google.com/another")))


def test_a_token_of_another_project_is_refused(cloud, browser):
    _refused(
        _asked(cloud, signed(cloud, browser, aud="another", iss="https://securetoken.google.com/another"))
    )


def test_an_expired_token_is_refused(cloud, browser):
    _refused(_asked(cloud, signed(cloud, browser, exp=int(time.time()) - 60)))


def test_a_token_of_an_unknown_key_is_refused(cloud, browser, tmp_path):
    _refused(_asked(cloud, signed(cloud, browser, Signer(tmp_path / "another.pem"))))


def test_a_token_that_lies_about_its_key_is_refused(cloud, browser):
    kid = Signer(cloud.state.auth / "securetoken.pem").key_id
    claims = jwt.decode(browser.token, options={"verify_signature": False})
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    _refused(_asked(cloud, jwt.encode(claims, stranger, "RS256", headers={"kid": kid})))


def test_a_session_cookie_is_no_bearer_token(cloud, browser):
    browser.sign_in()
    cookie = browser.session.cookies["imangor_session"]
    _refused(_asked(cloud, cookie))
    _refused(_asked(cloud, cookie.rpartition(".")[0]))


def test_an_id_token_is_no_session_cookie(browser):
    for cookie in (browser.token, f"{browser.token}.x"):
        browser.session.cookies.set("imangor_session", cookie)
        _refused(browser.call("GET", "/v1/sessions"))


def test_a_cookie_of_the_identity_service_that_is_no_session_of_ours_is_refused(browser):
    cookie = browser.administer(":createSessionCookie", idToken=browser.token)["sessionCookie"]
    browser.sign_in()
    secret = browser.session.cookies["imangor_session"].rpartition(".")[2]
    browser.session.cookies.clear()
    for made in (cookie, f"{cookie}.x", f"{cookie}.{secret}x"):
        browser.session.cookies.set("imangor_session", made)
        _refused(browser.call("GET", "/v1/sessions"))
