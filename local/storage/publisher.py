"""Sends the outbox to Pub/Sub, retrying until it is taken."""

import asyncio
import time
from typing import Any

from local.storage.notifications import Message, Notifications

_METHOD = "/google.pubsub.v1.Publisher/Publish"
# gRPC's own reconnect delay grows to two minutes: far too long after Pub/Sub has come back.
_CHANNEL_OPTIONS = [
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
]


def _load_types() -> Any:
    # A second of imports that listening must not wait for.
    from google.pubsub_v1 import types

    return types


class Publisher:
    """Publishes what is due in the outbox to the Pub/Sub at `target` (host:port, insecure channel)."""

    def __init__(self, notifications: Notifications, target: str) -> None:
        self.notifications = notifications
        self.target = target
        self.wanted = asyncio.Event()
        self.troubles: dict[str, str | None] = {}

    def wake(self) -> None:
        """Say that the outbox may have something new."""
        self.wanted.set()

    async def run(self) -> None:
        """Publish for ever. The client types are loaded once the first bucket notifies."""
        while not self.notifications.configured() and self.notifications.next_due() is None:
            await self._sleep(None)
        types = await asyncio.to_thread(_load_types)
        import grpc

        async with grpc.aio.insecure_channel(self.target, options=_CHANNEL_OPTIONS) as channel:
            publish = channel.unary_unary(
                _METHOD,
                request_serializer=types.PublishRequest.serialize,
                response_deserializer=types.PublishResponse.deserialize,
            )
            while True:
                due = self.notifications.due(time.time())
                for topic in dict.fromkeys(message.topic for message in due):
                    await self._send(types, publish, topic, [m for m in due if m.topic == topic])
                if not due:
                    await self._sleep(self.notifications.next_due())

    async def _send(self, types: Any, publish: Any, topic: str, messages: list[Message]) -> None:
        import grpc

        request = types.PublishRequest(
            topic=topic,
            messages=[types.PubsubMessage(data=m.data, attributes=m.attributes) for m in messages],
        )
        try:
            await publish(request, timeout=10)
        except grpc.aio.AioRpcError as error:
            self._say(
                topic, f"Pub/Sub does not take notifications for {topic}: {error.code().name}; retrying"
            )
            self.notifications.postpone(messages, time.time())
        else:
            self._say(topic, None)
            self.notifications.taken(messages)

    def _say(self, topic: str, trouble: str | None) -> None:
        """Log when a topic's trouble begins, changes or ends; not at every retry."""
        if trouble != self.troubles.get(topic):
            print(trouble or f"Pub/Sub takes notifications for {topic} again", flush=True)
        self.troubles[topic] = trouble

    async def _sleep(self, until: float | None) -> None:
        delay = None if until is None else max(0.0, until - time.time())
        try:
            await asyncio.wait_for(self.wanted.wait(), delay)
        except TimeoutError:
            return
        self.wanted.clear()
