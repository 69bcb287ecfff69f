"""Jobs and targets in the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Insert,
    Text,
    and_,
    bindparam,
    exists,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Row
from sqlalchemy.exc import DBAPIError

from shared.cache.redis import cache_key
from shared.core import tracing
from shared.core.priority import Priority
from shared.db.errors import CLOSED, diagnostics
from shared.db.models import accounts, clock_now, deadlines, job_targets, jobs
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.errors import JobNotFound
from shared.jobs.states import ENDED, TARGET_ENDED, JobState, TargetState


@dataclass(frozen=True)
class JobRecord:
    """A row of `jobs`."""

    id: str
    account_id: str
    parent_id: str | None
    created_by: str
    origin: str
    state: JobState
    priority: Priority
    name: str
    source_language: str | None
    source_object: str
    source_generation: int | None
    source_media_type: str | None
    source_bytes: int | None
    results_prefix: str
    price_version: int
    quote_id: str | None
    pages: int | None
    leave_alone: dict[str, Any] | None
    formats: list[str] | None
    error: dict[str, str] | None
    trace: str | None
    version: int
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True)
class TargetRecord:
    """A row of `job_targets`."""

    job_id: str
    language: str
    state: TargetState
    result_object: str | None
    result_media_type: str | None
    flags: dict[str, list[str]]
    error: dict[str, str] | None
    finished_at: datetime | None


_JOB = tuple(jobs.c[field.name] for field in fields(JobRecord))
_TARGET = tuple(job_targets.c[field.name] for field in fields(TargetRecord))
_OPEN_ACCOUNT = exists().where(accounts.c.deleted_at.is_(None))
# A job has a deadline from its first to its last day: the last one is to erase its media.
_KEPT = and_(jobs.c.deleted_at.is_(None), exists().where(deadlines.c.job_id == jobs.c.id))


ONCE_PER_OBJECT: Final = "jobs_once_per_object"
"""The unique index by which one generation of an object in an inbox becomes one job."""


def account_gone(error: DBAPIError) -> bool:
    """Whether a job could not be added because its account is not there or was closed."""
    told = diagnostics(error)
    nowhere = (told.get("C"), told.get("t"), told.get("c")) == ("23502", "jobs", "id")
    return nowhere or told.get("C") == CLOSED


def pending(job: JobRecord, targets: Iterable[str]) -> list[TargetRecord]:
    """The targets of a job that was just added, in the order of their tags."""
    unknown = dict.fromkeys(field.name for field in fields(TargetRecord))
    made: dict[str, Any] = {**unknown, "job_id": job.id, "state": TargetState.PENDING, "flags": {}}
    return [TargetRecord(**{**made, "language": tag}) for tag in sorted(targets)]


def job_cache_key(account: str, job: str) -> str:
    """Where the answer to reading a job is cached."""
    return cache_key(account, "job", job)


_TARGETS = insert(job_targets).from_select(
    ["job_id", "account_id", "language"],
    select(
        bindparam("p_targets_job", type_=Text),
        bindparam("p_account", type_=Text),
        func.unnest(bindparam("p_languages", type_=ARRAY(Text))),
    ),
)


@cache
def _insertion(columns: tuple[str, ...]) -> Insert:
    """Inserts a job. Without an account that is open it has no id, which the table refuses."""
    values: dict[str, Any] = {name: bindparam(f"p_job_{name}", type_=jobs.c[name].type) for name in columns}
    return insert(jobs).values(values | {"id": select(values["id"]).where(_OPEN_ACCOUNT).scalar_subquery()})


class JobRepository:
    """Reads and changes the jobs of the unit of work's account. Every change makes the cached job stale."""

    def __init__(self, uow: UnitOfWork):
        self._uow = uow

    def add(self, values: dict[str, Any], targets: Sequence[str]) -> JobRecord:
        """Insert a job with its targets, together with what else waits.

        Everything about the row is known at once, so nothing is read back. An account that is gone owns no
        job: see `account_gone`.
        """
        now = self._uow.now
        columns = {
            **values,
            "trace": tracing.traceparent(),
            "version": 1,
            "created_at": now,
            "updated_at": now,
        }
        tracing.about(job=columns["id"])
        columns["account_id"] = self._uow.account
        parameters = {f"p_job_{name}": value for name, value in columns.items()}
        self._uow.later(_insertion(tuple(columns)), parameters)
        if targets:
            of_targets = {
                "p_targets_job": columns["id"],
                "p_account": self._uow.account,
                "p_languages": list(targets),
            }
            self._uow.later(_TARGETS, of_targets)
        known: dict[str, Any] = {field.name: columns.get(field.name) for field in fields(JobRecord)}
        words = {"state": JobState(values["state"]), "priority": Priority(values["priority"])}
        return JobRecord(**{**known, **words})

    def find(self, job: str, *, lock: bool = False) -> JobRecord | None:
        """The job, deleted or not; with `lock`, nobody else changes it before this transaction ends."""
        statement = select(*_JOB).where(jobs.c.id == job)
        row = self._uow.execute(statement.with_for_update() if lock else statement).first()
        return None if row is None else _job(row)

    def get(self, job: str, *, lock: bool = False) -> JobRecord:
        """The job; raises `JobNotFound` for one that is not there or deleted."""
        record = self.find(job, lock=lock)
        if record is None or record.deleted_at is not None:
            raise JobNotFound()
        return record

    def of_inbox_object(self, name: str, generation: int) -> JobRecord | None:
        """The job that this very object of the inbox became."""
        where = (
            jobs.c.origin == "inbox",
            jobs.c.source_object == name,
            jobs.c.source_generation == generation,
        )
        row = self._uow.execute(select(*_JOB).where(*where)).first()
        return None if row is None else _job(row)

    def page(self, limit: int, state: JobState | None, after: tuple[datetime, str] | None) -> list[JobRecord]:
        """Up to `limit` jobs, newest first, that come after the given creation time and id."""
        conditions: list[ColumnElement[bool]] = [jobs.c.deleted_at.is_(None)]
        if state is not None:
            conditions.append(jobs.c.state == state.value)
        if after is not None:
            conditions.append(tuple_(jobs.c.created_at, jobs.c.id) < after)
        order = (jobs.c.created_at.desc(), jobs.c.id.desc())
        return [
            _job(row)
            for row in self._uow.execute(select(*_JOB).where(*conditions).order_by(*order).limit(limit))
        ]

    def targets(self, of: Iterable[str]) -> dict[str, list[TargetRecord]]:
        """The targets of these jobs, by job, in the order of their tags."""
        found: dict[str, list[TargetRecord]] = {job: [] for job in of}
        where = job_targets.c.job_id.in_(list(found))
        for row in self._uow.execute(select(*_TARGET).where(where).order_by(job_targets.c.language)):
            found[row.job_id].append(_target(row))
        return found

    def retried(self, job: str) -> dict[str, str]:
        """The job's languages that a child has done or is doing, each with the newest such child."""
        lost = (TargetState.FAILED.value, TargetState.CANCELLED.value)
        statement = (
            select(job_targets.c.language, jobs.c.id)
            .join_from(jobs, job_targets, jobs.c.id == job_targets.c.job_id)
            .where(jobs.c.parent_id == job, jobs.c.deleted_at.is_(None), job_targets.c.state.not_in(lost))
            .order_by(jobs.c.created_at, jobs.c.id)
        )
        return {row.language: row.id for row in self._uow.execute(statement)}

    def change(self, job: str, **values: Any) -> None:
        """Change columns of the job; the database refuses a state that cannot follow."""
        if values.get("state") in ENDED:
            values["finished_at"] = clock_now()
        more = {"version": jobs.c.version + 1, "updated_at": clock_now()}
        self._uow.execute(update(jobs).where(jobs.c.id == job).values(**values, **more))
        self._uow.stale(job_cache_key(str(self._uow.account), job))

    def change_targets(self, job: str, languages: Sequence[str], **values: Any) -> None:
        """Change columns of some of the job's targets."""
        if values.get("state") in TARGET_ENDED:
            values["finished_at"] = clock_now()
        where = and_(job_targets.c.job_id == job, job_targets.c.language.in_(languages))
        self._uow.execute(update(job_targets).where(where).values(**values))

    def has_media(self, job: str) -> bool:
        """Whether the job's source and results are still kept."""
        return self._uow.execute(select(jobs.c.id).where(jobs.c.id == job, _KEPT)).first() is not None

    def shares_source(self, job: JobRecord) -> bool:
        """Whether another job still needs the same source object.

        All jobs of the source are locked first, so that of two that end together one sees the other gone.
        """
        same = (jobs.c.source_object == job.source_object, jobs.c.source_generation == job.source_generation)
        self._uow.execute(select(jobs.c.id).where(*same).order_by(jobs.c.id).with_for_update())
        statement = select(jobs.c.id).where(*same, jobs.c.id != job.id, _KEPT).limit(1)
        return self._uow.execute(statement).first() is not None


def _job(row: Row[Any]) -> JobRecord:
    words = {"state": JobState(row.state), "priority": Priority(row.priority)}
    return JobRecord(**{**row._mapping, **words})


def _target(row: Row[Any]) -> TargetRecord:
    return TargetRecord(**{**row._mapping, "state": TargetState(row.state)})
