"""Our own access tokens (RFC 9068), as the called prove them: by the issuer's published keys alone."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.auth.certificates import Certificates
from shared.auth.errors import CredentialEnded
from shared.core.errors import Unauthenticated

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

_log = logging.getLogger(__name__)

ALGORITHM: Final = "ES256"
TYPE: Final = "at+jwt"
KEYS_PATH: Final = "/.well-known/jwks.json"
LARGEST_TOKEN: Final = 8192
LEEWAY_SECONDS: Final = 30
_REQUIRED: Final = ["aud", "client_id", "exp", "iat", "iss", "jti", "sub"]
_INVALID: Final = "The access token is not valid."


@dataclass(frozen=True)
class AccessClaims:
    """What a token says: who it speaks for, for which account, and what was asked for.

    `subject` is the id of an API key or a person. Of a person are also `identity`, who that is to the
    identity service, `granted_at`, when they let the client in (seconds since 1970), `grant`, the id under
    which that is kept, and `session`, the id of the sign-in by which they did.
    """

    subject: str
    account: str
    scopes: frozenset[str]
    identity: str | None = None
    granted_at: float = 0
    session: str | None = None
    grant: str | None = None


class AccessTokens:
    """Proves tokens of one issuer, which is their audience, too."""

    def __init__(self, issuer: str, keys: Certificates) -> None:
        self._issuer = issuer
        self._keys = keys

    def verify(self, token: str) -> AccessClaims:
        """What the token says. Raises `Unauthenticated`, `CredentialEnded` for one that was good, and
        `DependencyDown` where no key can be had.
        """
        import jwt

        try:
            if len(token) > LARGEST_TOKEN:
                raise ValueError("it is too long")
            key = self._keys.key(_key_id(jwt.get_unverified_header(token)))
            if key is None:
                raise ValueError("nobody has its key")
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self._issuer,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": _REQUIRED, "strict_aud": True},
            )
            return _read(claims)
        except jwt.ExpiredSignatureError:
            raise CredentialEnded("The access token has expired.") from None
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            _log.info("access token refused", extra={"fields": {"reason": type(error).__name__}})
            raise Unauthenticated(_INVALID) from None


def read_key_set(body: bytes) -> Mapping[str, EllipticCurvePublicKey]:
    """The keys of a JWK set (RFC 7517) by their ids; raises ValueError for anything but P-256 keys."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from jwt.algorithms import ECAlgorithm
    from jwt.exceptions import InvalidKeyError

    try:
        listed = json.loads(body)["keys"]
        found = {str(key["kid"]): ECAlgorithm.from_jwk(key) for key in listed if key["crv"] == "P-256"}
    except (InvalidKeyError, LookupError, TypeError) as error:
        raise ValueError("not a set of keys") from error
    keys = {name: key for name, key in found.items() if isinstance(key, EllipticCurvePublicKey)}
    if not keys or len(keys) < len(listed):
        raise ValueError("not a set of P-256 keys")
    return keys


def _key_id(header: Mapping[str, Any]) -> str:
    """The id of the key that a token names; raises ValueError for a header that we would not write."""
    if header.get("alg") != ALGORITHM or header.get("typ") != TYPE or "crit" in header:
        raise ValueError("it is not an access token")
    key_id = header.get("kid")
    if not isinstance(key_id, str):
        raise ValueError("it names no key")
    return key_id


def _read(claims: Mapping[str, Any]) -> AccessClaims:
    subject, account, scope = claims["sub"], claims.get("account"), claims.get("scope", "")
    if not isinstance(account, str) or not isinstance(scope, str):
        raise ValueError("a claim is not a text")
    person = (
        claims.get("identity"),
        float(claims.get("auth_time", 0)),
        claims.get("sid"),
        claims.get("grant"),
    )
    return AccessClaims(subject, account, frozenset(scope.split()), *person)
