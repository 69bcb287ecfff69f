"""Resumable upload sessions, of the JSON and the XML API alike; they outlive the process."""

import json
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from local.storage.content import ContentStore
from local.storage.errors import session_not_found
from local.storage.preconditions import Preconditions

GRANULE = 256 * 1024
LIFETIME_SECONDS = 7 * 24 * 3600.0


@dataclass(frozen=True)
class SizeRange:
    """Bounds in bytes (both included) on the object a signed URL lets upload; None is no bound."""

    least: int | None = None
    most: int | None = None


@dataclass(frozen=True)
class Intent:
    """What an upload shall become: taken from the request that starts it."""

    bucket: str
    name: str
    fields: dict[str, Any]
    preconditions: Preconditions = field(default_factory=Preconditions)
    checksums: dict[str, str] = field(default_factory=dict)
    sizes: SizeRange = field(default_factory=SizeRange)
    total: int | None = None


@dataclass(frozen=True)
class Session:
    """A started session; `finished` is the generation it made, None while bytes are missing."""

    id: str
    intent: Intent
    content: str
    finished: int | None


class SessionStore:
    """All sessions not yet expired."""

    def __init__(self, db: sqlite3.Connection, content: ContentStore, clock: Callable[[], float]) -> None:
        self.db = db
        self.content = content
        self.clock = clock

    def start(self, intent: Intent) -> Session:
        """Open a session with nothing received."""
        session = Session(secrets.token_urlsafe(32), intent, self.content.create(), None)
        self.db.execute(
            "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?)",
            (
                session.id,
                intent.bucket,
                intent.name,
                session.content,
                json.dumps(intent.fields),
                intent.preconditions.to_json(),
                json.dumps(intent.checksums),
                intent.sizes.least,
                intent.sizes.most,
                intent.total,
                self.clock(),
            ),
        )
        return session

    def get(self, session: str, bucket: str) -> Session:
        """The session of that bucket; StorageError 404 when there is none (any more)."""
        query = "SELECT * FROM sessions WHERE id = ? AND bucket = ? AND created > ?"
        row = self.db.execute(query, (session, bucket, self.clock() - LIFETIME_SECONDS)).fetchone()
        if row is None:
            raise session_not_found()
        intent = Intent(
            bucket=row["bucket"],
            name=row["name"],
            fields=json.loads(row["fields"]),
            preconditions=Preconditions.from_json(row["preconditions"]),
            checksums=json.loads(row["checksums"]),
            sizes=SizeRange(row["min_size"], row["max_size"]),
            total=row["total"],
        )
        return Session(row["id"], intent, row["content"], row["finished"])

    def persisted(self, session: Session) -> int:
        """Bytes the service vouches for: whole granules of 256 KiB, or everything once all is there."""
        size = self.content.size(session.content)
        return size if size == session.intent.total else size - size % GRANULE

    def set_total(self, session: Session, total: int) -> None:
        """Remember the object's size once a chunk has told it."""
        self.db.execute("UPDATE sessions SET total = ? WHERE id = ?", (total, session.id))

    def finish(self, session: Session, generation: int) -> None:
        """Note the generation the session made; call it inside the object's transaction."""
        self.get(session.id, session.intent.bucket)
        self.db.execute("UPDATE sessions SET finished = ? WHERE id = ?", (generation, session.id))

    def cancel(self, session: Session) -> None:
        """Forget the session, and its bytes unless they have become an object."""
        self.db.execute("DELETE FROM sessions WHERE id = ?", (session.id,))
        if session.finished is None:
            self.content.remove(session.content)

    def expire(self) -> None:
        """Forget sessions older than a week."""
        self.db.execute("DELETE FROM sessions WHERE created <= ?", (self.clock() - LIFETIME_SECONDS,))
