"""Erasing an account's rows, some at a time, each part counted in the transaction that erases it."""

from __future__ import annotations

from collections.abc import Iterable

from shared.db.unit_of_work import UnitOfWork
from shared.privacy.record import Erasures, OpenUnitOfWork
from shared.privacy.rules import BATCH, DELETE, ERASED, SCRUBBED


class RowEraser:
    """Erases the rows of one account. `open_uow` opens a unit of work under the lease `own`."""

    def __init__(self, erasure: str, open_uow: OpenUnitOfWork, own: str):
        self._erasure = erasure
        self._open_uow = open_uow
        self._own = own

    def erase(self) -> None:
        """Erase what goes, and take out of the rest what somebody wrote."""
        for table in ERASED:
            self._all(table, DELETE[table])
        for table, statement in SCRUBBED.items():
            self._all(table, statement)

    def erase_last(self, uow: UnitOfWork, tables: Iterable[str]) -> None:
        """Erase what told of work under way."""
        for table in tables:
            self._some(uow, table, DELETE[table])

    def _all(self, table: str, statement: str) -> None:
        done = BATCH
        while done:
            with self._open_uow() as uow:
                done = self._some(uow, table, statement)

    def _some(self, uow: UnitOfWork, table: str, statement: str) -> int:
        values = {"account": uow.account, "batch": BATCH, "own": self._own}
        given = {name: value for name, value in values.items() if f":{name}" in statement}
        done: int = uow.sql(statement, **given).rowcount
        Erasures(uow).count(self._erasure, "rows", table, done)
        return done
