"""Proves people by the cookie of a session: a session cookie of the identity service, a dot, and a secret.

The service's part alone would not tell two sessions apart that a person begins in the same second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from shared.auth.errors import CredentialEnded, ForeignOrigin
from shared.auth.identity_tokens import IdentityTokens
from shared.auth.people import People
from shared.auth.principal import Principal
from shared.auth.sessions import LiveSessions
from shared.core.credentials import Credentials
from shared.core.errors import Unauthenticated

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class SessionProver:
    """Checks the cookie first, then that its session lives, then who the person is now."""

    def __init__(
        self,
        tokens: IdentityTokens,
        sessions: LiveSessions,
        people: Callable[[], People],
        origins: frozenset[str],
    ):
        """`origins` are those that browsers may call from, besides the service's own."""
        self._tokens = tokens
        self._sessions = sessions
        self._people = people
        self._origins = origins

    def prove(self, secret: str, credentials: Credentials) -> Principal:
        """Who signed in, for the account asked for.

        Raises `Unauthenticated`, `AccountNotFound`, and `ForeignOrigin`: a browser sends the cookie along
        whoever's page makes it call, so a call that changes something must say that it is from one of ours.
        """
        identity = self._tokens.verify_session_cookie(secret.rpartition(".")[0])
        if credentials.method not in _SAFE and not self._ours(credentials):
            raise ForeignOrigin()
        session = self._sessions.of_cookie(secret)
        if session is None:
            raise CredentialEnded("The session has ended; sign in again.")
        person = self._people().find(identity, credentials.account)
        if person.user != session.user:
            raise Unauthenticated("The session cookie is not valid.")
        return replace(person, session=session.id)

    def _ours(self, credentials: Credentials) -> bool:
        return credentials.origin in self._origins | credentials.own_origins
