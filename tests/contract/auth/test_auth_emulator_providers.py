"""Signing in with Google and others, at any emulator of Identity Platform."""

import base64
import json
import secrets
from urllib.parse import urlencode

from .conftest import claims_of


def google(auth, sub, email=None, provider="google.com", **body):
    said = json.dumps(
        {"sub": sub, "email": email, "email_verified": provider == "google.com", "name": "Grace"}
    )
    post = urlencode({"providerId": provider, "id_token": said})
    return auth.client(
        "accounts:signInWithIdp", requestUri="http://localhost", postBody=post, returnSecureToken=True, **body
    )


def test_google_signs_up_and_in(auth):
    sub, email = secrets.token_hex(8), f"{secrets.token_hex(6)}@example.com"
    _, first = google(auth, sub, email)
    assert (first["isNewUser"], first["email"], first["emailVerified"]) == (True, email, True)
    assert first["providerId"] == "google.com"
    claims = claims_of(first["idToken"])
    assert claims["firebase"]["sign_in_provider"] == "google.com"
    assert claims["firebase"]["identities"]["google.com"] == [sub]
    assert claims["name"] == "Grace"
    _, second = google(auth, sub, email)
    assert (second["localId"], second.get("isNewUser", False)) == (first["localId"], False)


def test_google_takes_over_an_account_whose_address_was_never_verified(auth):
    email, made = auth.sign_up()
    _, signed = google(auth, secrets.token_hex(8), email)
    assert signed["localId"] == made["localId"]
    assert auth.refused("accounts:signInWithPassword", email=email, password="correct horse") == (
        "INVALID_LOGIN_CREDENTIALS"
    )


def test_another_provider_must_be_confirmed_by_who_has_the_address(auth):
    email, made = auth.sign_up()
    status, asked = google(auth, secrets.token_hex(8), email, provider="oidc.acme")
    assert (status, asked["needConfirmation"]) == (200, True)
    assert asked["verifiedProvider"] == []
    assert "idToken" not in asked
    _, linked = google(auth, secrets.token_hex(8), email, provider="oidc.acme", idToken=made["idToken"])
    assert linked["localId"] == made["localId"]
    (user,) = auth.ok("accounts:lookup", idToken=linked["idToken"])["users"]
    assert {p["providerId"] for p in user["providerUserInfo"]} == {"password", "oidc.acme"}


def test_somebody_elses_sign_in_cannot_be_linked(auth):
    sub = secrets.token_hex(8)
    google(auth, sub, f"{secrets.token_hex(6)}@example.com")
    _, made = auth.sign_up()
    status, answer = google(auth, sub, None, idToken=made["idToken"])
    assert (status, answer["error"]["message"]) == (400, "FEDERATED_USER_ID_ALREADY_LINKED")
    status, answer = google(auth, sub, None, idToken=made["idToken"], returnIdpCredential=True)
    assert (status, answer["errorMessage"]) == (200, "FEDERATED_USER_ID_ALREADY_LINKED")


def test_a_way_to_sign_in_is_unlinked(auth):
    taken, _ = auth.sign_up()
    email, made = auth.sign_up()
    _, refused = google(auth, secrets.token_hex(8), taken, idToken=made["idToken"])
    assert refused["error"]["message"] == "EMAIL_EXISTS"
    _, linked = google(auth, secrets.token_hex(8), email, idToken=made["idToken"])
    left = auth.ok("accounts:update", idToken=linked["idToken"], deleteProvider=["google.com"])
    assert [p["providerId"] for p in left["providerUserInfo"]] == ["password"]


def test_unsigned_json_web_tokens_of_a_provider_are_taken(auth):
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in (
            {"alg": "none"},
            {"sub": secrets.token_hex(8), "email": f"{secrets.token_hex(6)}@example.com"},
        )
    )
    post = urlencode({"providerId": "google.com", "id_token": f"{head}.{body}."})
    assert (
        auth.ok("accounts:signInWithIdp", requestUri="http://localhost", postBody=post)["isNewUser"] is True
    )
