"""What callers read of their credits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shared.audit.actions import Action
from shared.audit.log import record
from shared.db.unit_of_work import UnitOfWork
from shared.ledger.entries import csv_of, page_of
from shared.ledger.schemas import (
    Balance,
    EntryFilter,
    EntryPage,
    Expiring,
    ExportFilter,
    Statement,
    StatementFilter,
)
from shared.ledger.statements import statement_of

# What has expired counts no more, also before the sweep has taken it: no hold would get it.
_BALANCE = """
with lots as (
  select expires_at, sum(available)::bigint as available, sum(held)::bigint as held
  from credit_lots where account_id = :account group by expires_at),
open as (select * from lots where expires_at is null or expires_at > clock_now())
select coalesce((select sum(available) from open), 0)::bigint as available,
  coalesce((select sum(held) from lots), 0)::bigint as held,
  next.available as expiring, next.expires_at as at
from (select 1) one left join lateral
  (select * from open where available > 0 and expires_at is not null order by expires_at limit 1) next on true
"""


class Credits:
    """The operations. `current` gives the request's unit of work, `open_uow` a new one for the account."""

    def __init__(self, current: Callable[[], UnitOfWork], open_uow: Callable[[], UnitOfWork]):
        self._current = current
        self._open_uow = open_uow

    def balance(self) -> Balance:
        """What the account has now."""
        uow = self._current()
        row = uow.sql(_BALANCE, account=uow.account).one()
        expiring = None if row.at is None else Expiring(credits=row.expiring, at=row.at)
        return Balance(available=row.available, held=row.held, expiring=expiring)

    def entries(self, query: EntryFilter) -> EntryPage:
        """A page of transactions, newest first."""
        return page_of(self._current(), query)

    def export(self, query: ExportFilter) -> Iterator[bytes]:
        """All transactions as CSV, oldest first."""
        with self._open_uow() as uow:
            record(uow, Action.CREDITS_EXPORTED)
        return csv_of(self._open_uow, query)

    def statement(self, month: str, query: StatementFilter) -> Statement:
        """A month's statement; raises `StatementNotFound`."""
        return statement_of(self._current(), month, query)
