"""Messages and what each subscription still owes: publish, lease, acknowledge, fail, dead-letter."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from google.pubsub_v1.types import pubsub

from local.messaging.bell import Bell
from local.messaging.pubsub.catalogue import Catalogue
from local.messaging.pubsub.filters import compile_filter
from local.messaging.rpc import invalid
from local.messaging.wire import iso, seconds_of, stamp

_Message = pubsub.PubsubMessage.pb()
_ACK_ID = re.compile(r"(\d+)-(\d+)")
# A message is ready when it is not leased, its time has come, and no earlier one of its key is unfinished.
_READY = """
select * from deliveries d where subscription = ? and leased = 0 and due <= ? and (
    not ? or ordering_key = '' or not exists (
        select 1 from deliveries e where e.subscription = d.subscription
        and e.ordering_key = d.ordering_key and e.message < d.message))
order by due, message limit ?
"""


@dataclass(frozen=True)
class Lease:
    """One message on its way to a subscriber; `attempt` counts from 1."""

    ack_id: str
    message: Any
    attempt: int


class Backlog:
    """All unfinished deliveries; each change is one transaction and rings those who wait for it."""

    def __init__(self, database: sqlite3.Connection, catalogue: Catalogue, bell: Bell) -> None:
        self._database = database
        self._catalogue = catalogue
        self._bell = bell
        self._last_id = database.execute("select coalesce(max(id), 0) from messages").fetchone()[0]
        with database:
            # What was being pushed when the process died was cut: it is owed again, and was no failure.
            for subscription in catalogue.subscriptions.values():
                if subscription.push_config.push_endpoint:
                    database.execute(
                        "update deliveries set leased = 0, due = ? where subscription = ? and leased = 1",
                        (time.time(), subscription.name),
                    )

    def publish(self, topic: str, messages: Iterable[Any]) -> list[str]:
        """Owe each message to every subscription whose filter it passes; the new message ids."""
        with self._database:
            return [self._publish(topic, message) for message in messages]

    def lease(self, subscription: Any, limit: int, seconds: float, now: float) -> list[Lease]:
        """Take up to `limit` ready messages for so many seconds; overdue leases count as failures first."""
        with self._database:
            self._expire(subscription, now)
            rows = self._database.execute(
                _READY, (subscription.name, now, subscription.enable_message_ordering, limit)
            ).fetchall()
            return [self._lease(row, now + seconds) for row in rows]

    def acknowledge(self, name: str, ack_ids: Sequence[str]) -> None:
        """Finish these deliveries; INVALID_ARGUMENT for what was never an ack id."""
        messages = [_parse(ack_id)[0] for ack_id in ack_ids]
        with self._database:
            self._finish(name, messages)
        self._bell.ring(name)

    def fail(self, subscription: Any, ack_ids: Sequence[str], now: float) -> None:
        """Negatively acknowledge: back off and owe again, or dead-letter after the last attempt."""
        with self._database:
            for row in self._leased(subscription.name, ack_ids):
                self._fail(subscription, row, now)
        self._bell.ring(subscription.name)

    def extend(self, name: str, ack_ids: Sequence[str], until: float) -> None:
        """Move the end of leases that are still held."""
        with self._database:
            for row in self._leased(name, ack_ids):
                self._database.execute(
                    "update deliveries set due = ? where subscription = ? and message = ?",
                    (until, name, row["message"]),
                )

    def held(self, name: str, ack_ids: Iterable[str]) -> set[str]:
        """Those of these leases that are neither finished, failed nor overdue."""
        rows = self._database.execute(
            "select message, lease from deliveries where subscription = ? and leased = 1", (name,)
        )
        return {f"{row['message']}-{row['lease']}" for row in rows}.intersection(ack_ids)

    def next_due(self, name: str, now: float) -> float:
        """Seconds from `now` until time alone changes something (at most a minute)."""
        row = self._database.execute(
            "select min(due) from deliveries where subscription = ? and due > ?", (name, now)
        ).fetchone()
        return 60.0 if row[0] is None else min(60.0, row[0] - now)

    def forget(self, name: str) -> None:
        """Drop everything owed to a subscription."""
        with self._database:
            self._database.execute("delete from deliveries where subscription = ?", (name,))
            self._database.execute("delete from messages where id not in (select message from deliveries)")
        self._bell.ring(name)

    def _publish(self, topic: str, message: Any) -> str:
        now = time.time()
        # Microseconds since 1970: unique even after this state is deleted, while consumers remember old ids.
        self._last_id = max(self._last_id + 1, int(now * 1e6))
        stored = _Message()
        stored.CopyFrom(message)
        stored.message_id = str(self._last_id)
        stored.publish_time.CopyFrom(stamp(now))
        owed = [
            subscription.name
            for subscription in self._catalogue.of_topic(topic)
            if compile_filter(subscription.filter)(stored.attributes)
        ]
        if owed:
            self._database.execute(
                "insert into messages values (?, ?)", (self._last_id, stored.SerializeToString())
            )
        for name in owed:
            self._database.execute(
                "insert into deliveries (subscription, message, ordering_key, due) values (?, ?, ?, ?)",
                (name, self._last_id, stored.ordering_key, now),
            )
            self._bell.ring(name)
        return stored.message_id

    def _lease(self, row: sqlite3.Row, until: float) -> Lease:
        self._database.execute(
            "update deliveries set leased = 1, lease = lease + 1, due = ?"
            " where subscription = ? and message = ?",
            (until, row["subscription"], row["message"]),
        )
        message = self._message(row["message"])
        return Lease(f"{row['message']}-{row['lease'] + 1}", message, row["failures"] + 1)

    def _message(self, identifier: int) -> Any:
        row = self._database.execute("select body from messages where id = ?", (identifier,)).fetchone()
        return _Message.FromString(row["body"])

    def _leased(self, name: str, ack_ids: Sequence[str]) -> list[sqlite3.Row]:
        query = "select * from deliveries where subscription = ? and message = ? and lease = ? and leased = 1"
        rows = (self._database.execute(query, (name, *_parse(ack_id))).fetchone() for ack_id in ack_ids)
        return [row for row in rows if row]

    def _expire(self, subscription: Any, now: float) -> None:
        name = subscription.name
        oldest = now - seconds_of(subscription.message_retention_duration)
        lost = self._database.execute(
            "select message from deliveries where subscription = ? and message < ?", (name, int(oldest * 1e6))
        ).fetchall()
        self._finish(name, [row["message"] for row in lost])
        overdue = self._database.execute(
            "select * from deliveries where subscription = ? and leased = 1 and due <= ?", (name, now)
        ).fetchall()
        for row in overdue:
            self._fail(subscription, row, now)

    def _fail(self, subscription: Any, row: sqlite3.Row, now: float) -> None:
        failures = row["failures"] + 1
        policy = subscription.dead_letter_policy
        exhausted = subscription.HasField("dead_letter_policy") and failures >= policy.max_delivery_attempts
        if exhausted and policy.dead_letter_topic in self._catalogue.topics:
            letter = dead_letter(self._message(row["message"]), subscription.name, failures)
            self._publish(policy.dead_letter_topic, letter)
            self._finish(subscription.name, [row["message"]])
            return
        self._database.execute(
            "update deliveries set leased = 0, failures = ?, due = ? where subscription = ? and message = ?",
            (failures, now + backoff(subscription, failures), subscription.name, row["message"]),
        )

    def _finish(self, name: str, messages: Iterable[int]) -> None:
        for message in messages:
            self._database.execute(
                "delete from deliveries where subscription = ? and message = ?", (name, message)
            )
            self._database.execute(
                "delete from messages where id = ?"
                " and not exists (select 1 from deliveries where message = ?)",
                (message, message),
            )


def backoff(subscription: Any, failures: int) -> float:
    """Seconds before the next delivery: exponential within the retry policy, none without one."""
    if not subscription.HasField("retry_policy"):
        return 0.0
    policy = subscription.retry_policy
    least, most = seconds_of(policy.minimum_backoff), seconds_of(policy.maximum_backoff)
    return min(most, least * 2.0 ** min(failures - 1, 60))


def dead_letter(message: Any, subscription: str, attempts: int) -> Any:
    """The message as Pub/Sub forwards it; a delivery error message exists only for export subscriptions."""
    _, project, _, short = subscription.split("/")
    letter = _Message(data=message.data, ordering_key=message.ordering_key)
    letter.attributes.update(message.attributes)
    letter.attributes.update(
        {
            "CloudPubSubDeadLetterSourceDeliveryCount": str(attempts),
            "CloudPubSubDeadLetterSourceSubscription": short,
            "CloudPubSubDeadLetterSourceSubscriptionProject": project,
            "CloudPubSubDeadLetterSourceTopicPublishTime": iso(message.publish_time, "+00:00"),
        }
    )
    return letter


def _parse(ack_id: str) -> tuple[int, int]:
    match = _ACK_ID.fullmatch(ack_id)
    if not match:
        raise invalid(f"You have passed an invalid ack ID to the service (ack_id={ack_id[:80]}).")
    return int(match[1]), int(match[2])
