from __future__ import annotations

import base64
import json
import stat
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
from google.oauth2 import service_account

from local.identity import IdentityError, ensure_keys, load_key, mint_id_token, verify_id_token

EMAIL = "tasks@imangor-local.iam.gserviceaccount.com"
AUDIENCE = "http://127.0.0.1:8080/_functions/process_image"


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("identity") / "keys"
    ensure_keys(folder)
    return folder


def test_minted_token_carries_googles_claims_and_verifies(keys):
    token = mint_id_token(keys, EMAIL, AUDIENCE)
    claims = verify_id_token(load_key(keys), token, AUDIENCE)
    assert (claims["iss"], claims["aud"], claims["email"]) == ("https://accounts.google.com", AUDIENCE, EMAIL)
    assert claims["email_verified"] is True
    assert claims["exp"] - claims["iat"] == 3600
    assert jwt.get_unverified_header(token)["alg"] == "RS256"
    assert jwt.get_unverified_header(token)["kid"]


def test_expired_token_is_refused(keys):
    with pytest.raises(IdentityError, match="Expired"):
        verify_id_token(keys, mint_id_token(keys, EMAIL, AUDIENCE, lifetime=-1), AUDIENCE)


def test_token_for_another_audience_is_refused(keys):
    with pytest.raises(IdentityError, match="Audience"):
        verify_id_token(keys, mint_id_token(keys, EMAIL, AUDIENCE), AUDIENCE + "/")


def test_token_of_a_foreign_key_is_refused(keys, tmp_path):
    ensure_keys(tmp_path)
    with pytest.raises(IdentityError, match="Signature"):
        verify_id_token(keys, mint_id_token(tmp_path, EMAIL, AUDIENCE), AUDIENCE)


def test_token_of_another_issuer_is_refused(keys):
    claims = verify_id_token(keys, mint_id_token(keys, EMAIL, AUDIENCE), AUDIENCE) | {
        "iss": "https://evil.test"
    }
    with pytest.raises(IdentityError, match="Issuer"):
        verify_id_token(keys, jwt.encode(claims, load_key(keys), algorithm="RS256"), AUDIENCE)


def test_token_without_expiry_is_refused(keys):
    claims = verify_id_token(keys, mint_id_token(keys, EMAIL, AUDIENCE), AUDIENCE)
    del claims["exp"]
    with pytest.raises(IdentityError, match="exp"):
        verify_id_token(keys, jwt.encode(claims, load_key(keys), algorithm="RS256"), AUDIENCE)


@pytest.mark.parametrize("signature", ["", "SIGNATURE_REMOVED_BY_GOOGLE"])
def test_unsigned_token_is_refused(keys, signature):
    header, payload, _ = mint_id_token(keys, EMAIL, AUDIENCE).split(".")
    with pytest.raises(IdentityError):
        verify_id_token(keys, f"{header}.{payload}.{signature}", AUDIENCE)


def test_algorithm_none_is_refused(keys):
    _, payload, _ = mint_id_token(keys, EMAIL, AUDIENCE).split(".")
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).decode().rstrip("=")
    with pytest.raises(IdentityError):
        verify_id_token(keys, f"{header}.{payload}.", AUDIENCE)


def test_keys_made_by_many_at_once_are_one_key(tmp_path):
    folder = tmp_path / "keys"

    def make_and_read(_):
        ensure_keys(folder)
        return (folder / "oidc.pem").read_bytes(), (folder / "signer.json").read_bytes()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(make_and_read, range(16)))) == 1
    assert sorted(path.name for path in folder.iterdir()) == ["oidc.pem", "signer.json"]


def test_keys_are_their_owners_only(keys):
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys.iterdir()} == {0o600}


def test_signer_file_is_a_service_account_key(keys):
    credentials = service_account.Credentials.from_service_account_file(str(keys / "signer.json"))
    assert credentials.service_account_email == "signer@imangor-local.iam.gserviceaccount.com"
    assert credentials.sign_bytes(b"text")


def test_folder_without_keys_is_said(tmp_path):
    with pytest.raises(IdentityError, match="no identity key"):
        mint_id_token(tmp_path, EMAIL, AUDIENCE)
