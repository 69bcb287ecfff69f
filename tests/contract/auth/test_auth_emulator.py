"""What Identity Platform does for browsers and servers, of ours and of any other emulator of it.

`AUTH_EMULATOR=host:port` names another; see `make auth-conformance`. What only ours does stands in
`test_auth_emulator_own.py`.
"""

import secrets
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from .conftest import claims_of


def test_sign_up_and_sign_in_again(auth):
    email, made = auth.sign_up()
    assert made["email"] == email
    assert made["expiresIn"] == "3600"
    claims = claims_of(made["idToken"])
    assert claims["aud"] == auth.project
    assert claims["iss"] == f"https://securetoken.google.com/{auth.project}"
    assert claims["sub"] == claims["user_id"] == made["localId"]
    assert (claims["email"], claims["email_verified"]) == (email, False)
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["firebase"] == {"identities": {"email": [email]}, "sign_in_provider": "password"}
    again = auth.ok("accounts:signInWithPassword", email=email.upper(), password="correct horse")
    assert (again["localId"], again["registered"]) == (made["localId"], True)


@pytest.mark.parametrize(
    ("operation", "body", "word"),
    [
        ("accounts:signUp", {"email": "x@example.com"}, "MISSING_PASSWORD"),
        ("accounts:signUp", {"email": "x", "password": "correct horse"}, "INVALID_EMAIL"),
        ("accounts:signUp", {"email": "x@example.com", "password": "short"}, "WEAK_PASSWORD"),
        (
            "accounts:signUp",
            {"localId": "me", "email": "x@example.com", "password": "abcdef"},
            "UNEXPECTED_PARAMETER",
        ),
        ("accounts:signInWithPassword", {"password": "correct horse"}, "MISSING_EMAIL"),
        ("accounts:signInWithPassword", {"email": "x@example.com"}, "MISSING_PASSWORD"),
        ("accounts:signInWithPassword", {"email": "x", "password": "abcdef"}, "INVALID_EMAIL"),
        (
            "accounts:signInWithPassword",
            {"email": "nobody@example.com", "password": "abcdef"},
            "INVALID_LOGIN_CREDENTIALS",
        ),
        ("accounts:lookup", {"idToken": "x"}, "INVALID_ID_TOKEN"),
        ("accounts:lookup", {}, "MISSING_ID_TOKEN"),
        ("accounts:update", {}, "INVALID_REQ_TYPE"),
        ("accounts:update", {"oobCode": "x"}, "INVALID_OOB_CODE"),
        ("accounts:delete", {}, "MISSING_ID_TOKEN"),
        ("accounts:resetPassword", {}, "MISSING_OOB_CODE"),
        ("accounts:resetPassword", {"oobCode": "x"}, "INVALID_OOB_CODE"),
        ("accounts:sendOobCode", {}, "MISSING_REQ_TYPE"),
        ("accounts:sendOobCode", {"requestType": "VERIFY_EMAIL"}, "INVALID_ID_TOKEN"),
        ("accounts:signInWithCustomToken", {}, "MISSING_CUSTOM_TOKEN"),
        ("accounts:signInWithCustomToken", {"token": "x"}, "INVALID_CUSTOM_TOKEN"),
        ("accounts:createAuthUri", {"identifier": "x@example.com"}, "MISSING_CONTINUE_URI"),
        ("accounts:createAuthUri", {"continueUri": "http://localhost"}, "MISSING_IDENTIFIER"),
    ],
)
def test_what_is_missing_or_wrong_is_refused_by_name(auth, operation, body, word):
    assert auth.refused(operation, **body) == word


def test_a_wrong_password_and_a_taken_address(auth):
    email, _ = auth.sign_up()
    assert (
        auth.refused("accounts:signInWithPassword", email=email, password="wrong")
        == "INVALID_LOGIN_CREDENTIALS"
    )
    assert auth.refused("accounts:signUp", email=email, password="correct horse") == "EMAIL_EXISTS"


