"""The ledger's transactions as a list, and as a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from shared.core.cells import harmless
from shared.db.unit_of_work import UnitOfWork
from shared.ledger.schemas import Entry, EntryFilter, EntryPage, ExportFilter

EXPORT_PAGE: Final = 1000
_COLUMNS: Final = tuple(Entry.model_fields)
# Transactions of one account are numbered in the order in which they commit: no page misses one.
_SELECT = """
select 'txn_' || t.id as id, t.id as number, t.kind, t.created_at as at, t.job_id as job, t.target,
  t.amount as credits, coalesce(e.available, 0)::bigint as available, coalesce(e.held, 0)::bigint as held,
  case when t.kind <> 'extension' then t.reference end as reference, t.reason, t.expires_at, t.shortfall
from ledger_transactions t left join lateral (
  select sum(amount) filter (where book = 'available') as available,
    sum(amount) filter (where book = 'held') as held
  from ledger_entries where transaction_id = t.id) e on true
where t.account_id = :account
"""
_CONDITIONS: Final = {
    "kind": "t.kind = :kind",
    "job": "t.job_id = :job",
    "since": "t.created_at >= :since",
    "until": "t.created_at < :until",
    "below": "t.id < :below",
    "above": "t.id > :above",
}


def page_of(uow: UnitOfWork, query: EntryFilter) -> EntryPage:
    """A page of the account's transactions, newest first."""
    below = None if query.cursor is None else int(query.cursor.removeprefix("txn_"))
    rows = _rows(uow, query, query.limit + 1, "desc", below=below)
    entries = [_entry(row) for row in rows[: query.limit]]
    return EntryPage(entries=entries, next_cursor=entries[-1].id if len(rows) > query.limit else None)


def entry_of(uow: UnitOfWork, number: int) -> Entry:
    """One transaction by its number."""
    return _entry(uow.sql(_SELECT + " and t.id = :number", account=uow.account, number=number).one())


def csv_of(open_uow: Callable[[], UnitOfWork], query: ExportFilter) -> Iterator[bytes]:
    """The account's transactions as CSV (RFC 4180, UTF-8), oldest first, some at a time.

    Each part is read in a transaction of its own. The first is read at once, so that what is wrong is known
    before anything is sent.
    """
    rows = _export(open_uow, query, above=0)

    def parts(rows: Sequence[Any]) -> Iterator[bytes]:
        yield _lines([list(_COLUMNS)])
        while rows:
            yield _lines([_cells(_entry(row)) for row in rows])
            rows = _export(open_uow, query, rows[-1].number) if len(rows) == EXPORT_PAGE else []

    return parts(rows)


def _export(open_uow: Callable[[], UnitOfWork], query: ExportFilter, above: int) -> Sequence[Any]:
    with open_uow() as uow:
        return _rows(uow, query, EXPORT_PAGE, "asc", above=above)


def _rows(
    uow: UnitOfWork, query: ExportFilter, limit: int, order: str, **bounds: int | None
) -> Sequence[Any]:
    wanted = {"kind": query.kind, "job": query.job, "since": query.since, "until": query.until, **bounds}
    given = {name: value for name, value in wanted.items() if value is not None}
    where = "".join(f" and {_CONDITIONS[name]}" for name in given)
    statement = f"{_SELECT}{where} order by t.id {order} limit :limit"
    return uow.sql(statement, account=uow.account, limit=limit, **given).all()


def _entry(row: Any) -> Entry:
    return Entry.model_validate({name: row._mapping[name] for name in _COLUMNS})


def _cells(entry: Entry) -> list[str]:
    """The members as texts; numbers stay numbers, whatever their sign."""
    found = entry.model_dump(mode="json")
    cells = (found[name] for name in _COLUMNS)
    return ["" if c is None else str(c) if isinstance(c, int) else harmless(str(c)) for c in cells]


def _lines(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
