"""Visitors: callers without an account, whom a trial lets have a few pictures translated.

A visitor is whoever has the token that they were given on their first call: 178 random bits, of which only a
hash is kept, as the id that their jobs are created by. Nothing is looked up to prove one: a token that was
never given out belongs to a visitor who has nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from shared.auth.api_keys import is_well_formed, new_key
from shared.auth.errors import CredentialEnded, ForeignOrigin
from shared.auth.principal import Principal
from shared.core.credentials import Credentials
from shared.core.errors import Unauthenticated
from shared.core.ids import CROCKFORD

_PLAN: Final = "economy"
_ID_LENGTH: Final = 26


@dataclass(frozen=True)
class Visit:
    """A visitor's first call, and the token that they come back with."""

    visitor: Principal
    token: str


class Visitors:
    """Knows them by their tokens."""

    def __init__(self, account: str | None, origins: frozenset[str]) -> None:
        """`account` has their jobs, None where there is no trial; `origins` are those of pages that they may
        come from, besides our own.
        """
        self._account = account
        self._origins = origins

    def arrive(self, credentials: Credentials) -> Visit | None:
        """Let somebody in who has nothing to show; None where there is no trial.

        Raises `ForeignOrigin`: another site's page would spend what the visitor's network may have.
        """
        if self._account is None:
            return None
        origin = credentials.origin
        if origin is not None and origin not in self._origins | credentials.own_origins:
            raise ForeignOrigin("A trial begins only on pages of this service or of allowed origins.")
        token = new_key("trial")
        return Visit(_visitor(token, self._account), token)

    def prove(self, secret: str, credentials: Credentials) -> Principal:
        """Who has this token; raises `Unauthenticated` for what is none, and where there is no trial."""
        if not is_well_formed(secret):
            raise Unauthenticated("The trial's token is not valid.")
        if self._account is None:
            raise CredentialEnded("There is no trial any more.")
        return _visitor(secret, self._account)


def _visitor(token: str, account: str) -> Principal:
    value = int.from_bytes(hashlib.sha256(token.encode()).digest())
    ident = "".join(CROCKFORD[value >> 5 * place & 31] for place in range(_ID_LENGTH))
    return Principal(f"tri_{ident}", account, frozenset(), _PLAN, kind="trial")