def test_an_account_is_read_and_changed_by_its_person(auth):
    email, made = auth.sign_up()
    changed = auth.ok("accounts:update", idToken=made["idToken"], displayName="Ada", returnSecureToken=True)
    assert changed["displayName"] == "Ada"
    assert claims_of(auth.refresh(made["refreshToken"])[1]["id_token"])["name"] == "Ada"
    (user,) = auth.ok("accounts:lookup", idToken=made["idToken"])["users"]
    assert (user["email"], user["displayName"], user["emailVerified"]) == (email, "Ada", False)
    assert [p["providerId"] for p in user["providerUserInfo"]] == ["password"]
    assert user["providerUserInfo"][0]["email"] == email
    gone = auth.ok("accounts:update", idToken=made["idToken"], deleteAttribute=["DISPLAY_NAME"])
    assert "displayName" not in gone
    assert (
        auth.refused("accounts:update", idToken=made["idToken"], customAttributes="{}")
        == "INSUFFICIENT_PERMISSION"
    )
    assert (
        auth.refused("accounts:update", idToken=made["idToken"], disableUser=True) == "OPERATION_NOT_ALLOWED"
    )


def test_a_new_password_ends_the_old_one(auth):
    email, made = auth.sign_up()
    changed = auth.ok(
        "accounts:update", idToken=made["idToken"], password="another one", returnSecureToken=True
    )
    assert changed["idToken"]
    assert auth.refused("accounts:signInWithPassword", email=email, password="correct horse") == (
        "INVALID_LOGIN_CREDENTIALS"
    )
    assert (
        auth.ok("accounts:signInWithPassword", email=email, password="another one")["localId"]
        == made["localId"]
    )


def test_deleting_oneself(auth):
    email, made = auth.sign_up()
    auth.ok("accounts:delete", idToken=made["idToken"])
    assert auth.refused("accounts:lookup", idToken=made["idToken"]) == "USER_NOT_FOUND"
    assert auth.refused("accounts:signInWithPassword", email=email, password="correct horse") == (
        "INVALID_LOGIN_CREDENTIALS"
    )


def test_refresh_tokens(auth):
    _, made = auth.sign_up()
    status, told = auth.refresh(made["refreshToken"])
    assert status == 200
    assert (told["user_id"], told["token_type"], told["expires_in"]) == (made["localId"], "Bearer", "3600")
    before, after = claims_of(made["idToken"]), claims_of(told["id_token"])
    assert (after["sub"], after["auth_time"]) == (before["sub"], before["auth_time"])
    assert told["access_token"] == told["id_token"]
    status, told = auth.refresh("x")
    assert (status, told["error"]["message"]) == (400, "INVALID_REFRESH_TOKEN")


def test_an_address_is_verified_by_a_code(auth):
    email, made = auth.sign_up()
    sent = auth.ok("accounts:sendOobCode", requestType="VERIFY_EMAIL", idToken=made["idToken"])
    assert sent["email"] == email
    assert "oobLink" not in sent
    (code,) = auth.codes(email)
    assert code["requestType"] == "VERIFY_EMAIL"
    assert parse_qs(urlsplit(code["oobLink"]).query)["mode"] == ["verifyEmail"]
    assert auth.ok("accounts:resetPassword", oobCode=code["oobCode"])["requestType"] == "VERIFY_EMAIL"
    verified = auth.ok("accounts:update", oobCode=code["oobCode"])
    assert (verified["email"], verified["emailVerified"]) == (email, True)
    assert auth.refused("accounts:update", oobCode=code["oobCode"]) == "INVALID_OOB_CODE"
    _, told = auth.refresh(made["refreshToken"])
    assert claims_of(told["id_token"])["email_verified"] is True


def test_the_link_of_a_mail_does_the_same_in_a_browser(auth):
    email, made = auth.sign_up()
    auth.ok(
        "accounts:sendOobCode",
        requestType="VERIFY_EMAIL",
        idToken=made["idToken"],
        continueUrl="http://localhost/in",
    )
    link = auth.codes(email)[0]["oobLink"]
    answer = requests.get(link, allow_redirects=False, timeout=20)
    assert (answer.status_code, answer.headers["Location"]) == (303, "http://localhost/in")
    assert auth.ok("accounts:lookup", idToken=made["idToken"])["users"][0]["emailVerified"] is True


