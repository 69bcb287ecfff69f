"""One attempt at one step of a job: claim it, work without a transaction, record it under the lease.

The claim and the record are short transactions; between them the worker holds nothing but a lease. The
record refuses when the lease passed to somebody else or the job ended meanwhile, so a late worker changes
nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from shared.core.again import again
from shared.core.errors import ImangorError
from shared.core.metrics import Metric, count
from shared.db.leases import Lease, LeaseLost, acquire, confirm, release
from shared.db.models import accounts, clock_now, job_steps
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.errors import StepFailed
from shared.jobs.messages import ProcessImage, Try
from shared.jobs.repository import JobRecord, JobRepository
from shared.jobs.states import ENDED, TARGET_ENDED, JobState, TargetState
from shared.providers.call import Call, failed_call
from shared.scenes.repository import SceneRepository

OpenUnitOfWork = Callable[[str], UnitOfWork]


@dataclass
class StepRun:
    """The claimed step, the keys of the bought results in it, and what the receipt will say of it."""

    task: ProcessImage
    job: JobRecord
    location: str
    lease: Lease
    attempt: int
    started_at: datetime
    open_uow: OpenUnitOfWork
    keys: list[bytes] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    cache_hits: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    began: float = field(default_factory=time.monotonic)

    def record(self, write: Callable[[UnitOfWork, JobRecord], None]) -> None:
        """Commit what `write` changes together with the receipt's line, or raise `LeaseLost`."""
        again(lambda: self._record(write))
        count(Metric.STEP_SECONDS, time.monotonic() - self.began, step=self.task.step)

    def _record(self, write: Callable[[UnitOfWork, JobRecord], None]) -> None:
        with self.open_uow(self.task.account) as uow:
            # The job before the lease, as in the claim: another order would end in a deadlock.
            job = JobRepository(uow).find(self.task.job, lock=True)
            confirm(uow, self.lease)
            if job is None or job.deleted_at is not None or job.state in ENDED:
                raise LeaseLost("The job ended while this step was under way.")
            write(uow, job)
            self._note(uow, "done", None, self.calls)
            release(uow, self.lease)

    def give_up(self, error: BaseException) -> None:
        """Note the failed attempt and free the lease, so that the next attempt need not wait for it."""
        reason = error.slug if isinstance(error, ImangorError) else "internal"
        failed = failed_call(error)
        calls = [*self.calls, *([failed] if failed else [])]
        with self.open_uow(self.task.account) as uow:
            JobRepository(uow).find(self.task.job, lock=True)
            confirm(uow, self.lease)
            self._note(uow, "failed", reason, calls)
            release(uow, self.lease)

    def _note(self, uow: UnitOfWork, outcome: str, error: str | None, calls: list[Call]) -> None:
        values: dict[str, Any] = {
            "job_id": self.task.job,
            "account_id": self.task.account,
            "step": self.task.step,
            "target": self.task.target,
            "attempt": self.attempt,
            "outcome": outcome,
            "started_at": self.started_at,
            "calls": [asdict(call) for call in calls],
            "cache_hits": self.cache_hits,
            "bytes_read": self.bytes_read,
            "bytes_written": self.bytes_written,
            "error": error,
        }
        uow.execute(insert(job_steps).values(**values))


@contextmanager
def claimed(open_uow: OpenUnitOfWork, task: ProcessImage, attempt: Try) -> Iterator[StepRun | None]:
    """Claim the step; gives None when there is nothing left to do.

    Raises `LeaseHeld` while another worker has it, and `StepFailed` when it was claimed too often already.
    Whatever goes wrong inside frees the lease.
    """
    run = again(lambda: _claim(open_uow, task, attempt))
    try:
        yield run
    except LeaseLost:
        raise
    except BaseException as error:
        if run is not None:
            _free(run, error)
        raise


def _free(run: StepRun, error: BaseException) -> None:
    try:
        again(lambda: run.give_up(error))
    except ImangorError:
        # The lease is lost or the database is away: then the lease runs out by itself.
        return


def _claim(open_uow: OpenUnitOfWork, task: ProcessImage, attempt: Try) -> StepRun | None:
    with open_uow(task.account) as uow:
        repository = JobRepository(uow)
        job = repository.find(task.job, lock=True)
        if job is None or job.deleted_at is not None or job.state in ENDED:
            return None
        state = _target_state(repository, task)
        recognised = task.step == "recognise" and SceneRepository(uow).exists(job.id)
        if recognised or (task.step == "render" and state in TARGET_ENDED):
            return None
        lease = acquire(uow, f"{task.job}/{task.step}/{task.target or ''}", attempt.lease_seconds)
        if lease.claims > attempt.limit:
            # Workers that are killed never report; a picture that kills them all must end all the same.
            raise StepFailed()
        if job.state is not JobState.PROCESSING:
            repository.change(job.id, state=JobState.PROCESSING)
        if task.target is not None and state is TargetState.PENDING:
            start = {"state": TargetState.PROCESSING, "started_at": clock_now()}
            repository.change_targets(job.id, [task.target], **start)
            repository.change(job.id)
        location = uow.execute(select(accounts.c.location)).scalar_one()
        started: datetime = uow.execute(select(clock_now())).scalar_one()
    return StepRun(task, job, location, lease, attempt.number, started, open_uow)


def _target_state(repository: JobRepository, task: ProcessImage) -> TargetState:
    """Where the task's target stands; a target that the job does not have counts as cancelled."""
    states = {target.language: target.state for target in repository.targets([task.job])[task.job]}
    return states.get(task.target or "", TargetState.CANCELLED)
