"""The statement of a month: what an account had, what came and went, and which jobs spent it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from shared.db.unit_of_work import UnitOfWork
from shared.ledger.errors import StatementNotFound
from shared.ledger.schemas import CapturedJob, Position, Statement, StatementFilter

# From the balance of this moment backwards, in one statement, so that only what is newer is added up.
_SUMS = """
with moved as (
  select t.kind, t.created_at >= :end as later,
    coalesce(sum(e.amount) filter (where e.book in ('available', 'held')), 0)::bigint as credits,
    coalesce(sum(e.amount) filter (where e.book = 'held'), 0)::bigint as held
  from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
  where t.account_id = :account and t.created_at >= :start group by 1, 2)
select coalesce(b.available + b.held, 0) as now_credits, coalesce(b.held, 0) as now_held, moved.*
from (select 1) one left join balances b on b.account_id = :account left join moved on true
"""
_JOBS = """
select job_id as job, count(*) as targets, sum(amount)::bigint as credits from ledger_transactions
where account_id = :account and kind = 'capture' and created_at >= :start and created_at < :end
  and job_id > :cursor
group by job_id order by job_id limit :limit
"""
# A transaction's time is that of its statement; an hour later it has certainly been committed.
_TIMES = "select :start <= clock_now() as begun, clock_now() - interval '1 hour' > :end as final"


def statement_of(uow: UnitOfWork, month: str, query: StatementFilter) -> Statement:
    """The statement of a month such as `2026-11`, in UTC; raises `StatementNotFound` before it begins."""
    start = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    period = {"start": start, "end": _next(start)}
    times = uow.sql(_TIMES, **period).one()
    if not times.begun:
        raise StatementNotFound()
    rows = uow.sql(_SUMS, account=uow.account, **period).all()
    order = {"account": uow.account, "cursor": query.cursor or "", "limit": query.limit + 1, **period}
    jobs = [CapturedJob.model_validate(dict(row)) for row in uow.sql(_JOBS, **order).mappings()]
    shown = jobs[: query.limit]
    return Statement(
        month=month,
        final=times.final,
        **_figures(rows),
        jobs=shown,
        next_cursor=shown[-1].job if len(jobs) > query.limit else None,
    )


def _figures(rows: Any) -> dict[str, Any]:
    now = Position(credits=rows[0].now_credits, held=rows[0].now_held)
    closing = _before(now, [row for row in rows if row.later])
    inside = [row for row in rows if row.later is False]
    came = {row.kind: row.credits for row in inside}
    return {
        "opening": _before(closing, inside),
        "granted": came.get("grant", 0),
        "adjusted": came.get("adjustment", 0),
        "refunded": -came.get("refund", 0),
        "captured": -came.get("capture", 0),
        "expired": -came.get("expiry", 0),
        "closing": closing,
    }


def _before(after: Position, rows: list[Any]) -> Position:
    return Position(
        credits=after.credits - sum(row.credits for row in rows),
        held=after.held - sum(row.held for row in rows),
    )


def _next(start: datetime) -> datetime:
    return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
