"""Tells an account's webhooks how a job ended."""

from __future__ import annotations

from shared.db.unit_of_work import UnitOfWork
from shared.jobs.messages import JobEvent
from shared.jobs.repository import JobRepository, TargetRecord
from shared.webhooks.announcing import announce
from shared.webhooks.payloads import EventType, JobOutcome, TargetOutcome


class JobAnnouncer:
    """Announces in the event's unit of work."""

    def __init__(self, uow: UnitOfWork):
        self._uow = uow

    def announce(self, event: JobEvent) -> None:
        """Announce a job's end, once however often the event comes; also of a job deleted since."""
        jobs = JobRepository(self._uow)
        record = jobs.find(event.job)
        if record is None:
            return
        outcome = JobOutcome(
            job=record.id,
            state=event.type.removeprefix("job."),
            parent=record.parent_id,
            targets=[_target(target) for target in jobs.targets([record.id])[record.id]],
            error=record.error["slug"] if record.error else None,
            finished_at=record.finished_at,
        )
        announce(self._uow, EventType(event.type), outcome, about=record.id)


def _target(record: TargetRecord) -> TargetOutcome:
    error = record.error["slug"] if record.error else None
    return TargetOutcome(language=record.language, state=record.state.value, error=error)
