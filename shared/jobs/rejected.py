"""Messages that were given up: kept, and the job that depended on them told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from shared.core.errors import ImangorError
from shared.db.models import clock_now, dead_letters
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.arrivals import account_exists, reject_file
from shared.jobs.endings import end_job
from shared.jobs.erasure import erase_upload
from shared.jobs.messages import Arrival
from shared.jobs.names import DroppedInto, UploadedFor, classify
from shared.jobs.repository import JobRepository
from shared.jobs.states import JobState


class UploadNotProcessed(ImangorError):
    """The uploaded file could not be taken in, however often it was tried."""

    slug, title = "upload-not-processed", "Upload not processed"


class DeadLetters:
    """Keeps dead letters, as the system role."""

    def __init__(self, uow: UnitOfWork, why: Callable[[str], str | None]):
        """`why` tells the reason of an event's last failure by its identity."""
        self._uow = uow
        self._why = why

    def keep(self, identity: str, attributes: Mapping[str, str], data: str) -> None:
        """Keep one message by its identity, once; one that was sent again and is given up again comes back.

        An upload's job fails; an upload of no job is erased; an inbox file gets its error file.
        """
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
            "reason": self._why(identity),
        }
        new = insert(dead_letters).values(**values)
        again = {"returned": dead_letters.c.returned + 1, "redriven_at": None, "redriven_by": None}
        again |= {name: new.excluded[name] for name in ("message", "reason")} | {"received_at": clock_now()}
        came_back = dead_letters.c.redriven_at.is_not(None)
        same = ["subscription", "identity"]
        self._uow.execute(new.on_conflict_do_update(index_elements=same, set_=again, where=came_back))
        generation = attributes.get("objectGeneration", "")
        if place is None or not (generation.isascii() and generation.isdecimal()):
            return
        self._uow.act_for(place.account)
        arrival = Arrival(attributes["objectId"], int(generation), None)
        if isinstance(place, UploadedFor):
            self._end_upload(place, arrival)
        else:
            self._reject_file(place, arrival)

    def _end_upload(self, place: UploadedFor, arrival: Arrival) -> None:
        job = JobRepository(self._uow).find(place.job, lock=True)
        if job is None:
            erase_upload(self._uow, arrival.name, arrival.generation)
        elif job.state is JobState.AWAITING_UPLOAD:
            end_job(self._uow, job, JobState.FAILED, UploadNotProcessed())

    def _reject_file(self, place: DroppedInto, arrival: Arrival) -> None:
        known = JobRepository(self._uow).of_inbox_object(arrival.name, arrival.generation)
        if known is None and account_exists(self._uow):
            reject_file(self._uow, place, arrival, UploadNotProcessed())


def _storable(text: str) -> str:
    """The text without what PostgreSQL cannot hold: NUL, and halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
