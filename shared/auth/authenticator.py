"""Credentials in, principal out: the credential's shape says who is asked to prove it."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final, Protocol

from shared.auth.attempts import FailedAttempts
from shared.auth.principal import Principal
from shared.core.credentials import Credentials
from shared.core.errors import Unauthenticated

_JWT: Final = re.compile(r"[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+")
_KEY: Final = "img_"
_TRIAL: Final = "img_trial_"


class Shape(Enum):
    """What a credential looks like; nothing is known of it yet."""

    KEY = "an API key"
    TRIAL = "a trial's token"
    ACCESS_TOKEN = "an access token"  # noqa: S105 - a name, not a token
    ID_TOKEN = "an ID token"  # noqa: S105 - a name, not a token
    SESSION = "a session cookie"


class Prover(Protocol):
    """Knows one shape of credential."""

    def prove(self, secret: str, credentials: Credentials) -> Principal:
        """Who holds `secret`, the key, token or cookie among `credentials`; raises `Unauthenticated`."""


class Authenticator:
    """Finds the prover for a request's credential."""

    def __init__(
        self,
        provers: Mapping[Shape, Callable[[], Prover]],
        attempts: FailedAttempts,
        issuer: str | None = None,
    ) -> None:
        """`provers` are built when they are needed; a shape without one is refused.

        `issuer` is whose tokens are access tokens; all other tokens are identity tokens.
        """
        self._provers = provers
        self._attempts = attempts
        self._issuer = issuer

    def authenticate(self, credentials: Credentials) -> Principal:
        """Prove the caller. A key or token in a header goes before a cookie.

        Raises `Unauthenticated`, or `RateLimited` where that was too often.
        """
        with self._attempts.counting(credentials):
            shape, secret = self._shape(credentials)
            prover = self._provers.get(shape)
            if prover is None:
                raise Unauthenticated(f"This does not take {shape.value}.")
            return prover().prove(secret, credentials)

    def _shape(self, credentials: Credentials) -> tuple[Shape, str]:
        secret = credentials.bearer
        if secret is None:
            if credentials.cookie and not credentials.authorization:
                return Shape.SESSION, credentials.cookie
            raise Unauthenticated("Send an API key or a token as `Authorization: Bearer …`.")
        if secret.startswith(_TRIAL):
            return Shape.TRIAL, secret
        if secret.startswith(_KEY):
            return Shape.KEY, secret
        match = _JWT.fullmatch(secret)
        if match is None:
            raise Unauthenticated("The API key or token is not valid.")
        ours = self._issuer is not None and _issuer_of(match[1]) == self._issuer
        return (Shape.ACCESS_TOKEN if ours else Shape.ID_TOKEN), secret


def _issuer_of(payload: str) -> object:
    """Who a token says it is from; not to be believed, only to know whom to ask."""
    try:
        claims = json.loads(base64.b64decode(payload + "=" * (-len(payload) % 4), altchars=b"-_"))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return claims.get("iss") if isinstance(claims, dict) else None
