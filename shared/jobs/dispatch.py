"""The tasks that move a job on, each committed with the change that makes it necessary."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from shared.db.deadlines import Action, set_deadline
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.messages import ProcessImage
from shared.jobs.repository import JobRecord

RESCUE_AFTER: Final = timedelta(minutes=30)
"""Without progress for so long, `sweep` sends the tasks again."""


def start_recognition(uow: UnitOfWork, job: JobRecord) -> None:
    """Have the job's picture read."""
    _send(uow, job, ProcessImage(account=job.account_id, job=job.id, step="recognise"))
    set_deadline(uow, job.id, Action.RESCUE, RESCUE_AFTER)


def start_rendering(uow: UnitOfWork, job: JobRecord, languages: Iterable[str]) -> None:
    """Have the job's picture set in each of these languages."""
    for language in languages:
        _send(uow, job, ProcessImage(account=job.account_id, job=job.id, step="render", target=language))
    set_deadline(uow, job.id, Action.RESCUE, RESCUE_AFTER)


def _send(uow: UnitOfWork, job: JobRecord, body: ProcessImage) -> None:
    uow.outbox.task("process_image", body.model_dump(), priority=job.priority)
