"""At most one pending deadline a job: what `sweep` does when nothing else has happened by then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import Interval, Text, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from shared.db.models import clock_now, deadlines
from shared.db.unit_of_work import UnitOfWork


class Action(StrEnum):
    """What is due."""

    EXPIRE_UPLOAD = "expire_upload"
    RESCUE = "rescue"
    ERASE = "erase"


@dataclass(frozen=True)
class Deadline:
    """A job whose time has come."""

    job: str
    account: str
    action: Action


_NEW = {
    "action": bindparam("p_action", type_=Text),
    "due_at": clock_now() + bindparam("p_after", type_=Interval),
}
_SET = (
    insert(deadlines)
    .values(job_id=bindparam("p_deadline_job"), account_id=bindparam("p_account"), **_NEW)
    .on_conflict_do_update(index_elements=["job_id"], set_=_NEW)
)


def set_deadline(uow: UnitOfWork, job: str, action: Action, after: timedelta) -> None:
    """Replace the job's deadline."""
    values = {
        "p_deadline_job": job,
        "p_account": uow.account,
        "p_action": action.value,
        "p_after": after,
    }
    uow.later(_SET, values, key=("deadline", job))


def clear_deadline(uow: UnitOfWork, job: str) -> None:
    """The job needs no further attention."""
    uow.execute(delete(deadlines).where(deadlines.c.job_id == job))


def take_due(uow: UnitOfWork, limit: int, again: timedelta) -> list[Deadline]:
    """Due deadlines, each pushed back by `again` in case whoever takes them dies."""
    due = (
        select(deadlines.c.job_id)
        .where(deadlines.c.due_at < clock_now())
        .order_by(deadlines.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(deadlines)
        .where(deadlines.c.job_id.in_(due.scalar_subquery()))
        .values(due_at=clock_now() + again)
        .returning(deadlines.c.job_id, deadlines.c.account_id, deadlines.c.action)
    )
    return [Deadline(row.job_id, row.account_id, Action(row.action)) for row in uow.execute(statement)]
