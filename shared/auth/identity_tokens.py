"""ID tokens and session cookies of Identity Platform, proven by ourselves.

Both are JWTs signed with RS256 by Google, each kind with keys and an issuer of its own
(firebase.google.com/docs/auth/admin/verify-id-tokens and /manage-cookies). Revocation and disabling are not
in them: `People` and the sessions know of those.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.auth.certificates import Certificates
from shared.auth.errors import CredentialEnded
from shared.core.errors import Unauthenticated

_log = logging.getLogger(__name__)
_ALGORITHM: Final = "RS256"
LARGEST_TOKEN: Final = 8192
"""Characters. Google's own tokens stay below half of this with all claims that it allows."""
LEEWAY_SECONDS: Final = 30
_LONGEST_ID: Final = 128

_ID_TOKEN: Final = ("ID token", "https://securetoken.google.com/")
_SESSION_COOKIE: Final = ("session cookie", "https://session.firebase.google.com/")
_ID_TOKEN_PATH: Final = "/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"  # noqa: S105 - a path
_SESSION_COOKIE_PATH: Final = "/identitytoolkit/v3/relyingparty/publicKeys"


@dataclass(frozen=True)
class Identity:
    """Who signed in, as the identity service says. Times are whole seconds since 1970.

    `uid` is the service's id of the person, `provider` how they signed in: `password`, `google.com`.
    """

    uid: str
    email: str | None
    email_verified: bool
    name: str | None
    provider: str
    auth_time: int
    issued_at: int


class IdentityTokens:
    """Proves tokens of one project."""

    def __init__(
        self,
        project: str,
        certificates: str,
        make: Callable[[str], Certificates] = Certificates,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`certificates` is the origin that serves the issuers' certificates under Google's paths."""
        self._project = project
        self._id_tokens = make(certificates + _ID_TOKEN_PATH)
        self._session_cookies = make(certificates + _SESSION_COOKIE_PATH)
        self._clock = clock

    def verify_id_token(self, token: str) -> Identity:
        """Who this token is of; raises `Unauthenticated`, and `DependencyDown` where no key can be had."""
        return self._verify(token, self._id_tokens, *_ID_TOKEN)

    def verify_session_cookie(self, cookie: str) -> Identity:
        """Who this session cookie is of; raises as `verify_id_token` does."""
        return self._verify(cookie, self._session_cookies, *_SESSION_COOKIE)

    def _verify(self, token: str, certificates: Certificates, what: str, issuer: str) -> Identity:
        import jwt

        try:
            if len(token) > LARGEST_TOKEN:
                raise jwt.InvalidTokenError("it is too long")
            key = certificates.key(_key_id(jwt.get_unverified_header(token)))
            if key is None:
                raise jwt.InvalidKeyError("nobody has its key")
            claims = jwt.decode(
                token,
                key,
                algorithms=[_ALGORITHM],
                audience=self._project,
                issuer=issuer + self._project,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "auth_time", "aud", "iss", "sub"], "strict_aud": True},
            )
            return self._identity(claims)
        except jwt.ExpiredSignatureError:
            raise CredentialEnded(f"The {what} has expired.") from None
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            _log.info("%s refused", what, extra={"fields": {"reason": type(error).__name__}})
            raise Unauthenticated(f"The {what} is not valid.") from None

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        """What verified claims say; raises ValueError where they do not say it as Google does."""
        uid, email, name = claims["sub"], claims.get("email"), claims.get("name")
        signed_in = claims.get("firebase")
        facts: Mapping[str, Any] = signed_in if isinstance(signed_in, dict) else {}
        if not isinstance(uid, str) or not 1 <= len(uid) <= _LONGEST_ID:
            raise ValueError("its subject is not an id")
        if "tenant" in facts:
            raise ValueError("it is of a tenant, whose people are others")
        auth_time, issued_at = _seconds(claims["auth_time"]), _seconds(claims["iat"])
        if auth_time > self._clock() + LEEWAY_SECONDS:
            raise ValueError("its sign-in is in the future")
        return Identity(
            uid=uid,
            email=email if isinstance(email, str) and email else None,
            email_verified=claims.get("email_verified") is True,
            name=name if isinstance(name, str) and name else None,
            provider=str(facts.get("sign_in_provider", "")),
            auth_time=auth_time,
            issued_at=issued_at,
        )


def _key_id(header: Mapping[str, Any]) -> str:
    """The id of the key that a token names; raises ValueError for a header that Google would not write."""
    key_id = header.get("kid")
    if header.get("alg") != _ALGORITHM or "crit" in header:
        raise ValueError("its algorithm is not RS256")
    if not isinstance(key_id, str) or not 1 <= len(key_id) <= _LONGEST_ID:
        raise ValueError("it names no key")
    return key_id


def _seconds(claim: object) -> int:
    if isinstance(claim, bool) or not isinstance(claim, int | float) or not math.isfinite(claim) or claim < 0:
        raise ValueError("a time is not a number")
    return int(claim)
