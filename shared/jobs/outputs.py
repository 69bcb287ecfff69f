"""What a job made: its files behind short-lived URLs, and its receipt."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Final

from sqlalchemy import select

from shared.core.clock import utc_now
from shared.db.models import job_steps, ledger_entries, ledger_transactions
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.names import error_object
from shared.jobs.repository import JobRecord, JobRepository
from shared.jobs.schemas import Charge, Failures, Output, Outputs, Receipt, Step
from shared.scenes.repository import SceneRepository
from shared.storage.gcs import ObjectInfo, Storage

URL_LIFETIME: Final = timedelta(hours=1)
SCENE: Final = "scene.json"
RECEIPT: Final = "receipt.json"


class JobOutputs:
    """Reads results of the unit of work's account, and writes the files that stand beside them."""

    def __init__(self, uow: UnitOfWork, storage: Storage, bucket: str):
        """`bucket` is the results bucket."""
        self._uow = uow
        self._storage = storage
        self._bucket = bucket

    def all(self, job: str) -> Outputs:
        """Every file of the job, each with a signed URL."""
        record = JobRepository(self._uow).get(job)
        results = {t.result_object: t.language for t in JobRepository(self._uow).targets([job])[job]}
        expires_at = utc_now() + URL_LIFETIME
        return Outputs(
            outputs=[
                self._output(record, info, results.get(info.name), expires_at)
                for info in self._storage.list(self._bucket, record.results_prefix)
                if info.name in results or PurePosixPath(info.name).name in {SCENE, RECEIPT}
            ]
        )

    def receipt(self, job: str) -> Receipt:
        """Every step, call and credit of the job."""
        record = JobRepository(self._uow).get(job)
        return self._receipt(record)

    def publish(self, job: str) -> None:
        """Write scene and receipt, and for a failed inbox file its error, beside the results."""
        record = JobRepository(self._uow).find(job)
        if record is None or record.deleted_at is not None:
            return
        if record.origin == "inbox":
            self._report_errors(record)
        scene = SceneRepository(self._uow).find(job)
        if scene is not None:
            self._write(record.results_prefix + SCENE, scene.model_dump_json(indent=2))
            self._write(record.results_prefix + RECEIPT, self._receipt(record).model_dump_json(indent=2))

    def _report_errors(self, record: JobRecord) -> None:
        """Write what failed where somebody who only sees the buckets finds it."""
        targets = {
            t.language: t.error for t in JobRepository(self._uow).targets([record.id])[record.id] if t.error
        }
        error = record.error or next(iter(targets.values()), None)
        if error is not None:
            failures = Failures.model_validate({"job": record.id, "error": error, "targets": targets})
            self._write(error_object(record.results_prefix), failures.model_dump_json(indent=2))

    def _receipt(self, record: JobRecord) -> Receipt:
        rows = self._uow.execute(
            select(job_steps).where(job_steps.c.job_id == record.id).order_by(job_steps.c.id)
        )
        steps = [Step.model_validate({k: row[k] for k in Step.model_fields}) for row in rows.mappings()]
        charges = self._charges(record.id)
        return Receipt(
            job=record.id,
            state=record.state,
            steps=steps,
            provider_calls=dict(Counter(call.provider for step in steps for call in step.calls)),
            charges=charges,
            credits=sum(charge.credits for charge in charges if charge.kind == "capture"),
        )

    def _charges(self, job: str) -> list[Charge]:
        t, e = ledger_transactions.c, ledger_entries.c
        query = (
            select(t.target, t.kind, e.amount, t.created_at)
            .join_from(ledger_transactions, ledger_entries, t.id == e.transaction_id)
            .where(t.job_id == job, e.amount > 0)
            .order_by(t.id)
        )
        return [
            Charge(target=row.target, kind=row.kind, credits=row.amount, at=row.created_at)
            for row in self._uow.execute(query)
        ]

    def _output(self, job: JobRecord, info: ObjectInfo, language: str | None, expires_at: datetime) -> Output:
        path = PurePosixPath(info.name)
        kind = "picture" if language else path.stem
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

    def _write(self, name: str, text: str) -> None:
        self._storage.put(self._bucket, name, text.encode(), "application/json")
