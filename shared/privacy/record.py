"""Erasures in the database."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import DBAPIError

from shared.db.errors import violated
from shared.db.models import account_erasures, clock_now
from shared.db.unit_of_work import UnitOfWork
from shared.privacy.errors import ErasureNotFound, ErasureUnderWay

OpenUnitOfWork = Callable[[], AbstractContextManager[UnitOfWork]]
_e = account_erasures.c
_OPEN: Final = ("waiting", "running")
_COUNT: Final = """
update account_erasures set {column} = {column} || jsonb_build_object(cast(:name as text),
  coalesce(cast({column} ->> cast(:name as text) as bigint), 0) + cast(:number as bigint)) where id = :erasure
"""


class Erasures:
    """Those of the unit of work's account, or the one whose receipt it presents."""

    def __init__(self, uow: UnitOfWork):
        self._uow = uow

    def add(self, grace: timedelta, **values: Any) -> Row[Any]:
        """Order one. Raises `ErasureUnderWay`."""
        due = clock_now() + grace
        row = {"account_id": self._uow.account, "due_at": due, "next_at": due, **values}
        try:
            with self._uow.savepoint():
                return self._uow.execute(insert(account_erasures).values(**row).returning(*_e)).one()
        except DBAPIError as error:
            if violated(error, "account_erasures_one"):
                raise ErasureUnderWay() from error
            raise

    def open(self, *, lock: bool = False) -> Row[Any]:
        """The one that has neither ended nor been cancelled; raises `ErasureNotFound`."""
        found = select(*_e).where(_e.account_id == self._uow.account, _e.state.in_(_OPEN))
        row = self._uow.execute(found.with_for_update() if lock else found).first()
        if row is None:
            raise ErasureNotFound()
        return row

    def find(self, erasure: str) -> Row[Any] | None:
        """One by its id, which nobody else changes before this transaction ends."""
        return self._uow.execute(select(*_e).where(_e.id == erasure).with_for_update()).first()

    def presented(self, receipt: str) -> Row[Any]:
        """The one whose receipt this is; raises `ErasureNotFound`."""
        row = self._uow.execute(select(*_e).where(_e.receipt_id == receipt)).first()
        if row is None:
            raise ErasureNotFound()
        return row

    def change(self, erasure: str, **values: Any) -> None:
        """Write something down of one."""
        self._uow.execute(update(account_erasures).where(_e.id == erasure).values(**values))

    def count(self, erasure: str, column: str, name: str, number: int) -> None:
        """Count what was done, in the transaction that does it; `column` is rows, objects or people."""
        if number:
            statement = _COUNT.format(column=column)
            self._uow.sql(statement, name=name, number=number, erasure=erasure)

    def quiet_at(self, erasure: str, own: str, settle: timedelta) -> datetime | None:
        """When nothing is at work any more that began before the account was closed; None if that is now."""
        at: datetime | None = self._uow.sql(
            """
select greatest(e.closed_at + cast(:settle as interval), max(l.expires_at)) as quiet_at
from account_erasures e left join leases l on l.account_id = e.account_id and l.name <> :own
where e.id = :erasure group by e.closed_at having
  greatest(e.closed_at + cast(:settle as interval), max(l.expires_at)) > clock_now()
""",
            erasure=erasure,
            own=own,
            settle=settle,
        ).scalar()
        return at
