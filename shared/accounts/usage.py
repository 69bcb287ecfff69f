"""How much an account has used, from its jobs, their steps and the ledger.

Everything counts for the day on which its job was accepted, so the days of jobs that are under way still
grow; a job is given up after a day, so they do not for long.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from shared.accounts.schemas import MAX_DAYS, MAX_ROWS, Usage, UsageFilter, UsageRow
from shared.core.errors import FieldError, InvalidInput
from shared.db.unit_of_work import UnitOfWork

_DEFAULT_DAYS = 30
_FACTS = """
with accepted as (
  select id, medium, created_by as key, coalesce(pages, 1) as pages,
    (created_at at time zone 'UTC')::date as day
  from jobs where account_id = :account
    and created_at >= cast(:first as date)::timestamp at time zone 'UTC'
    and created_at < (cast(:last as date) + 1)::timestamp at time zone 'UTC'),
spent as (
  select t.job_id, t.target, sum(e.amount) as credits
  from accepted join ledger_transactions t on t.job_id = accepted.id
  join ledger_entries e on e.transaction_id = t.id and e.book = 'spent' group by 1, 2),
facts as (
  select accepted.*, l.language, (l.state = 'done')::int as target, coalesce(spent.credits, 0) as credits,
    0 as calls, 0 as hits
  from accepted join job_targets l on l.job_id = accepted.id
  left join spent on spent.job_id = accepted.id and spent.target = l.language
  union all
  select accepted.*, s.target, 0, 0, jsonb_array_length(s.calls), s.cache_hits
  from accepted join job_steps s on s.job_id = accepted.id)
select {columns} count(distinct id) as jobs, sum(target) as targets, sum(target * pages) as pages,
  sum(credits) as credits, sum(calls) as provider_calls, sum(hits) as cache_hits
from facts {grouping} limit :rows
"""


def usage(uow: UnitOfWork, query: UsageFilter) -> Usage:
    """The use of the days asked for. Raises `InvalidInput` for too many of them."""
    first, last = _days(uow, query)
    # The names come from a closed list; as parameters they would be values.
    groups: Sequence[str] = list(dict.fromkeys(query.group_by))
    columns, listed = "".join(f"{name}, " for name in groups), ", ".join(groups)
    grouping = f"group by {listed} order by {listed}" if groups else "having count(*) > 0"
    statement = _FACTS.format(columns=columns, grouping=grouping)
    found = uow.sql(statement, account=uow.account, first=first, last=last, rows=MAX_ROWS + 1)
    rows = [UsageRow.model_validate(dict(row)) for row in found.mappings()]
    return Usage(**{"from": first}, to=last, rows=rows[:MAX_ROWS], truncated=len(rows) > MAX_ROWS)


def _days(uow: UnitOfWork, query: UsageFilter) -> tuple[date, date]:
    last = query.to or uow.now.date()
    # Before the first day that a date can name there is none.
    first = query.from_ or date.fromordinal(max(1, last.toordinal() - _DEFAULT_DAYS + 1))
    if not 0 <= (last - first).days < MAX_DAYS:
        wrong = FieldError(
            "/query/from", "range", f"From the first to the last day are 1 to {MAX_DAYS} days."
        )
        raise InvalidInput(errors=[wrong])
    return first, last
