"""Keys of the local "accounts.google.com" and the OIDC tokens signed by them.

A key folder holds two files, made once and readable by their owner only: `oidc.pem`, the RSA key that signs
identity tokens, and `signer.json`, a service-account key file for V4-signed URLs
(`GOOGLE_APPLICATION_CREDENTIALS`).
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER = "https://accounts.google.com"
OIDC_KEY = "oidc.pem"
SIGNER_KEY = "signer.json"
PROJECT = "imangor-local"
SIGNER_EMAIL = f"signer@{PROJECT}.iam.gserviceaccount.com"

Key = rsa.RSAPrivateKey


class IdentityError(Exception):
    """An identity token, or the key it should be checked with, cannot be trusted."""


def ensure_keys(folder: str | Path) -> None:
    """Make the folder's keys where they are missing; existing keys stay, whoever calls at the same time.

    Raises OSError where the folder cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / OIDC_KEY).exists():
        _create_once(folder / OIDC_KEY, _pem(_generate()))
    if not (folder / SIGNER_KEY).exists():
        _create_once(folder / SIGNER_KEY, _service_account_file(_generate()))


def load_key(folder: str | Path) -> Key:
    """The key that signs the folder's identity tokens; IdentityError where there is none that can be read."""
    path = Path(folder) / OIDC_KEY
    try:
        return _load(path, path.stat().st_mtime_ns)
    except (OSError, ValueError) as error:
        raise IdentityError(f"no identity key in {folder}: {error}") from error


def mint_id_token(key: str | Path | Key, email: str, audience: str, lifetime: float = 3600) -> str:
    """Sign an RS256 identity token as Google does for a service account.

    `key` is a key or the folder that holds it, `audience` the exact URL that the token is for, `lifetime` is
    in seconds. Raises IdentityError where the folder has no key.
    """
    private = _private(key)
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": audience,
        "azp": _subject(email),
        "sub": _subject(email),
        "email": email,
        "email_verified": True,
        "iat": now,
        "exp": int(now + lifetime),
    }
    return jwt.encode(claims, private, algorithm="RS256", headers={"kid": _key_id(private)})


def verify_id_token(key: str | Path | Key, token: str, audience: str) -> dict[str, Any]:
    """Check a token's signature, issuer, audience and expiry and return its claims.

    Raises IdentityError for a token that fails any of them, is unsigned, or lacks one of those claims.
    """
    private = _private(key)
    try:
        return jwt.decode(
            token,
            private.public_key(),
            algorithms=["RS256"],
            audience=audience,
            issuer=ISSUER,
            options={"require": ["iss", "aud", "exp", "iat", "sub", "email"]},
        )
    except jwt.PyJWTError as error:
        raise IdentityError(f"{type(error).__name__}: {error}") from error


def _private(key: str | Path | Key) -> Key:
    return key if isinstance(key, rsa.RSAPrivateKey) else load_key(key)


@lru_cache(maxsize=8)
def _load(path: Path, _modified: int) -> Key:
    loaded = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(loaded, rsa.RSAPrivateKey):
        raise ValueError("it is not an RSA key")
    return loaded


@lru_cache(maxsize=8)
def _key_id(key: Key) -> str:
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(der).hexdigest()[:40]


def _subject(email: str) -> str:
    """A stable 21-digit account number, the shape of Google's unique ids."""
    return str(10**20 + int(hashlib.sha256(email.encode()).hexdigest(), 16) % 10**20)


def _generate() -> Key:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _service_account_file(key: Key) -> bytes:
    document = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": _key_id(key),
        "private_key": _pem(key).decode(),
        "client_email": SIGNER_EMAIL,
        "client_id": _subject(SIGNER_EMAIL),
        # A token endpoint that refuses at once: this key means nothing to Google and must not be sent there.
        "token_uri": "http://127.0.0.1:9/token",
        "universe_domain": "googleapis.com",
    }
    return json.dumps(document, indent=2).encode()


def _create_once(path: Path, content: bytes) -> None:
    """Write a whole file or leave the one that somebody else has just written."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
