"""Notification configurations of buckets, and the outbox their messages wait in until Pub/Sub takes them.

A message is written in the transaction that changes the object, so neither exists without the other.
"""

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from local.storage.errors import StorageError, invalid
from local.storage.resources import ObjectVersion, etag, timestamp

EVENT_TYPES = ("OBJECT_FINALIZE", "OBJECT_METADATA_UPDATE", "OBJECT_DELETE", "OBJECT_ARCHIVE")
_TOPIC = re.compile(r"//pubsub\.googleapis\.com/(projects/[^/]+/topics/[^/]+)")
_KEEP_SECONDS = 7 * 24 * 3600.0


@dataclass(frozen=True)
class Message:
    """One Pub/Sub message still to be published to `topic` (projects/P/topics/T)."""

    id: int
    topic: str
    attributes: dict[str, str]
    data: bytes
    attempts: int


class Notifications:
    """The configurations of every bucket and the outbox."""

    def __init__(self, db: sqlite3.Connection, base: str) -> None:
        self.db = db
        self.base = base

    def create(self, bucket: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Store a configuration and answer its resource; StorageError 400 for a malformed one."""
        topic = _TOPIC.fullmatch(str(body.get("topic", "")))
        if not topic:
            raise invalid(
                "Invalid Cloud Pub/Sub topic. It should look like"
                " '//pubsub.googleapis.com/projects/*/topics/*'."
            )
        if body.get("payload_format") not in ("JSON_API_V1", "NONE"):
            raise invalid("payload_format must be JSON_API_V1 or NONE.")
        events = body.get("event_types") or []
        if unknown := [event for event in events if event not in EVENT_TYPES]:
            raise invalid(f"Invalid event types: {unknown}")
        fields = {
            "payload_format": body["payload_format"],
            "event_types": events,
            "object_name_prefix": body.get("object_name_prefix") or "",
            "custom_attributes": body.get("custom_attributes") or {},
        }
        row = self.db.execute(
            "INSERT INTO notification_configs (bucket, topic, fields) VALUES (?, ?, ?) RETURNING *",
            (bucket, topic[1], json.dumps(fields)),
        ).fetchone()
        return self._resource(row)

    def of_bucket(self, bucket: str) -> list[dict[str, Any]]:
        """The bucket's configurations, oldest first."""
        rows = self.db.execute("SELECT * FROM notification_configs WHERE bucket = ? ORDER BY id", (bucket,))
        return [self._resource(row) for row in rows]

    def get(self, bucket: str, notification: str) -> dict[str, Any]:
        """One configuration; StorageError 404 when there is none."""
        for resource in self.of_bucket(bucket):
            if resource["id"] == notification:
                return resource
        message = f"Notification {notification} does not exist for bucket {bucket}."
        raise StorageError(404, "notFound", "NoSuchNotification", message)

    def delete(self, bucket: str, notification: str) -> None:
        """Remove one configuration; messages already in the outbox are still sent."""
        found = self.get(bucket, notification)
        self.db.execute("DELETE FROM notification_configs WHERE id = ?", (int(found["id"]),))

    def configured(self) -> bool:
        """Whether any bucket notifies at all."""
        return self.db.execute("SELECT 1 FROM notification_configs LIMIT 1").fetchone() is not None

    def _resource(self, row: sqlite3.Row) -> dict[str, Any]:
        fields = {name: value for name, value in json.loads(row["fields"]).items() if value}
        return {
            "kind": "storage#notification",
            "id": str(row["id"]),
            "selfLink": f"{self.base}/storage/v1/b/{row['bucket']}/notificationConfigs/{row['id']}",
            "topic": f"//pubsub.googleapis.com/{row['topic']}",
            "etag": etag(row["id"], 1),
            **fields,
        }

    def enqueue(self, event: str, version: ObjectVersion, when: float, **facts: int) -> None:
        """Write the messages of one event into the outbox; call it inside the object's transaction.

        `facts` become attributes (`overwroteGeneration`, `overwrittenByGeneration`).
        """
        rows = self.db.execute("SELECT * FROM notification_configs WHERE bucket = ?", (version.bucket,))
        for row in rows.fetchall():
            fields = json.loads(row["fields"])
            if fields["event_types"] and event not in fields["event_types"]:
                continue
            if not version.name.startswith(fields["object_name_prefix"]):
                continue
            attributes = {
                **fields["custom_attributes"],
                "notificationConfig": f"projects/_/buckets/{version.bucket}/notificationConfigs/{row['id']}",
                "eventType": event,
                "payloadFormat": fields["payload_format"],
                "bucketId": version.bucket,
                "objectId": version.name,
                "objectGeneration": str(version.generation),
                "eventTime": timestamp(when),
                **{name: str(value) for name, value in facts.items()},
            }
            payload = fields["payload_format"] == "JSON_API_V1"
            data = json.dumps(version.resource(self.base), indent=2).encode() if payload else b""
            self.db.execute(
                "INSERT INTO outbox (topic, attributes, data, due, created) VALUES (?, ?, ?, ?, ?)",
                (row["topic"], json.dumps(attributes), data, when, when),
            )

    def due(self, now: float, limit: int = 100) -> list[Message]:
        """Messages whose time has come, oldest first."""
        rows = self.db.execute("SELECT * FROM outbox WHERE due <= ? ORDER BY id LIMIT ?", (now, limit))
        return [
            Message(row["id"], row["topic"], json.loads(row["attributes"]), row["data"], row["attempts"])
            for row in rows
        ]

    def next_due(self) -> float | None:
        """When the next message's time comes (epoch seconds); None when the outbox is empty."""
        due: float | None = self.db.execute("SELECT MIN(due) FROM outbox").fetchone()[0]
        return due

    def taken(self, messages: Iterable[Message]) -> None:
        """Pub/Sub has them: forget them."""
        self.db.executemany("DELETE FROM outbox WHERE id = ?", [(message.id,) for message in messages])

    def postpone(self, messages: Iterable[Message], now: float, longest: float = 2.0) -> None:
        """Try these again after a delay that doubles up to `longest` seconds; give up after seven days."""
        for message in messages:
            due = now + min(longest, 0.1 * 2 ** min(message.attempts, 10))
            update = "UPDATE outbox SET attempts = attempts + 1, due = ? WHERE id = ?"
            self.db.execute(update, (due, message.id))
        self.db.execute("DELETE FROM outbox WHERE created < ?", (now - _KEEP_SECONDS,))
