"""What the identity service is told of a person: claims with their roles, and whether they may sign in.

The database decides. After each change a task reads it again and makes the identity service agree; what was
read may be old when it is written, so it is compared once more afterwards, and written again if it changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from sqlalchemy import select

from shared.auth.people import belongings_of
from shared.core.errors import TransientError
from shared.db.models import users
from shared.db.unit_of_work import UnitOfWork
from shared.members.messages import FUNCTION, SyncIdentity

CLAIM: Final = "accounts"
MOST_CLAIMED: Final = 20
"""Accounts that fit into the 1000 bytes that claims may have; the database knows the others."""
_TRIES: Final = 5


class Directory(Protocol):
    """The identity service's own list of people."""

    def set_claims(self, uid: str, claims: dict[str, Any]) -> None:
        """Replace somebody's custom claims."""

    def set_disabled(self, uid: str, disabled: bool) -> None:
        """Say whether somebody may sign in."""

    def revoke(self, uid: str) -> None:
        """End all of somebody's sign-ins."""


class StillChanging(TransientError):
    """Somebody is being changed faster than it can be told."""


def sync_identity(uow: UnitOfWork, user: str) -> None:
    """Have the identity service told after the commit."""
    uow.outbox.task(FUNCTION, SyncIdentity(account=str(uow.account), user=user).model_dump())


class IdentitySync:
    """The worker."""

    def __init__(self, open_as: Callable[[str], UnitOfWork], directory: Callable[[], Directory]):
        """`open_as` opens a unit of work as a person."""
        self._open_as = open_as
        self._directory = directory

    def sync(self, task: SyncIdentity) -> None:
        """Make the identity service agree with the database about one person."""
        told = None
        for _ in range(_TRIES):
            known = self._known(task.user)
            if known == told:
                return
            if known is not None:
                self._tell(*known)
            told = known
        raise StillChanging()

    def _known(self, user: str) -> tuple[str, bool, dict[str, Any]] | None:
        with self._open_as(user) as uow:
            columns = (users.c.identity, users.c.disabled_at)
            row = uow.execute(select(*columns).where(users.c.id == user)).first()
            if row is None:
                return None
            found = belongings_of(uow, user)[:MOST_CLAIMED]
        claims = {CLAIM: {each.account: each.role.value for each in found}}
        return row.identity, row.disabled_at is not None, claims

    def _tell(self, uid: str, disabled: bool, claims: dict[str, Any]) -> None:
        directory = self._directory()
        directory.set_claims(uid, claims)
        directory.set_disabled(uid, disabled)
        if disabled:
            directory.revoke(uid)
