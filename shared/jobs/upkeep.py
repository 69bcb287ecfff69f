"""What `sweep` does every minute: send what a crash left, act on deadlines, forget what is old."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from shared.auth.key_use import keep_uses
from shared.cache.redis import RedisCache
from shared.core.again import again
from shared.core.metrics import Metric, count
from shared.db.deadlines import Action, Deadline, take_due
from shared.db.outbox import Deliver, claim_unsent, oldest_unsent_seconds
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.dispatch import start_recognition, start_rendering
from shared.jobs.endings import end_job
from shared.jobs.erasure import erase_media
from shared.jobs.errors import JobStuck
from shared.jobs.repository import JobRecord, JobRepository
from shared.jobs.states import ENDED, TARGET_ENDED, JobState
from shared.ledger.upkeep import LedgerUpkeep
from shared.scenes.repository import SceneRepository
from shared.tokens import grants
from shared.webhooks import upkeep as webhooks

_log = logging.getLogger(__name__)

Part = Callable[[], None]
BATCH: Final = 200
RESEND_SECONDS: Final = 60
GIVE_UP_AFTER: Final = timedelta(hours=24)
_FORGET: Final = (
    "delete from inbox where received_at < clock_now() - interval '30 days'",
    "delete from outbox where sent_at < clock_now() - interval '7 days'",
    "delete from idempotency_keys where expires_at < clock_now()",
    "delete from quotes where expires_at < clock_now() - interval '7 days'",
    "delete from leases where expires_at < clock_now() - interval '2 days'",
    "delete from provider_results where created_at < clock_now() - interval '30 days'",
    "delete from dead_letters where received_at < clock_now() - interval '90 days'",
    *webhooks.FORGET,
    *grants.FORGET,
)


class Upkeep:
    """Runs as the system role; acts on a job only under the job's own account."""

    def __init__(
        self,
        open_uow: Callable[[str | None], UnitOfWork],
        deliver: Deliver,
        cache: RedisCache,
        parts: Sequence[Part] = (),
    ):
        """`parts` is what other rooms keep, each tried in every round."""
        self._open_uow = open_uow
        self._deliver = deliver
        self._cache = cache
        self._ledger = LedgerUpkeep(open_uow)
        self._parts = parts

    def sweep(self) -> None:
        """One round. Two sweepers at once share the work; trouble in one part does not keep the others."""
        own = (self._keep_deadlines, self._start_webhooks, self.resend, self._forget, self._keep_key_uses)
        ledger = (self._ledger.expire, self._ledger.prove)
        for part in (*own, *ledger, *self._parts):
            try:
                part()
            except Exception:
                _log.exception("a part of the sweep failed; the next round tries again")

    def _keep_key_uses(self) -> None:
        with self._open_uow(None) as uow:
            keep_uses(self._cache, uow)

    def resend(self) -> None:
        """Send the effects that their writers did not, and tell how long the oldest has waited.

        After an outage there may be many, so it goes on for a while; what is left the next round sends.
        """
        with self._open_uow(None) as uow:
            count(Metric.OUTBOX_AGE, oldest_unsent_seconds(uow))
        until = time.monotonic() + RESEND_SECONDS
        while self._resend_some() == BATCH and time.monotonic() < until:
            pass

    def _resend_some(self) -> int:
        with self._open_uow(None) as uow:
            effects = claim_unsent(uow, BATCH)
        self._deliver(effects)
        return len(effects)

    def _keep_deadlines(self) -> None:
        with self._open_uow(None) as uow:
            due = take_due(uow, BATCH, again=timedelta(minutes=5))
        for deadline in due:
            self._act(deadline)

    def _start_webhooks(self) -> None:
        webhooks.start_overdue(self._open_uow, BATCH)

    def _forget(self) -> None:
        for statement in _FORGET:
            with self._open_uow(None) as uow:
                uow.sql(statement)

    def _act(self, deadline: Deadline) -> None:
        def work() -> None:
            with self._open_uow(deadline.account) as uow:
                job = JobRepository(uow).find(deadline.job, lock=True)
                if job is not None:
                    _ACTIONS[deadline.action](uow, job)

        try:
            again(work)
        except Exception:
            # One job's trouble must not keep the others waiting; its deadline comes again.
            _log.exception("a deadline could not be kept", extra={"fields": {"job": deadline.job}})


def _expire_upload(uow: UnitOfWork, job: JobRecord) -> None:
    if job.state is JobState.AWAITING_UPLOAD:
        end_job(uow, job, JobState.EXPIRED)


def _rescue(uow: UnitOfWork, job: JobRecord) -> None:
    """Send the tasks of a job without progress again; give it up when that has gone on for a day."""
    if job.state in ENDED:
        # It ended after this deadline was taken, and its ending set the next one.
        return
    stale = uow.sql("select clock_now() - updated_at from jobs where id = :job", job=job.id).scalar_one()
    if stale > GIVE_UP_AFTER:
        end_job(uow, job, JobState.FAILED, JobStuck())
    elif SceneRepository(uow).exists(job.id):
        targets = JobRepository(uow).targets([job.id])[job.id]
        start_rendering(uow, job, [t.language for t in targets if t.state not in TARGET_ENDED])
    else:
        start_recognition(uow, job)


_ACTIONS: Final[dict[Action, Callable[[UnitOfWork, JobRecord], None]]] = {
    Action.EXPIRE_UPLOAD: _expire_upload,
    Action.RESCUE: _rescue,
    Action.ERASE: erase_media,
}
