"""Everything the emulator keeps, opened from its state folder."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local.storage.buckets import BucketStore
from local.storage.content import ContentStore
from local.storage.database import open_database
from local.storage.notifications import Notifications
from local.storage.objects import ObjectStore
from local.storage.sessions import SessionStore


@dataclass(frozen=True)
class Backend:
    """The stores, sharing one database and one content folder."""

    content: ContentStore
    buckets: BucketStore
    objects: ObjectStore
    sessions: SessionStore
    notifications: Notifications


def open_backend(folder: Path, base: str, clock: Callable[[], float] = time.time) -> Backend:
    """Open (or create) the state; `base` is the URL that links in notifications start with.

    Content that no object and no open session names was left by a killed process: it is removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    db = open_database(folder / "metadata.sqlite3")
    content = ContentStore(folder / "content")
    notifications = Notifications(db, base)
    sessions = SessionStore(db, content, clock)
    sessions.expire()
    named = "SELECT content FROM objects UNION SELECT content FROM sessions WHERE finished IS NULL"
    content.sweep({row["content"] for row in db.execute(named)})
    objects = ObjectStore(db, content, notifications, clock)
    return Backend(content, BucketStore(db, clock), objects, sessions, notifications)
