"""Signing access tokens: JWTs of RFC 9068 by ES256, under keys that are derived from secrets.

A secret becomes a P-256 key as FIPS 186-5, A.2.1 makes one of random bits: 64 bits more than the order has,
here by HKDF (RFC 5869), reduced. So a key is made, kept and rotated like every other secret, as a line of
random text. The first secret signs; the keys of all are published, so that those before it still prove.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from shared.auth.access_tokens import ALGORITHM, TYPE

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

LIFE_SECONDS: Final = 600
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class SigningKey:
    """One key."""

    def __init__(self, secret: str) -> None:
        """Derive it."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        derive = HKDF(SHA256(), length=40, salt=None, info=b"imangor access tokens, P-256").derive
        number = int.from_bytes(derive(secret.encode()), "big") % (_ORDER - 1) + 1
        self.private: EllipticCurvePrivateKey = ec.derive_private_key(number, ec.SECP256R1())

    @cached_property
    def public(self) -> dict[str, Any]:
        """The public half as a JWK; its id is its thumbprint (RFC 7638)."""
        numbers = self.private.public_key().public_numbers()
        key = {"crv": "P-256", "kty": "EC", "x": _base64(numbers.x), "y": _base64(numbers.y)}
        exact = json.dumps(key, separators=(",", ":"), sort_keys=True).encode()
        kid = base64.urlsafe_b64encode(hashlib.sha256(exact).digest()).decode().rstrip("=")
        return {**key, "kid": kid, "alg": ALGORITHM, "use": "sig"}


class SigningKeys:
    """All keys of an issuer."""

    def __init__(self, issuer: str, secrets: list[str]) -> None:
        """The first of `secrets` signs."""
        self.issuer = issuer
        self._keys = [SigningKey(secret) for secret in secrets]

    def published(self) -> list[dict[str, Any]]:
        """The public keys."""
        return [key.public for key in self._keys]

    def sign(self, **claims: object) -> str:
        """A token with these claims and those that every token has."""
        import jwt

        now, newest = int(time.time()), self._keys[0]
        always = {"iss": self.issuer, "aud": self.issuer, "iat": now, "exp": now + LIFE_SECONDS}
        said = {**always, "jti": secrets.token_urlsafe(16), **claims}
        headers = {"typ": TYPE, "kid": newest.public["kid"]}
        return jwt.encode(said, newest.private, algorithm=ALGORITHM, headers=headers)

    def attest(self, kind: str, claims: dict[str, Any]) -> str:
        """A statement that anybody can verify by the published keys, and that never ends.

        `kind` is its type (RFC 8725, 3.11), by which nobody takes it for an access token.
        """
        import jwt

        newest = self._keys[0]
        said = {"iss": self.issuer, "iat": int(time.time()), **claims}
        headers = {"typ": f"{kind}+jwt", "kid": newest.public["kid"]}
        return jwt.encode(said, newest.private, algorithm=ALGORITHM, headers=headers)


def _base64(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).decode().rstrip("=")
