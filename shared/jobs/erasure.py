"""Erasing what a job left in the buckets and its text in the database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from shared.db.deadlines import clear_deadline
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.names import error_object
from shared.jobs.repository import JobRecord, JobRepository
from shared.scenes.repository import SceneRepository
from shared.translation.memory import forget

SECOND_ERASE: Final = timedelta(hours=1)
"""A worker that was writing while the job was deleted has ended by then; what it wrote goes too."""


def erase_media(uow: UnitOfWork, job: JobRecord) -> None:
    """Erase source, results, scene and what was bought for it: now, and the files once more later.

    A source that another job needs stays.
    """
    SceneRepository(uow).remove(job.id)
    forget(uow, job.id)
    body: dict[str, Any] = {
        "job": job.id,
        "results": [job.results_prefix, error_object(job.results_prefix)],
    }
    if not JobRepository(uow).shares_source(job):
        body |= {"source": job.source_object, "generation": job.source_generation}
    uow.outbox.erase(body)
    uow.outbox.erase(body, due=SECOND_ERASE)
    clear_deadline(uow, job.id)


def erase_upload(uow: UnitOfWork, name: str, generation: int) -> None:
    """Erase one object of the uploads bucket that belongs to no job."""
    uow.outbox.erase({"source": name, "generation": generation})
