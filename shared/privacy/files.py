"""The files of an account's jobs, in both buckets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from shared.db.unit_of_work import UnitOfWork
from shared.jobs.repository import JobRecord, JobRepository
from shared.jobs.results import ResultFiles
from shared.storage.errors import ObjectMissing, StorageUnavailable
from shared.storage.gcs import Storage

BATCH: Final = 100


class File(NamedTuple):
    """An object, and what it is called in an export."""

    name: str
    bucket: str
    object: str
    generation: int
    bytes: int


class JobFiles:
    """Finds and reads them."""

    def __init__(self, storage: Storage, uploads: str, results: str):
        """`uploads` and `results` are the buckets."""
        self._storage = storage
        self._uploads = uploads
        self._results = results

    def of(self, open_uow: Callable[[], UnitOfWork]) -> Iterator[File]:
        """Every file that is there, those of the newest job first. Raises `StorageUnavailable`."""
        after: tuple[datetime, str] | None = None
        while True:
            with open_uow() as uow:
                jobs = JobRepository(uow).page(BATCH, None, after)
            for job in jobs:
                yield from self._of_job(job)
            if len(jobs) < BATCH:
                return
            after = (jobs[-1].created_at, jobs[-1].id)

    def read(self, file: File) -> Iterator[bytes] | None:
        """The bytes of a file; None for one that was erased meanwhile. Raises `StorageUnavailable`."""
        parts = self._storage.read(file.bucket, file.object, file.generation)
        try:
            first = next(parts, b"")
        except ObjectMissing:
            return None
        return _whole(first, parts)

    def _of_job(self, job: JobRecord) -> Iterator[File]:
        generation = job.source_generation
        source = self._storage.stat(self._uploads, job.source_object, generation) if generation else None
        if source is not None:
            name = f"jobs/{job.id}/source{PurePosixPath(job.name).suffix}"
            yield File(name, self._uploads, source.name, source.generation, source.size)
        for info in ResultFiles(self._storage, self._results).of(job):
            name = f"jobs/{job.id}/{PurePosixPath(info.name).name}"
            yield File(name, self._results, info.name, info.generation, info.size)


def _whole(first: bytes, parts: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield first
        yield from parts
    except ObjectMissing as error:
        # A part of it is in the zip file, which has to be written anew.
        raise StorageUnavailable() from error
