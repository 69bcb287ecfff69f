"""Push delivery: one loop for each push subscription, as wide as its endpoint can bear."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import time
from typing import Any

from local.messaging.background import spawn
from local.messaging.bell import Bell
from local.messaging.delivery import Caller, Sender
from local.messaging.pubsub.backlog import Backlog, Lease
from local.messaging.pubsub.catalogue import Catalogue
from local.messaging.wire import iso

LOG = logging.getLogger("pubsub")
_ACKNOWLEDGING = frozenset({102, 200, 201, 202, 204})
_FIRST_WINDOW, _WIDEST_WINDOW = 4, 100
# The lease outlives the request, so that only the request's own end decides.
_LEASE_SLACK = 30.0
_AGENT = "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)"


class _Window:
    """Pub/Sub's slow start: every success widens, every failure halves.

    Without a retry policy the whole subscription pauses after failures, from 100 ms to 60 s ("push backoff").
    """

    def __init__(self) -> None:
        self._size = _FIRST_WINDOW
        self._failed = 0
        self.closed_until = 0.0

    def room(self, under_way: int, now: float) -> int:
        return 0 if now < self.closed_until else max(0, self._size - under_way)

    def settle(self, delivered: bool, pausing: bool, now: float) -> None:
        if delivered:
            self._size, self._failed = min(_WIDEST_WINDOW, self._size + 1), 0
            return
        self._size, self._failed = max(1, self._size // 2), self._failed + 1
        if pausing:
            self.closed_until = now + min(60.0, 0.1 * 2 ** min(self._failed - 1, 10))


class Pusher:
    """Keeps a loop running for every subscription that has a push endpoint."""

    def __init__(
        self, catalogue: Catalogue, backlog: Backlog, bell: Bell, sender: Sender, duplicates: int
    ) -> None:
        self._catalogue = catalogue
        self._backlog = backlog
        self._bell = bell
        self._sender = sender
        self._copies = duplicates
        self._loops: dict[str, asyncio.Task[None]] = {}

    def serve(self, name: str) -> None:
        """Look at a subscription that is new or has changed."""
        pushes = bool(self._catalogue.subscription(name).push_config.push_endpoint)
        if pushes and (name not in self._loops or self._loops[name].done()):
            self._loops[name] = spawn(self._run(name))
        self._bell.ring(name)

    async def _run(self, name: str) -> None:
        window = _Window()
        under_way: set[asyncio.Task[None]] = set()
        while True:
            subscription = self._catalogue.subscriptions.get(name)
            if subscription is None or not subscription.push_config.push_endpoint:
                del self._loops[name]
                return
            now = time.time()
            room = window.room(len(under_way), now)
            seconds = subscription.ack_deadline_seconds + _LEASE_SLACK
            for lease in self._backlog.lease(subscription, room, seconds, now) if room else ():
                delivery = spawn(self._deliver(subscription, lease, window))
                under_way.add(delivery)
                delivery.add_done_callback(under_way.discard)
                delivery.add_done_callback(lambda _done: self._bell.ring(name))
            pause = window.closed_until - now
            await self._bell.wait(name, pause if pause > 0 else self._backlog.next_due(name, now))

    async def _deliver(self, subscription: Any, lease: Lease, window: _Window) -> None:
        """Send all copies at once; the message is acknowledged when any of them is."""
        config = subscription.push_config
        body = json.dumps(envelope(subscription, lease)).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": _AGENT}
        copies = [
            self._sender.send(
                "POST",
                config.push_endpoint,
                headers,
                body,
                timeout=subscription.ack_deadline_seconds,
                caller=_caller(config),
            )
            for _copy in range(self._copies)
        ]
        replies = await asyncio.gather(*copies)
        delivered = any(reply.status in _ACKNOWLEDGING for reply in replies)
        current = self._catalogue.subscriptions.get(subscription.name, subscription)
        window.settle(delivered, not current.HasField("retry_policy"), time.time())
        if delivered:
            self._backlog.acknowledge(subscription.name, [lease.ack_id])
            return
        LOG.info(
            "push of %s to %s failed, attempt %d: %s",
            lease.message.message_id,
            config.push_endpoint,
            lease.attempt,
            replies[0].reason,
        )
        self._backlog.fail(current, [lease.ack_id], time.time())


def envelope(subscription: Any, lease: Lease) -> dict[str, Any]:
    """The body of a push request; as in protobuf's JSON, what is empty is absent."""
    message = lease.message
    inner: dict[str, Any] = {}
    if message.data:
        inner["data"] = base64.b64encode(message.data).decode()
    if message.attributes:
        inner["attributes"] = dict(message.attributes)
    inner["messageId"] = inner["message_id"] = message.message_id
    inner["publishTime"] = inner["publish_time"] = iso(message.publish_time)
    if message.ordering_key:
        inner["orderingKey"] = message.ordering_key
    body: dict[str, Any] = {"message": inner, "subscription": subscription.name}
    if subscription.HasField("dead_letter_policy"):
        body["deliveryAttempt"] = lease.attempt
    return body


def _caller(config: Any) -> Caller | None:
    token = config.oidc_token
    if not token.service_account_email:
        return None
    return Caller(token.service_account_email, token.audience or config.push_endpoint)
