"""How targets and jobs end. Each ending moves states and credits and tells the world in one transaction."""

from __future__ import annotations

from typing import Any, Final

from shared.core.errors import ImangorError
from shared.core.metrics import Metric, count
from shared.db.deadlines import Action, set_deadline
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.announcements import announce_end
from shared.jobs.dispatch import RESCUE_AFTER
from shared.jobs.keeping import kept
from shared.jobs.messages import JobEvent
from shared.jobs.repository import JobRecord, JobRepository
from shared.jobs.states import ENDED, TARGET_ENDED, JobState, TargetState, outcome
from shared.ledger.service import Ledger

JOB_EVENTS: Final = "on-job-event"


def complete_target(
    uow: UnitOfWork,
    job: JobRecord,
    language: str,
    result: dict[str, Any],
    free: str | None = None,
    credits: int | None = None,
) -> None:
    """The target is done: record its result, take its credits, and end the job if it was the last.

    `free` says why the target costs nothing, where it does; `credits` is what it costs otherwise, None for
    all that is held for it. The rest comes back.
    """
    jobs = JobRepository(uow)
    jobs.change_targets(job.id, [language], state=TargetState.DONE, **result)
    Ledger(uow).capture(job.id, language, credits if free is None else 0, free)
    _conclude(uow, job)


def fail_target(uow: UnitOfWork, job: JobRecord, language: str, error: ImangorError) -> None:
    """The target will not be done: say why, give its credits back, end the job if it was the last."""
    jobs = JobRepository(uow)
    jobs.change_targets(job.id, [language], state=TargetState.FAILED, error=as_problem(error))
    Ledger(uow).release(job.id, [language])
    _conclude(uow, job)


def end_job(uow: UnitOfWork, job: JobRecord, state: JobState, error: ImangorError | None = None) -> None:
    """End the whole job: what is unfinished fails or is cancelled with it, and its credits come back.

    A job that fails when some of its targets are done is partly completed.
    """
    jobs = JobRepository(uow)
    targets = jobs.targets([job.id])[job.id]
    open_targets = [t.language for t in targets if t.state not in TARGET_ENDED]
    problem = as_problem(error) if error else None
    target_state = TargetState.FAILED if state is JobState.FAILED else TargetState.CANCELLED
    jobs.change_targets(job.id, open_targets, state=target_state, error=problem)
    Ledger(uow).release(job.id, open_targets)
    if state is JobState.FAILED and any(t.state is TargetState.DONE for t in targets):
        state, problem = JobState.PARTLY_COMPLETED, None
    _end(uow, job, state, problem)


def reject(uow: UnitOfWork, job: JobRecord) -> None:
    """Announce a job that was born failed: an inbox file that could not be accepted."""
    _announce(uow, job, JobState.FAILED)


def as_problem(error: ImangorError) -> dict[str, str]:
    """What is kept and shown of an error."""
    return {"slug": error.slug, "title": error.title, "detail": error.detail}


def _conclude(uow: UnitOfWork, job: JobRecord) -> None:
    targets = JobRepository(uow).targets([job.id])[job.id]
    state = outcome([target.state for target in targets])
    if state is None:
        JobRepository(uow).change(job.id)
        set_deadline(uow, job.id, Action.RESCUE, RESCUE_AFTER)
        return
    problem = next((t.error for t in targets if t.error), None) if state is JobState.FAILED else None
    _end(uow, job, state, problem)


def _end(uow: UnitOfWork, job: JobRecord, state: JobState, problem: dict[str, str] | None) -> None:
    assert state in ENDED  # noqa: S101 - every caller passes an ending
    JobRepository(uow).change(job.id, state=state, error=problem)
    _announce(uow, job, state)


def _announce(uow: UnitOfWork, job: JobRecord, state: JobState) -> None:
    announce_end(uow, job.id)
    set_deadline(uow, job.id, Action.ERASE, kept(uow, job))
    event = JobEvent(account=job.account_id, job=job.id, type=f"job.{state.value}")
    uow.outbox.event(JOB_EVENTS, event.model_dump())
    uow.after_commit(lambda: count(Metric.JOBS_ENDED, state=state.value))
