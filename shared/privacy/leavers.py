"""The people of an account that is erased: each leaves, and whoever has no other account goes altogether.

Somebody's row stays for a while without anything but ids, as that of somebody who is disabled: a token that
is still good would make them anew. The identity service forgets them at once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, Protocol

from sqlalchemy import select, update

from shared.auth.people import forget_people
from shared.auth.sessions import forget_session
from shared.db.models import clock_now, memberships, sessions, users
from shared.db.unit_of_work import UnitOfWork
from shared.members.syncing import sync_identity
from shared.privacy.record import Erasures

_WITHOUT_ANYTHING: Final = """
update users set email = null, email_hash = null, email_verified = false, name = null, profile_hash = '',
  profile_at = clock_now() + interval '1 day', disabled_at = clock_now(), tokens_valid_after = clock_now(),
  erased_at = clock_now(), erased_by = :erasure
where id = :user
"""
_GONE: Final = (
    "delete from oauth_grants where user_id = :user",
    "delete from invitations where accepted_by = :user",
    "delete from sessions where user_id = :user",
)


class Directory(Protocol):
    """The identity service's own list of people."""

    def delete(self, uid: str) -> None:
        """Forget somebody."""


class Leavers:
    """Lets people go. `open_as` opens a unit of work of the account as one of them, under the lease."""

    def __init__(
        self,
        erasure: str,
        open_uow: Callable[[str | None], AbstractContextManager[UnitOfWork]],
        directory: Callable[[], Directory],
    ):
        self._erasure = erasure
        self._open_uow = open_uow
        self._directory = directory

    def leave(self) -> None:
        """Let everybody go, and have the identity service forget those who are gone altogether."""
        while (user := self._next()) is not None:
            self._let_go(user)
        for user, uid in self._known():
            self._directory().delete(uid)
            with self._open_uow(user) as uow:
                mine = (users.c.id == user, users.c.identity_gone_at.is_(None))
                uow.execute(update(users).where(*mine).values(identity_gone_at=clock_now()))

    def _next(self) -> str | None:
        with self._open_uow(None) as uow:
            mine = select(memberships.c.user_id).where(memberships.c.account_id == uow.account)
            user: str | None = uow.execute(mine.order_by(memberships.c.user_id).limit(1)).scalar()
            return user

    def _let_go(self, user: str) -> None:
        with self._open_uow(user) as uow:
            # Two accounts of one person that are erased at once come one after the other.
            uow.execute(select(users.c.id).where(users.c.id == user).with_for_update())
            forget_people(uow, [user])
            uow.sql("delete from memberships where account_id = :a and user_id = :u", a=uow.account, u=user)
            others = select(memberships.c.account_id).where(memberships.c.user_id == user)
            has_other = uow.execute(others.limit(1)).first() is not None
            if has_other:
                sync_identity(uow, user)
            else:
                self._erase(uow, user)
            Erasures(uow).count(self._erasure, "people", "left" if has_other else "erased", 1)

    def _erase(self, uow: UnitOfWork, user: str) -> None:
        mine = select(sessions.c.id, sessions.c.digest).where(sessions.c.user_id == user)
        for row in uow.execute(mine):
            forget_session(uow, row.id, row.digest)
        for statement in _GONE:
            uow.sql(statement, user=user)
        uow.sql(_WITHOUT_ANYTHING, user=user, erasure=self._erasure)

    def _known(self) -> list[tuple[str, str]]:
        """Those whom the identity service still knows: their ids here and there."""
        with self._open_uow(None) as uow:
            mine = (users.c.erased_by == self._erasure, users.c.identity_gone_at.is_(None))
            found = select(users.c.id, users.c.identity).where(*mine)
            return [(row.id, row.identity) for row in uow.execute(found)]
