"""Messages that were given up: kept, and the job that depended on them told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from shared.core.errors import ImangorError
from shared.db.models import dead_letters
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.endings import end_job
from shared.jobs.erasure import erase_upload
from shared.jobs.names import UploadedFor, classify
from shared.jobs.repository import JobRepository
from shared.jobs.states import JobState


class UploadNotProcessed(ImangorError):
    """The uploaded file could not be taken in, however often it was tried."""

    slug, title = "upload-not-processed", "Upload not processed"


class DeadLetters:
    """Keeps dead letters, as the system role."""

    def __init__(self, uow: UnitOfWork):
        self._uow = uow

    def keep(self, identity: str, attributes: Mapping[str, str], data: str) -> None:
        """Keep one message by its identity, once. An upload's job fails; an upload of no job is erased."""
        place = classify(attributes.get("objectId", ""))
        account = place.account if place is not None else None
        message: dict[str, Any] = {
            "attributes": {_storable(name): _storable(value) for name, value in attributes.items()},
            "data": _storable(data),
        }
        subscription = attributes.get("CloudPubSubDeadLetterSourceSubscription", "")
        values = {
            "account_id": account,
            "subscription": _storable(subscription),
            "identity": _storable(identity),
            "message": message,
        }
        self._uow.execute(insert(dead_letters).values(**values).on_conflict_do_nothing())
        if isinstance(place, UploadedFor):
            self._uow.act_for(place.account)
            self._end_upload(place, attributes)

    def _end_upload(self, place: UploadedFor, attributes: Mapping[str, str]) -> None:
        job = JobRepository(self._uow).find(place.job, lock=True)
        if job is None:
            erase_upload(self._uow, attributes["objectId"], int(attributes["objectGeneration"]))
        elif job.state is JobState.AWAITING_UPLOAD:
            end_job(self._uow, job, JobState.FAILED, UploadNotProcessed())


def _storable(text: str) -> str:
    """The text without what PostgreSQL cannot hold: NUL, and halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
