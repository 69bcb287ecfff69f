"""What a project's servers do by the official SDK, at any emulator of Identity Platform."""

import secrets
from urllib.parse import parse_qs, urlsplit

import pytest

from .conftest import claims_of


def test_the_sdk_manages_accounts(auth, admin):
    sdk, app = admin
    email = f"{secrets.token_hex(6)}@example.com"
    made = sdk.create_user(email=email, password="correct horse", display_name="Ada", app=app)
    assert (made.email, made.display_name, made.disabled, made.email_verified) == (email, "Ada", False, False)
    with pytest.raises(sdk.EmailAlreadyExistsError):
        sdk.create_user(email=email, app=app)
    with pytest.raises(sdk.UidAlreadyExistsError):
        sdk.create_user(uid=made.uid, app=app)
    assert sdk.get_user_by_email(email, app=app).uid == made.uid
    with pytest.raises(sdk.UserNotFoundError):
        sdk.get_user("nobody", app=app)
    changed = sdk.update_user(made.uid, email_verified=True, display_name=sdk.DELETE_ATTRIBUTE, app=app)
    assert (changed.email_verified, changed.display_name) == (True, None)
    assert auth.ok("accounts:signInWithPassword", email=email, password="correct horse")
    sdk.delete_user(made.uid, app=app)
    with pytest.raises(sdk.UserNotFoundError):
        sdk.get_user(made.uid, app=app)


def test_the_sdks_claims_come_with_the_token(auth, admin):
    sdk, app = admin
    email, made = auth.sign_up()
    sdk.set_custom_user_claims(made["localId"], {"role": "owner"}, app=app)
    signed = auth.ok("accounts:signInWithPassword", email=email, password="correct horse")
    assert claims_of(signed["idToken"])["role"] == "owner"
    assert sdk.get_user(made["localId"], app=app).custom_claims == {"role": "owner"}
    status, answer = auth.server(
        "POST", "/accounts:update", json={"localId": made["localId"], "customAttributes": '{"sub": "x"}'}
    )
    assert (status, answer["error"]["message"].split(" :")[0]) == (400, "FORBIDDEN_CLAIM")


def test_who_is_disabled_neither_signs_in_nor_refreshes(auth, admin):
    sdk, app = admin
    email, made = auth.sign_up()
    assert sdk.update_user(made["localId"], disabled=True, app=app).disabled
    assert (
        auth.refused("accounts:signInWithPassword", email=email, password="correct horse") == "USER_DISABLED"
    )
    assert auth.refresh(made["refreshToken"])[1]["error"]["message"] == "USER_DISABLED"
    assert auth.refused("accounts:lookup", idToken=made["idToken"]) == "USER_DISABLED"


def test_what_was_issued_before_a_time_can_be_revoked(auth, admin):
    sdk, app = admin
    _, made = auth.sign_up()
    valid_since = claims_of(made["idToken"])["auth_time"] + 1
    auth.server("POST", "/accounts:update", json={"localId": made["localId"], "validSince": str(valid_since)})
    assert sdk.get_user(made["localId"], app=app).tokens_valid_after_timestamp == valid_since * 1000
    assert auth.refused("accounts:lookup", idToken=made["idToken"]) == "TOKEN_EXPIRED"


def test_session_cookies(auth, admin):
    sdk, app = admin
    _, made = auth.sign_up()
    cookie = sdk.create_session_cookie(made["idToken"], 300, app=app)
    claims, before = claims_of(cookie), claims_of(made["idToken"])
    assert claims["iss"] == f"https://session.firebase.google.com/{auth.project}"
    assert claims["exp"] - claims["iat"] == 300
    assert (claims["sub"], claims["auth_time"]) == (before["sub"], before["auth_time"])
    assert sdk.verify_session_cookie(cookie, app=app)["uid"] == made["localId"]
    status, answer = auth.server(
        "POST", ":createSessionCookie", json={"idToken": made["idToken"], "validDuration": "1"}
    )
    assert (status, answer["error"]["message"]) == (400, "INVALID_DURATION")
    status, answer = auth.server("POST", ":createSessionCookie", json={"idToken": "x"})
    assert (status, answer["error"]["message"]) == (400, "INVALID_ID_TOKEN")


def test_custom_tokens(auth, admin):
    sdk, app = admin
    uid = secrets.token_hex(8)
    token = sdk.create_custom_token(uid, {"role": "viewer"}, app=app).decode()
    signed = auth.ok("accounts:signInWithCustomToken", token=token, returnSecureToken=True)
    claims = claims_of(signed["idToken"])
    assert (claims["sub"], claims["role"]) == (uid, "viewer")
    assert claims["firebase"]["sign_in_provider"] == "custom"
    assert signed["isNewUser"] is True
    _, told = auth.refresh(signed["refreshToken"])
    assert claims_of(told["id_token"])["role"] == "viewer"


def test_links_that_a_server_asks_for(auth, admin):
    sdk, app = admin
    email, _ = auth.sign_up()
    for link in (
        sdk.generate_email_verification_link(email, app=app),
        sdk.generate_password_reset_link(email, app=app),
    ):
        assert parse_qs(urlsplit(link).query)["oobCode"]
    assert auth.refused(
        "accounts:sendOobCode", requestType="PASSWORD_RESET", email=email, returnOobLink=True
    ) == ("INSUFFICIENT_PERMISSION")


def test_accounts_in_bulk(auth, admin):
    sdk, app = admin
    run = secrets.token_hex(4)
    people = [sdk.ImportUserRecord(uid=f"{run}-{n}", email=f"{run}-{n}@example.com") for n in range(3)]
    assert sdk.import_users(people, app=app).success_count == 3
    assert (
        sdk.import_users([sdk.ImportUserRecord(uid="x", email=f"{run}-0@example.com")], app=app).failure_count
        == 1
    )
    listed = [user.uid for user in sdk.list_users(max_results=2, app=app).iterate_all()]
    assert set(listed) >= {person.uid for person in people}
    assert len(listed) == len(set(listed))
    found = sdk.get_users(
        [sdk.UidIdentifier(f"{run}-0"), sdk.EmailIdentifier(f"{run}-1@example.com")], app=app
    )
    assert {user.uid for user in found.users} == {f"{run}-0", f"{run}-1"}
    status, answer = auth.server("POST", "/accounts:batchDelete", json={"localIds": [f"{run}-0"]})
    assert (status, answer["errors"][0]["message"].split(" :")[0]) == (200, "NOT_DISABLED")
    assert sdk.delete_users([person.uid for person in people], app=app).success_count == 3
    _, counted = auth.server("POST", "/accounts:query", json={"returnUserInfo": False})
    assert int(counted["recordsCount"]) >= 0


def test_a_provider_is_linked_by_a_server(auth, admin):
    sdk, app = admin
    email, made = auth.sign_up()
    link = sdk.ProviderIdentifier("google.com", secrets.token_hex(8))
    status, answer = auth.server(
        "POST",
        "/accounts:update",
        json={
            "localId": made["localId"],
            "linkProviderUserInfo": {
                "providerId": link.provider_id,
                "rawId": link.provider_uid,
                "email": email,
            },
        },
    )
    assert status == 200, answer
    assert sdk.get_users([link], app=app).users[0].uid == made["localId"]
