"""Whether somebody has just signed in: asked for before what cannot be undone."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select

from shared.auth.identity_tokens import IdentityTokens
from shared.auth.principal import Principal
from shared.core.credentials import Credentials
from shared.db.models import sessions
from shared.db.unit_of_work import UnitOfWork
from shared.sessions.errors import SignInTooOld
from shared.sessions.service import FRESH_SECONDS


class RecentSignIn:
    """Looks when the person who calls proved themselves."""

    def __init__(self, open_as: Callable[[str], UnitOfWork], tokens: Callable[[], IdentityTokens]):
        """`open_as` opens a unit of work as a person."""
        self._open_as = open_as
        self._tokens = tokens

    def require(self, caller: Principal, credentials: Credentials) -> None:
        """Raise `SignInTooOld` for a person who signed in longer ago than five minutes, and for a client that
        acts for one. An API key proves itself each time.
        """
        if caller.user is None:
            return
        if caller.kind != "user":
            raise SignInTooOld()
        token = None if caller.session else credentials.bearer
        told = self._tokens().verify_id_token(token).auth_time if token else None
        with self._open_as(caller.user) as uow:
            if told is None:
                since = select(sessions.c.signed_in_at).where(sessions.c.id == caller.session)
                told = uow.execute(since).scalar_one().timestamp()
            if uow.now.timestamp() - told > FRESH_SECONDS:
                raise SignInTooOld()
