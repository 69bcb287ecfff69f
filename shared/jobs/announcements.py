"""Tells an account's webhooks how a job ended."""

from __future__ import annotations

from shared.db.unit_of_work import UnitOfWork
from shared.jobs.repository import JobRepository, TargetRecord
from shared.webhooks.announcing import announce
from shared.webhooks.payloads import EventType, JobOutcome, TargetOutcome


def announce_end(uow: UnitOfWork, job: str) -> None:
    """Announce a job's end in the transaction that ends it, so that no job ends untold."""
    jobs = JobRepository(uow)
    record = jobs.get(job)
    outcome = JobOutcome(
        job=record.id,
        state=record.state.value,
        parent=record.parent_id,
        targets=[_target(target) for target in jobs.targets([record.id])[record.id]],
        error=record.error["slug"] if record.error else None,
        finished_at=record.finished_at,
    )
    announce(uow, EventType(f"job.{record.state.value}"), outcome, about=record.id)


def _target(record: TargetRecord) -> TargetOutcome:
    error = record.error["slug"] if record.error else None
    return TargetOutcome(language=record.language, state=record.state.value, error=error)
