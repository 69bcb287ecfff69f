"""Scene, receipt and errors, written beside a job's results when it has ended."""

from __future__ import annotations

from typing import Final

from shared.db.unit_of_work import UnitOfWork
from shared.jobs.names import error_object
from shared.jobs.receipts import receipt_of
from shared.jobs.repository import JobRecord, JobRepository
from shared.jobs.results import ResultFiles
from shared.jobs.schemas import Failures
from shared.scenes.repository import SceneRepository

SCENE: Final = "scene.json"
RECEIPT: Final = "receipt.json"
_JSON: Final = "application/json"


class Publisher:
    """Writes the files, in the event's unit of work. Doing it again writes the same."""

    def __init__(self, uow: UnitOfWork, files: ResultFiles):
        self._uow = uow
        self._files = files

    def publish(self, job: str) -> None:
        """Write scene and receipt, and for an inbox file that failed its error."""
        record = JobRepository(self._uow).find(job)
        if record is None or record.deleted_at is not None:
            return
        if record.origin == "inbox":
            self._report_errors(record)
        scene = SceneRepository(self._uow).find(job)
        if scene is not None:
            self._write(record, record.results_prefix + SCENE, scene.model_dump_json(indent=2))
            receipt = receipt_of(self._uow, record).model_dump_json(indent=2)
            self._write(record, record.results_prefix + RECEIPT, receipt)

    def _report_errors(self, record: JobRecord) -> None:
        """Say what failed where somebody who only sees the buckets finds it; or take old errors away."""
        found = JobRepository(self._uow).targets([record.id])[record.id]
        targets = {t.language: t.error for t in found if t.error}
        error = record.error or next(iter(targets.values()), None)
        name = error_object(record.results_prefix)
        if error is None:
            self._files.remove_stale(record, name)
            return
        failures = Failures.model_validate({"job": record.id, "error": error, "targets": targets})
        self._write(record, name, failures.model_dump_json(indent=2))

    def _write(self, record: JobRecord, name: str, text: str) -> None:
        self._files.write(record, name, text.encode(), _JSON)
