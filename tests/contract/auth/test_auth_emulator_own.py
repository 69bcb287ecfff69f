"""What our Auth emulator does beyond others: it signs, hashes, limits, survives, and trusts no web page."""

import re
import secrets
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from local.auth.process import AuthProcess
from local.identity import PROJECT
from shared.auth.identity_tokens import IdentityTokens
from shared.core.errors import Unauthenticated

from .conftest import ELSEWHERE, Auth

pytestmark = pytest.mark.skipif(ELSEWHERE is not None, reason="another emulator is under test")


@pytest.fixture
def prover(auth):
    return IdentityTokens(PROJECT, f"http://{auth.address}")


def cookie_for(auth, id_token):
    return auth.server("POST", ":createSessionCookie", json={"idToken": id_token})[1]["sessionCookie"]


def test_tokens_and_cookies_are_proven_by_what_proves_googles(auth, prover):
    email, made = auth.sign_up()
    identity = prover.verify_id_token(made["idToken"])
    assert (identity.uid, identity.email, identity.provider) == (made["localId"], email, "password")
    cookie = cookie_for(auth, made["idToken"])
    assert prover.verify_session_cookie(cookie).uid == made["localId"]
    for check, wrong in ((prover.verify_id_token, cookie), (prover.verify_session_cookie, made["idToken"])):
        with pytest.raises(Unauthenticated):
            check(wrong)


def test_passwords_are_kept_as_argon2_hashes(auth, process):
    _, made = auth.sign_up()
    with sqlite3.connect(process.folder / "auth.db") as db:
        (kept,) = db.execute("SELECT fields FROM accounts WHERE id = ?", (made["localId"],)).fetchone()
    assert "$argon2id$" in kept
    assert "correct horse" not in kept
    (seen,) = auth.ok("accounts:lookup", idToken=made["idToken"])["users"]
    assert "passwordHash" not in seen
    _, all_of_them = auth.server("GET", "/accounts:batchGet")
    assert "argon2" not in str(all_of_them)


def test_guessing_is_stopped_also_when_done_at_once(auth):
    email, _ = auth.sign_up()

    def guess(_):
        return auth.refused("accounts:signInWithPassword", email=email, password=secrets.token_hex(4))

    with ThreadPoolExecutor(12) as pool:
        words = list(pool.map(guess, range(12)))
    assert words.count("INVALID_LOGIN_CREDENTIALS") == 5
    assert words.count("TOO_MANY_ATTEMPTS_TRY_LATER") == 7
    right = auth.refused("accounts:signInWithPassword", email=email, password="correct horse")
    assert right == "TOO_MANY_ATTEMPTS_TRY_LATER"
    nobody = f"{secrets.token_hex(6)}@example.com"
    words = [auth.refused("accounts:signInWithPassword", email=nobody, password="guess it") for _ in range(6)]
    assert words == ["INVALID_LOGIN_CREDENTIALS"] * 5 + ["TOO_MANY_ATTEMPTS_TRY_LATER"]


def test_a_revoked_sign_in_is_not_refreshed(auth, prover):
    _, made = auth.sign_up()
    later = prover.verify_id_token(made["idToken"]).auth_time + 1
    auth.server("POST", "/accounts:update", json={"localId": made["localId"], "validSince": later})
    status, answer = auth.refresh(made["refreshToken"])
    assert (status, answer["error"]["message"]) == (400, "TOKEN_EXPIRED")


def test_accounts_keys_and_sign_ins_survive_a_crash(tmp_path):
    process = AuthProcess(tmp_path)
    try:
        auth = Auth(process.address)
        email, made = auth.sign_up()
        auth.ok("accounts:sendOobCode", requestType="VERIFY_EMAIL", idToken=made["idToken"])
        process.kill()
        process.start()
        assert auth.ok("accounts:lookup", idToken=made["idToken"])["users"][0]["email"] == email
        assert auth.refresh(made["refreshToken"])[0] == 200
        assert auth.ok("accounts:update", oobCode=auth.codes(email)[0]["oobCode"])["emailVerified"] is True
        assert auth.ok("accounts:signInWithPassword", email=email, password="correct horse")
    finally:
        process.kill()


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (
            f"/identitytoolkit.googleapis.com/v1/projects/{PROJECT}/accounts:batchGet",
            {"Authorization": "Bearer owner"},
        ),
        (f"/emulator/v1/projects/{PROJECT}/oobCodes", {}),
    ],
)
def test_a_web_page_has_no_privilege(auth, path, headers):
    url = f"http://{auth.address}{path}"
    assert requests.get(url, headers=headers, timeout=20).status_code == 200
    for stranger in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        assert requests.get(url, headers={**headers, **stranger}, timeout=20).status_code == 403


def test_another_project_is_not_here(auth):
    other = Auth(auth.address, "another")
    status, answer = other.server("GET", "/accounts:batchGet")
    assert (status, answer["error"]["message"]) == (404, "PROJECT_NOT_FOUND")


def test_the_consent_page_gives_a_credential_of_the_provider(auth):
    email = f"{secrets.token_hex(6)}@example.com"
    asked = auth.ok(
        "accounts:createAuthUri", providerId="google.com", continueUri="http://127.0.0.1:5000/back?a=1"
    )
    page = requests.get(asked["authUri"], timeout=20)
    assert "Sign in with Google" in page.text
    sent = requests.post(
        asked["authUri"], data={"email": email, "name": "Grace"}, allow_redirects=False, timeout=20
    )
    target = urlsplit(sent.headers["Location"])
    assert (sent.status_code, target.netloc, target.query) == (303, "127.0.0.1:5000", "a=1")
    credential = {name: value[0] for name, value in parse_qs(target.fragment).items()}
    first = auth.ok("accounts:signInWithIdp", requestUri=sent.headers["Location"], postBody="")
    assert (first["email"], first["isNewUser"], first["displayName"]) == (email, True, "Grace")
    assert email in requests.get(asked["authUri"], timeout=20).text
    other = urlencode({"providerId": "oidc.acme", "id_token": credential["id_token"]})
    assert (
        auth.refused("accounts:signInWithIdp", requestUri="http://localhost", postBody=other)
        == "INVALID_IDP_RESPONSE"
    )
    _, made = auth.sign_up()
    mine = urlencode({"providerId": "google.com", "id_token": made["idToken"]})
    assert (
        auth.refused("accounts:signInWithIdp", requestUri="http://localhost", postBody=mine)
        == "INVALID_IDP_RESPONSE"
    )


def test_consent_is_sent_to_this_machine_alone(auth):
    for target in ("https://evil.example/", "javascript:alert(1)", ""):
        query = urlencode({"providerId": "google.com", "redirect_uri": target})
        assert (
            requests.get(f"http://{auth.address}/emulator/auth/consent?{query}", timeout=20).status_code
            == 400
        )


def test_a_forgotten_password_is_replaced_on_a_page(auth):
    email, _ = auth.sign_up()
    auth.ok("accounts:sendOobCode", requestType="PASSWORD_RESET", email=email)
    link = auth.codes(email)[0]["oobLink"]
    page = requests.get(link, timeout=20)
    assert re.search(r"<form.*newPassword", page.text, re.DOTALL)
    assert requests.post(link, data={"newPassword": "a new one"}, timeout=20).status_code == 200
    assert auth.ok("accounts:signInWithPassword", email=email, password="a new one")
