"""Objects that arrived in the uploads bucket: the source of a waiting job, or a file in somebody's inbox."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy.exc import DBAPIError

from shared.auth.repository import account_of, plan_of, was_closed
from shared.core import tracing
from shared.core.config import BreakerSettings
from shared.core.errors import ImangorError
from shared.core.ids import new_id
from shared.core.priority import Priority
from shared.db.errors import violated
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.alarms import alarm
from shared.jobs.breaker import Breaker
from shared.jobs.charges import hold_credits
from shared.jobs.dispatch import start_recognition
from shared.jobs.endings import as_problem, end_job, reject
from shared.jobs.erasure import erase_upload
from shared.jobs.errors import EmptyUpload, UploadBeforeJob, UploadTooLarge
from shared.jobs.messages import Arrival
from shared.jobs.names import (
    MAX_UPLOAD_BYTES,
    DroppedInto,
    InboxOrder,
    UploadedFor,
    classify,
    display_name,
    read_inbox_path,
    results_prefix,
)
from shared.jobs.priority import INBOX, SMALL_BYTES, priority
from shared.jobs.repository import ONCE_PER_OBJECT, JobRecord, JobRepository, account_gone
from shared.jobs.states import ENDED, JobState
from shared.ledger import prices
from shared.translation.languages import Languages

_log = logging.getLogger(__name__)


class Arrivals:
    """Turns arrivals into work, in the event's unit of work."""

    def __init__(
        self,
        uow: UnitOfWork,
        languages: Languages,
        exists: Callable[[str, int], bool],
        limits: BreakerSettings | None = None,
    ):
        """`exists` tells whether a generation of an object of the uploads bucket is still there; `limits` are
        the breaker's; without them the deployment's settings.
        """
        self._uow = uow
        self._languages = languages
        self._exists = exists
        self._breaker = Breaker(uow, limits or BreakerSettings.load())

    def arrived(self, arrival: Arrival) -> None:
        """Queue the job that waited for this object, or make one; anything else is ignored."""
        place = classify(arrival.name)
        if isinstance(place, UploadedFor):
            self._uow.act_for(place.account)
            self._uploaded(place, arrival)
        elif isinstance(place, DroppedInto):
            self._uow.act_for(place.account)
            self._dropped(place, arrival)
        else:
            _log.info("ignored an object that is neither an upload nor in an inbox")

    def _uploaded(self, place: UploadedFor, arrival: Arrival) -> None:
        repository = JobRepository(self._uow)
        job = repository.find(place.job, lock=True)
        if job is None:
            if self._exists(arrival.name, arrival.generation):
                raise UploadBeforeJob()
            return
        tracing.join(job.trace)
        tracing.about(job=job.id)
        if job.source_generation == arrival.generation and job.deleted_at is None:
            return
        if job.deleted_at is not None or job.state in ENDED:
            erase_upload(self._uow, arrival.name, arrival.generation)
            return
        if job.state is not JobState.AWAITING_UPLOAD:
            return
        facts = {"source_generation": arrival.generation, "source_bytes": arrival.size}
        problem = _size_problem(arrival)
        if problem is not None:
            repository.change(job.id, **facts)
            end_job(self._uow, job, JobState.FAILED, problem)
            return
        lane = self._priority(job, arrival.size)
        repository.change(job.id, state=JobState.QUEUED, priority=lane, **facts)
        start_recognition(self._uow, replace(job, priority=lane))

    def _priority(self, job: JobRecord, size: int | None) -> Priority:
        """What the job was given when its size was not known, unless it turns out to be large."""
        if size is None or size <= SMALL_BYTES:
            return job.priority
        return priority(plan_of(self._uow) or "", size, job.priority)

    def _dropped(self, place: DroppedInto, arrival: Arrival) -> None:
        try:
            self._breaker.check(arrival.name)
            order = self._order(place.path)
            self._languages.require(order.source, order.targets)
            problem = _size_problem(arrival)
            if problem is not None:
                raise problem
            self._accept(place, arrival, order)
        except ImangorError as error:
            if error.retry:
                raise
            self._reject(place, arrival, error)

    def _order(self, path: str) -> InboxOrder:
        """What the path asks for; without a folder, what the account has set."""
        account = None if "/" in path else account_of(self._uow)
        if account is None:
            return read_inbox_path(path)
        return read_inbox_path(path, account.default_source, account.default_targets)

    def _accept(self, place: DroppedInto, arrival: Arrival, order: InboxOrder) -> None:
        """Make the job. That its account and its object's generation are right is asked of the insertion."""
        values = _values(place, arrival) | {"state": JobState.QUEUED, "source_language": order.source}
        try:
            with self._uow.savepoint():
                job = JobRepository(self._uow).add(values, order.targets)
                start_recognition(self._uow, job)
                hold_credits(self._uow, job, order.targets)
        except DBAPIError as error:
            if account_gone(error):
                self._refuse(arrival)
            elif not violated(error, ONCE_PER_OBJECT):
                raise

    def _reject(self, place: DroppedInto, arrival: Arrival, error: ImangorError) -> None:
        if not account_exists(self._uow):
            self._refuse(arrival)
        elif JobRepository(self._uow).of_inbox_object(arrival.name, arrival.generation) is None:
            reject_file(self._uow, place, arrival, error)
            alarm(self._uow, error)

    def _refuse(self, arrival: Arrival) -> None:
        """What comes for an account that was closed is erased: nobody else would."""
        if was_closed(self._uow):
            erase_upload(self._uow, arrival.name, arrival.generation)
        else:
            _log.warning("ignored an inbox object of an account that does not exist")


def account_exists(uow: UnitOfWork) -> bool:
    """Whether the unit of work's account is there; a path can name any."""
    return plan_of(uow) is not None


def reject_file(uow: UnitOfWork, place: DroppedInto, arrival: Arrival, error: ImangorError) -> None:
    """A rejected file is a failed job: it is listed, and its error file is written like any result."""
    ended = {"state": JobState.FAILED, "error": as_problem(error), "finished_at": uow.now}
    reject(uow, JobRepository(uow).add(_values(place, arrival) | ended, []))


def _values(place: DroppedInto, arrival: Arrival) -> dict[str, Any]:
    return {
        "id": new_id("job"),
        "created_by": "inbox",
        "priority": INBOX,
        "origin": "inbox",
        "name": display_name(place.path),
        "source_object": arrival.name,
        "source_generation": arrival.generation,
        "source_bytes": arrival.size,
        "results_prefix": results_prefix(place.account, place.path),
        "price_version": prices.current().version,
    }


def _size_problem(arrival: Arrival) -> ImangorError | None:
    if arrival.size == 0:
        return EmptyUpload()
    if arrival.size is not None and arrival.size > MAX_UPLOAD_BYTES:
        limit = MAX_UPLOAD_BYTES // (1024 * 1024)
        return UploadTooLarge(f"The file has {arrival.size} bytes; pictures may have up to {limit} MiB.")
    return None
