"""A job's files in the results bucket.

Several jobs may share a folder: the same inbox path, dropped again. So each file says in its metadata which
job wrote it and from which generation of the source; a job lists and erases only its own, and an older
generation never replaces what a newer one wrote.
"""

from __future__ import annotations

from typing import Final

from shared.jobs.repository import JobRecord
from shared.storage.errors import ObjectChanged, StorageUnavailable
from shared.storage.gcs import ObjectInfo, Storage

_JOB: Final = "job"
_GENERATION: Final = "source-generation"
_RACES: Final = 3


class ResultFiles:
    """Reads and writes them."""

    def __init__(self, storage: Storage, bucket: str):
        """`bucket` is the results bucket."""
        self._storage = storage
        self._bucket = bucket

    def write(self, job: JobRecord, name: str, data: bytes, media_type: str) -> None:
        """Write a file of the job, unless a newer upload's stands there. Raises `StorageUnavailable`."""
        metadata = {_JOB: job.id, _GENERATION: str(job.source_generation or 0)}
        if job.origin != "inbox":
            self._storage.put(self._bucket, name, data, media_type, metadata)
            return
        for _ in range(_RACES):
            there = self._storage.stat(self._bucket, name)
            if there is not None and _generation(there) > (job.source_generation or 0):
                return
            seen = 0 if there is None else there.generation
            try:
                self._storage.put(self._bucket, name, data, media_type, metadata, if_generation_match=seen)
            except ObjectChanged:
                continue
            return
        raise StorageUnavailable()

    def of(self, job: JobRecord) -> list[ObjectInfo]:
        """The job's own files below its folder."""
        found = self._storage.list(self._bucket, job.results_prefix)
        return [info for info in found if info.metadata.get(_JOB) == job.id]

    def remove_stale(self, job: JobRecord, name: str) -> None:
        """Remove a file that an older upload to the same inbox path left."""
        there = self._storage.stat(self._bucket, name)
        if there is not None and _generation(there) < (job.source_generation or 0):
            self._storage.delete(self._bucket, name, there.generation)


def _generation(info: ObjectInfo) -> int:
    return int(info.metadata.get(_GENERATION, "0"))
