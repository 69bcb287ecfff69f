"""What a job made, as callers get it: its files behind short-lived URLs, and its receipt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Final

from shared.core.clock import utc_now
from shared.core.formats import SUFFIXES, Format
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.publishing import RECEIPT, SCENE
from shared.jobs.receipt_page import receipt_page
from shared.jobs.receipts import receipt_of
from shared.jobs.repository import JobRecord, JobRepository, TargetRecord
from shared.jobs.results import ResultFiles
from shared.jobs.schemas import Output, Outputs, Receipt
from shared.storage.gcs import ObjectInfo, Storage

URL_LIFETIME: Final = timedelta(hours=1)


class JobOutputs:
    """The operations. `open_uow` opens a unit of work for the account; none is open while storage answers."""

    def __init__(self, open_uow: Callable[[], UnitOfWork], files: ResultFiles, storage: Storage, bucket: str):
        self._open_uow = open_uow
        self._files = files
        self._storage = storage
        self._bucket = bucket

    def all(self, job: str) -> Outputs:
        """Every file of the job, each with a signed URL."""
        with self._open_uow() as uow:
            record = JobRepository(uow).get(job)
            targets = JobRepository(uow).targets([job])[job]
        known = _known(record, targets)
        expires_at = utc_now() + URL_LIFETIME
        return Outputs(
            outputs=[
                self._output(record, info, *known[info.name], expires_at)
                for info in self._files.of(record)
                if info.name in known
            ]
        )

    def receipt(self, job: str) -> Receipt:
        """Every step, call and credit of the job."""
        with self._open_uow() as uow:
            return receipt_of(uow, JobRepository(uow).get(job))

    def receipt_page(self, job: str) -> bytes:
        """The receipt as a page."""
        return receipt_page(self.receipt(job))

    def _output(
        self, job: JobRecord, info: ObjectInfo, kind: str, language: str | None, expires_at: datetime
    ) -> Output:
        path = PurePosixPath(info.name)
        name = path.name if not (job.name and language) else f"{PurePosixPath(job.name).stem}.{path.name}"
        url = self._storage.signed_get(self._bucket, info.name, URL_LIFETIME, name, info.content_type)
        return Output.model_validate(
            {
                "kind": kind,
                "language": language,
                "name": name,
                "media_type": info.content_type or "application/octet-stream",
                "bytes": info.size,
                "url": url,
                "expires_at": expires_at,
            }
        )


def _known(job: JobRecord, targets: Sequence[TargetRecord]) -> dict[str, tuple[str, str | None]]:
    """Kind and language of every file that the job may have made, by the object's name."""
    known: dict[str, tuple[str, str | None]] = {
        job.results_prefix + name: (PurePosixPath(name).stem, None) for name in (SCENE, RECEIPT)
    }
    for target in targets:
        if target.result_object:
            known[target.result_object] = ("picture", target.language)
            for name in job.formats or []:
                suffix = SUFFIXES[Format(name)]
                known[f"{job.results_prefix}{target.language}.{suffix}"] = (name, target.language)
    return known
