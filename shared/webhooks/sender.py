"""One try at one delivery: claim it, send it without a transaction, record it under the lease.

A worker that dies between sending and recording leaves its lease, and the try is made again when that has run
out, with the same `webhook-id`: a message arrives at least once, and at most `SENDS` times for each try.

Up to `MOST_AT_ONCE` tries at one endpoint are under way, so that one that hangs does not take the workers
from all the others. What comes beyond that waits in the database; each try that ends begins the one that has
waited longest. The endpoint's row is the lock of all this, and comes before those of its deliveries.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from shared.core.again import again
from shared.core.clock import utc_now
from shared.core.errors import ImangorError
from shared.core.metrics import Metric, count
from shared.core.tracing import Kind, span
from shared.db.leases import Lease, LeaseLost, acquire, confirm, release
from shared.db.unit_of_work import UnitOfWork
from shared.webhooks.announcing import announce
from shared.webhooks.deliveries import Deliveries, DeliveryRecord
from shared.webhooks.endpoints import EndpointRecord, Endpoints
from shared.webhooks.errors import DestinationRefused, NotDelivered
from shared.webhooks.messages import FUNCTION, DeliverWebhook, message_bytes
from shared.webhooks.payloads import DisabledEndpoint, EventType
from shared.webhooks.schedule import retry_after, wait
from shared.webhooks.sealing import SigningSecrets
from shared.webhooks.signature import secret_bytes, sign
from shared.webhooks.transport import Transport

_log = logging.getLogger(__name__)

SENDS: Final = 3
"""How often one try is begun, by workers that each died, before it counts as failed."""

MOST_AT_ONCE: Final = 5
"""So many tries are under way at one endpoint."""

DISABLED_AFTER: Final = timedelta(days=5)
"""An endpoint that has failed for so long, without one success, is disabled."""

_GONE: Final = 410
_ASKS_TO_WAIT: Final = frozenset({429, 503})


@dataclass(frozen=True)
class _Claim:
    """All that is needed to send, read in one transaction."""

    task: DeliverWebhook
    endpoint: str
    lease: Lease
    url: str
    body: bytes
    headers: dict[str, str]
    started_at: datetime


@dataclass(frozen=True)
class Outcome:
    """How a try ended: the receiver's status, or the slug of what kept it from answering."""

    status: int | None = None
    error: str | None = None
    milliseconds: int = 0
    asked: timedelta | None = None

    @property
    def success(self) -> bool:
        """Whether the receiver took the message."""
        return self.status is not None and 200 <= self.status < 300