def test_an_address_is_changed_by_a_code(auth):
    email, made = auth.sign_up()
    new = f"{secrets.token_hex(6)}@example.com"
    wanted = {"requestType": "VERIFY_AND_CHANGE_EMAIL", "newEmail": new}
    auth.ok("accounts:sendOobCode", idToken=made["idToken"], **wanted)
    auth.ok("accounts:update", oobCode=auth.codes(email)[0]["oobCode"])
    signed = auth.ok("accounts:signInWithPassword", email=new, password="correct horse")
    assert claims_of(signed["idToken"])["email_verified"] is True


def test_a_password_is_reset_by_a_code(auth):
    email, _ = auth.sign_up()
    auth.ok("accounts:sendOobCode", requestType="PASSWORD_RESET", email=email)
    code = auth.codes(email)[0]["oobCode"]
    assert auth.refused("accounts:resetPassword", oobCode=code, newPassword="x") == "WEAK_PASSWORD"
    assert auth.ok("accounts:resetPassword", oobCode=code, newPassword="a new one")["email"] == email
    assert auth.refused("accounts:resetPassword", oobCode=code, newPassword="a new one") == "INVALID_OOB_CODE"
    assert auth.ok("accounts:signInWithPassword", email=email, password="a new one")


def test_nobody_is_told_which_addresses_are_known(auth):
    unknown = f"{secrets.token_hex(6)}@example.com"
    assert auth.ok("accounts:sendOobCode", requestType="PASSWORD_RESET", email=unknown)["email"] == unknown
    assert auth.codes(unknown) == []
    told = auth.ok("accounts:createAuthUri", identifier=unknown, continueUri="http://localhost")
    assert "registered" not in told
    assert told["sessionId"]


def test_a_link_signs_in(auth):
    auth.server("PATCH", "/config", json={"signIn": {"email": {"enabled": True, "passwordRequired": False}}})
    email = f"{secrets.token_hex(6)}@example.com"
    auth.ok("accounts:sendOobCode", requestType="EMAIL_SIGNIN", email=email, continueUrl="http://localhost/")
    code = auth.codes(email)[0]["oobCode"]
    assert (
        auth.refused("accounts:signInWithEmailLink", email="b@example.com", oobCode=code) == "INVALID_EMAIL"
    )
    signed = auth.ok("accounts:signInWithEmailLink", email=email, oobCode=code)
    assert (signed["email"], signed["isNewUser"]) == (email, True)
    assert claims_of(signed["idToken"])["email_verified"] is True
    assert auth.refused("accounts:signInWithEmailLink", email=email, oobCode=code) == "INVALID_OOB_CODE"


def test_what_browsers_ask_before_anything(auth):
    base = f"http://{auth.address}/identitytoolkit.googleapis.com"
    found = requests.get(f"{base}/v1/projects?key=any", timeout=20).json()
    assert "localhost" in found["authorizedDomains"]
    asked = {"Origin": "http://localhost:5000", "Access-Control-Request-Method": "POST"}
    asked["Access-Control-Request-Headers"] = "content-type,x-client-version,x-firebase-gmpid"
    flight = requests.options(f"{base}/v1/accounts:signUp?key=any", headers=asked, timeout=20)
    assert flight.ok
    assert flight.headers["Access-Control-Allow-Origin"] in ("*", "http://localhost:5000")
    assert "x-client-version" in flight.headers["Access-Control-Allow-Headers"].lower()
    answer = requests.post(
        f"{base}/v1/accounts:lookup?key=any", json={}, headers={"Origin": "http://localhost:5000"}, timeout=20
    )
    assert answer.headers["Access-Control-Allow-Origin"] in ("*", "http://localhost:5000")


def test_a_client_needs_an_api_key_and_a_server_its_credential(auth):
    base = f"http://{auth.address}/identitytoolkit.googleapis.com/v1"
    assert requests.post(f"{base}/accounts:signUp", json={}, timeout=20).status_code in (401, 403)
    listing = f"{base}/projects/{auth.project}/accounts:batchGet"
    assert requests.get(listing, timeout=20).status_code in (401, 403)
