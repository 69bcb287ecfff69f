"""Topics and subscriptions as they stand, in memory and in the database."""

from __future__ import annotations

import sqlite3
from typing import Any

from google.pubsub_v1.types import pubsub

from local.messaging.rpc import not_found

_Topic = pubsub.Topic.pb()
_Subscription = pubsub.Subscription.pb()


class Catalogue:
    """Written through: what is in `topics` and `subscriptions` (by full name) is in the database."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.topics: dict[str, Any] = {
            row["name"]: _Topic.FromString(row["body"]) for row in database.execute("select * from topics")
        }
        self.subscriptions: dict[str, Any] = {
            row["name"]: _Subscription.FromString(row["body"])
            for row in database.execute("select * from subscriptions")
        }

    def topic(self, name: str) -> Any:
        """The topic, or NOT_FOUND."""
        if name not in self.topics:
            raise not_found(name)
        return self.topics[name]

    def subscription(self, name: str) -> Any:
        """The subscription, or NOT_FOUND."""
        if name not in self.subscriptions:
            raise not_found(name)
        return self.subscriptions[name]

    def of_topic(self, topic: str) -> list[Any]:
        """All subscriptions of a topic."""
        return [subscription for subscription in self.subscriptions.values() if subscription.topic == topic]

    def keep_topic(self, topic: Any) -> None:
        """Add or replace a topic."""
        self._write("insert or replace into topics values (?, ?)", topic.name, topic.SerializeToString())
        self.topics[topic.name] = topic

    def keep_subscription(self, subscription: Any) -> None:
        """Add or replace a subscription."""
        statement = "insert or replace into subscriptions values (?, ?)"
        self._write(statement, subscription.name, subscription.SerializeToString())
        self.subscriptions[subscription.name] = subscription

    def drop_topic(self, name: str) -> None:
        """Remove a topic; its subscriptions are the caller's to change."""
        self._write("delete from topics where name = ?", name)
        del self.topics[name]

    def drop_subscription(self, name: str) -> None:
        """Remove a subscription; its backlog is the caller's to forget."""
        self._write("delete from subscriptions where name = ?", name)
        del self.subscriptions[name]

    def _write(self, statement: str, *values: object) -> None:
        with self._database:
            self._database.execute(statement, values)
