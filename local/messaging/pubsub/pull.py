"""Pull, StreamingPull, Acknowledge and ModifyAckDeadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1.types import pubsub

from local.messaging.bell import Bell
from local.messaging.pubsub.backlog import Backlog, Lease
from local.messaging.pubsub.catalogue import Catalogue
from local.messaging.rpc import Method, Refusal, invalid

_SUBSCRIBER = "/google.pubsub.v1.Subscriber/"
_Received = pubsub.ReceivedMessage.pb()
_LARGEST_PULL = 1000
_LONGEST_WAIT = 5.0


class Puller:
    """Handlers for subscribers that fetch their messages."""

    def __init__(self, catalogue: Catalogue, backlog: Backlog, bell: Bell) -> None:
        self._catalogue = catalogue
        self._backlog = backlog
        self._bell = bell

    def methods(self) -> dict[str, Method]:
        """Full gRPC paths and their handlers."""
        return {
            _SUBSCRIBER + "Pull": Method(self._pull, pubsub.PullRequest),
            _SUBSCRIBER + "StreamingPull": Method(self._stream, pubsub.StreamingPullRequest, streaming=True),
            _SUBSCRIBER + "Acknowledge": Method(self._acknowledge, pubsub.AcknowledgeRequest),
            _SUBSCRIBER + "ModifyAckDeadline": Method(self._modify, pubsub.ModifyAckDeadlineRequest),
        }

    async def _pull(self, request: Any, context: Any) -> Any:
        if request.max_messages <= 0:
            raise invalid("The value for max_messages must be greater than 0.")
        limit = min(request.max_messages, _LARGEST_PULL)
        # An empty answer must reach the client before its own deadline, or it would raise instead.
        left = context.time_remaining()
        patience = 0.0 if request.return_immediately else min(_LONGEST_WAIT, (left or _LONGEST_WAIT) / 2)
        end = time.time() + patience
        while True:
            subscription = self._pulled(request.subscription)
            now = time.time()
            leases = self._backlog.lease(subscription, limit, subscription.ack_deadline_seconds, now)
            if leases or now >= end:
                received = [_received(subscription, lease) for lease in leases]
                return pubsub.PullResponse.pb()(received_messages=received)
            wait = min(end - now, self._backlog.next_due(subscription.name, now))
            await self._bell.wait(subscription.name, wait)

    async def _acknowledge(self, request: Any, _context: Any) -> Any:
        self._catalogue.subscription(request.subscription)
        self._backlog.acknowledge(request.subscription, request.ack_ids)
        return Empty()

    async def _modify(self, request: Any, _context: Any) -> Any:
        self._deadline(request.subscription, request.ack_ids, request.ack_deadline_seconds)
        return Empty()

    async def _stream(self, requests: Any, _context: Any) -> AsyncIterator[Any]:
        opening = await anext(aiter(requests), None)
        if opening is None:
            return
        name, seconds = opening.subscription, opening.stream_ack_deadline_seconds
        self._pulled(name)
        if not 10 <= seconds <= 600:
            raise invalid("The stream_ack_deadline_seconds must be between 10 and 600.")
        limit = min(opening.max_outstanding_messages or _LARGEST_PULL, _LARGEST_PULL)
        self._answers(name, opening)
        reader = asyncio.create_task(self._read(name, requests))
        sent: set[str] = set()
        try:
            while not reader.done():
                subscription = self._pulled(name)
                if len(sent) >= limit:
                    sent = self._backlog.held(name, sent)
                now = time.time()
                leases = self._backlog.lease(subscription, limit - len(sent), seconds, now)
                if leases:
                    sent.update(lease.ack_id for lease in leases)
                    yield _response(subscription, leases)
                else:
                    await self._bell.wait(name, self._backlog.next_due(name, now))
            reader.result()
        finally:
            reader.cancel()

    async def _read(self, name: str, requests: Any) -> None:
        """Take the client's answers until it closes its side."""
        try:
            async for request in requests:
                self._answers(name, request)
        finally:
            self._bell.ring(name)

    def _answers(self, name: str, request: Any) -> None:
        if request.ack_ids:
            self._backlog.acknowledge(name, request.ack_ids)
        if len(request.modify_deadline_ack_ids) != len(request.modify_deadline_seconds):
            raise invalid("Each modify_deadline_ack_ids needs its modify_deadline_seconds.")
        for ack_id, seconds in zip(
            request.modify_deadline_ack_ids, request.modify_deadline_seconds, strict=True
        ):
            self._deadline(name, [ack_id], seconds)

    def _deadline(self, name: str, ack_ids: Any, seconds: int) -> None:
        """A deadline of 0 is a negative acknowledgement."""
        subscription = self._catalogue.subscription(name)
        if not 0 <= seconds <= 600:
            raise invalid("Invalid ack deadline given: it must be between 0 and 600 seconds.")
        if seconds == 0:
            self._backlog.fail(subscription, ack_ids, time.time())
        else:
            self._backlog.extend(name, ack_ids, time.time() + seconds)

    def _pulled(self, name: str) -> Any:
        subscription = self._catalogue.subscription(name)
        if subscription.push_config.push_endpoint:
            raise Refusal(
                grpc.StatusCode.FAILED_PRECONDITION,
                "This method is not supported for this subscription type.",
            )
        return subscription


def _response(subscription: Any, leases: list[Lease]) -> Any:
    response = pubsub.StreamingPullResponse.pb()()
    response.received_messages.extend(_received(subscription, lease) for lease in leases)
    response.subscription_properties.message_ordering_enabled = subscription.enable_message_ordering
    return response


def _received(subscription: Any, lease: Lease) -> Any:
    attempt = lease.attempt if subscription.HasField("dead_letter_policy") else 0
    return _Received(ack_id=lease.ack_id, message=lease.message, delivery_attempt=attempt)
