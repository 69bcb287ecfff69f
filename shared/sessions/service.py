"""Signing in a browser and out again. A session is a cookie of the identity service and a row here."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from sqlalchemy import Row, select

from shared.audit.actions import Action
from shared.audit.log import record
from shared.auth.failed_sign_ins import FailedSignIns
from shared.auth.identity_tokens import IdentityTokens
from shared.auth.people import revoke_tokens
from shared.auth.principal import Principal
from shared.auth.sessions import cookie_digest
from shared.core.actor import truncated
from shared.core.credentials import Credentials
from shared.core.ids import new_id
from shared.db.models import users
from shared.db.unit_of_work import UnitOfWork
from shared.sessions.cookies import set_cookie
from shared.sessions.device import device_of
from shared.sessions.errors import SessionNotFound, SignInTooOld
from shared.sessions.repository import Sessions
from shared.sessions.schemas import CreateSession, RenameSession, Session, SessionList

FRESH_SECONDS: Final = 300
_DAY: Final = 24 * 3600


class SignIns(Protocol):
    """Sign-ins at the identity service."""

    def session_cookie(self, id_token: str, seconds: int) -> str:
        """A session cookie for an ID token."""

    def revoke(self, uid: str) -> None:
        """End all of somebody's sign-ins."""


class SessionService:
    """The operations of the person who calls."""

    def __init__(
        self,
        current: Callable[[], UnitOfWork],
        open_uow: Callable[[], UnitOfWork],
        tokens: Callable[[], IdentityTokens],
        sign_ins: Callable[[], SignIns],
        failed: FailedSignIns,
    ):
        """`current` gives the request's unit of work, `open_uow` opens another of the person who calls."""
        self._current = current
        self._open_uow = open_uow
        self._tokens = tokens
        self._sign_ins = sign_ins
        self._failed = failed

    def create(
        self, caller: Principal, credentials: Credentials, order: CreateSession
    ) -> tuple[Session, dict[str, str]]:
        """Begin a session; with it come the headers that give the browser its cookie.

        Raises `SignInTooOld` unless the caller came with an ID token and signed in just before. Opens
        transactions of its own, because the identity service is asked between them.
        """
        token = credentials.bearer
        if caller.session is not None or token is None:
            raise SignInTooOld()
        identity = self._tokens().verify_id_token(token)
        with self._open_uow() as uow:
            age = uow.now.timestamp() - identity.auth_time
        if age > FRESH_SECONDS:
            self._failed.tell(str(caller.user), None, "too-old")
            raise SignInTooOld()
        signed = self._sign_ins().session_cookie(token, order.days * _DAY)
        cookie = f"{signed}.{secrets.token_urlsafe(32)}"
        with self._open_uow() as uow:
            row = Sessions(uow).add(
                id=new_id("ses"),
                user_id=caller.user,
                digest=cookie_digest(cookie),
                name=order.name,
                device=device_of(credentials.agent),
                network=truncated(credentials.address),
                signed_in_at=datetime.fromtimestamp(identity.auth_time, UTC),
                expires_at=uow.now + timedelta(days=order.days),
            )
            record(uow, Action.SIGNED_IN, row.id, provider=identity.provider)
        return _session(row, row.id), set_cookie(cookie, order.days * _DAY, credentials)

    def all(self, caller: Principal) -> SessionList:
        """The sessions that have not ended."""
        rows = Sessions(self._current()).live()
        return SessionList(sessions=[_session(row, caller.session) for row in rows])

    def rename(self, caller: Principal, session: str, order: RenameSession) -> Session:
        """Give a session another name; raises `SessionNotFound`."""
        uow = self._current()
        row = Sessions(uow).rename(session, order.name)
        record(uow, Action.SESSION_RENAMED, session)
        return _session(row, caller.session)

    def revoke(self, session: str) -> None:
        """End a session at once; raises `SessionNotFound`."""
        uow = self._current()
        Sessions(uow).revoke(session)
        record(uow, Action.SIGNED_OUT, session)

    def sign_out(self, caller: Principal) -> None:
        """End the session that the call was made with; raises `SessionNotFound` where there is none."""
        if caller.session is None:
            raise SessionNotFound("This call was made without a session.")
        self.revoke(caller.session)

    def revoke_all(self, caller: Principal) -> None:
        """End every session, and everything else that the person signed in to, this call's included.

        The database's word is enough for this service. The identity service is told, too, after the commit,
        so that it gives no new tokens; raises `DirectoryUnavailable` where it cannot be.
        """
        user = str(caller.user)
        with self._open_uow() as uow:
            uid = uow.execute(select(users.c.identity).where(users.c.id == user)).scalar_one()
            ended = Sessions(uow).revoke_all()
            revoke_tokens(uow, user)
            record(uow, Action.TOKENS_REVOKED, user, sessions=ended)
        self._sign_ins().revoke(uid)


def _session(row: Row[Any], current: str | None) -> Session:
    return Session.model_validate({**row._mapping, "current": row.id == current})