class WebhookSender:
    """The worker."""

    def __init__(self, open_uow: Callable[[str], UnitOfWork], transport: Transport, secrets: SigningSecrets):
        self._open_uow = open_uow
        self._transport = transport
        self._secrets = secrets

    def deliver(self, task: DeliverWebhook, lease_seconds: float) -> None:
        """Make the task's try, unless it has ended. Raises `LeaseHeld` while another worker makes it."""
        self._secrets.ready(task.account)
        claim = self._claim(task, lease_seconds)
        if claim is None:
            return
        outcome = self._send(claim)
        count(Metric.WEBHOOK_TRIES, outcome=outcome.error or "delivered")
        try:
            again(lambda: self._record(task, claim.endpoint, claim.started_at, outcome, claim.lease))
        except LeaseLost:
            _log.warning("a webhook was sent by two workers", extra={"fields": {"delivery": task.delivery}})

    def fail(self, task: DeliverWebhook, error: Exception) -> None:
        """Count the try as failed by a fault of ours; the next one comes by the schedule."""
        slug = error.slug if isinstance(error, ImangorError) else "internal"
        with self._open_uow(task.account) as uow:
            found = Deliveries(uow).find(task.delivery)
            moment = uow.now
        if found is not None:
            self._record(task, found.endpoint_id, moment, Outcome(error=slug), None)

    def _claim(self, task: DeliverWebhook, lease_seconds: float) -> _Claim | None:
        with self._open_uow(task.account) as uow:
            deliveries, endpoint = Deliveries(uow), self._lock_endpoint(uow, task)
            found = deliveries.find(task.delivery, lock=True)
            if found is None or found.state != "pending" or found.tries != task.number:
                return None
            if endpoint is None or endpoint.state != "enabled":
                # It was disabled while the event was announced.
                deliveries.give_up(delivery=found.id)
                return None
            if deliveries.under_way(endpoint.id, but=found.id) >= MOST_AT_ONCE:
                deliveries.put_off(found)
                return None
            lease = acquire(uow, f"{task.delivery}/{task.number}", lease_seconds)
            if lease.claims <= SENDS:
                deliveries.begin(found, lease_seconds)
                return self._read(uow, task, found, endpoint, lease)
            moment = uow.now
        self._record(task, found.endpoint_id, moment, Outcome(error="worker-lost"), lease)
        return None

    def _lock_endpoint(self, uow: UnitOfWork, task: DeliverWebhook) -> EndpointRecord | None:
        """The endpoint of the task's delivery, if both are there."""
        found = Deliveries(uow).find(task.delivery)
        return None if found is None else Endpoints(uow).find(found.endpoint_id, lock=True)

    def _read(
        self,
        uow: UnitOfWork,
        task: DeliverWebhook,
        found: DeliveryRecord,
        endpoint: EndpointRecord,
        lease: Lease,
    ) -> _Claim:
        event = Deliveries(uow).event(found.event_id)
        body = message_bytes(event.type, event.created_at, event.data)
        kept = Endpoints(uow).secrets(endpoint.id)
        opened = [self._secrets.open(task.account, endpoint.id, each.sealed) for each in kept]
        # The database's time, by which receivers check it: a worker's own clock may be minutes off.
        headers = sign(map(secret_bytes, opened), event.id, int(uow.now.timestamp()), body)
        return _Claim(task, endpoint.id, lease, endpoint.url, body, headers, uow.now)

    def _send(self, claim: _Claim) -> Outcome:
        began = time.monotonic()
        try:
            with span("post the message", Kind.CLIENT):
                answer = self._transport.post(claim.url, claim.headers, claim.body)
        except (NotDelivered, DestinationRefused) as error:
            return Outcome(error=error.slug, milliseconds=_since(began))
        asked = retry_after(answer.retry_after, utc_now()) if answer.status in _ASKS_TO_WAIT else None
        return Outcome(answer.status, _slug(answer.status), _since(began), asked)

    def _record(
        self, task: DeliverWebhook, endpoint: str, started_at: datetime, outcome: Outcome, lease: Lease | None
    ) -> None:
        with self._open_uow(task.account) as uow:
            # The endpoint before its deliveries, as where it is disabled: another order would deadlock.
            alive = self._judge(uow, endpoint, outcome)
            found = Deliveries(uow).find(task.delivery, lock=True)
            if lease is not None:
                confirm(uow, lease)
            if found is None or found.tries != task.number:
                return
            attempt = {
                "number": task.number + 1,
                "started_at": started_at.isoformat(),
                "milliseconds": outcome.milliseconds,
                "status": outcome.status,
                "error": outcome.error,
            }
            self._conclude(uow, found, attempt, outcome, alive)
            self._begin_next(uow, endpoint)
            if lease is not None:
                release(uow, lease)

    def _judge(self, uow: UnitOfWork, endpoint: str, outcome: Outcome) -> bool:
        """Note what the outcome says of the endpoint, and disable one that is gone; whether it goes on."""
        endpoints = Endpoints(uow)
        known = endpoints.find(endpoint, lock=True)
        if outcome.success:
            endpoints.succeeded(endpoint)
            return True
        if known is None or known.state != "enabled":
            return False
        age = endpoints.failed(endpoint)
        reason = "gone" if outcome.status == _GONE else "failing" if age > DISABLED_AFTER else None
        if reason is None:
            return True
        endpoints.change(endpoint, state="disabled", reason=reason)
        about = f"{endpoint}/{known.version}"
        announce(uow, EventType.ENDPOINT_DISABLED, DisabledEndpoint(endpoint=endpoint, reason=reason), about)
        return False

    def _conclude(
        self,
        uow: UnitOfWork,
        found: DeliveryRecord,
        attempt: dict[str, Any],
        outcome: Outcome,
        alive: bool,
    ) -> None:
        deliveries = Deliveries(uow)
        if outcome.success:
            deliveries.record_success(found, attempt)
            return
        failures = found.tries - found.first_try + 1
        jitter = random.random()  # noqa: S311 - no secret
        pause = wait(failures, jitter, outcome.asked) if alive and found.state == "pending" else None
        deliveries.record(found, attempt, pause)
        if pause is None:
            count(Metric.WEBHOOKS_DEAD)
        else:
            body = DeliverWebhook(account=str(uow.account), delivery=found.id, number=found.tries + 1)
            uow.outbox.task(FUNCTION, body.model_dump(), due=pause)
        if not alive:
            deliveries.give_up(endpoint=found.endpoint_id)

    def _begin_next(self, uow: UnitOfWork, endpoint: str) -> None:
        """Begin the try that has waited longest for this endpoint, now that one has ended."""
        waiting = Deliveries(uow).next_waiting(endpoint)
        if waiting is not None:
            delivery, number = waiting
            body = DeliverWebhook(account=str(uow.account), delivery=delivery, number=number)
            uow.outbox.task(FUNCTION, body.model_dump())


def _slug(status: int) -> str | None:
    """What a status other than 2xx means; a redirect is never followed."""
    if 200 <= status < 300:
        return None
    if status == _GONE:
        return "gone"
    return "redirect" if 300 <= status < 400 else "http-error"


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
