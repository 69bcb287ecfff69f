"""What `sweep` does for erasures: it begins those that are due, and goes on with those that stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import select

from shared.db.models import account_erasures, clock_now
from shared.db.unit_of_work import UnitOfWork
from shared.privacy.eraser import AGAIN
from shared.privacy.messages import ERASE, EraseAccount
from shared.privacy.record import Erasures

MOST: Final = 50
_e = account_erasures.c


def keep_erasures(open_uow: Callable[[str | None], UnitOfWork]) -> None:
    """One round, as the system. A task too many does nothing."""
    with open_uow(None) as uow:
        due = uow.execute(select(_e.id, _e.account_id).where(_e.next_at < clock_now()).limit(MOST)).all()
    for row in due:
        with open_uow(row.account_id) as uow:
            Erasures(uow).change(row.id, next_at=uow.now + AGAIN)
            uow.outbox.task(ERASE, EraseAccount(account=row.account_id, erasure=row.id).model_dump())
    with open_uow(None) as uow:
        uow.sql("select forget_erased_people()")
