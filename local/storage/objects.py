"""The versions of objects: every change is one transaction with its preconditions and its notifications."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from local.storage.content import ContentStore, Digests
from local.storage.database import transaction
from local.storage.errors import bucket_not_found, object_not_found
from local.storage.notifications import Notifications
from local.storage.preconditions import Preconditions
from local.storage.resources import ObjectVersion, merge

Clock = Callable[[], float]


@dataclass(frozen=True)
class Draft:
    """A complete content waiting to become the live version of `bucket`/`name`."""

    bucket: str
    name: str
    content: str
    digests: Digests
    fields: dict[str, Any]
    preconditions: Preconditions = field(default_factory=Preconditions)
    components: int | None = None


class ObjectStore:
    """Objects of all buckets. Times come from `clock` (epoch seconds)."""

    def __init__(
        self, db: sqlite3.Connection, content: ContentStore, notifications: Notifications, clock: Clock
    ) -> None:
        self.db = db
        self.content = content
        self.notifications = notifications
        self.clock = clock

    def live(self, bucket: str, name: str) -> ObjectVersion | None:
        """The live version, or None."""
        query = "SELECT * FROM objects WHERE bucket = ? AND name = ? AND live = 1"
        row = self.db.execute(query, (bucket, name)).fetchone()
        return ObjectVersion.from_row(row) if row else None

    def find(self, bucket: str, name: str, generation: int | None = None) -> ObjectVersion:
        """The live version, or that generation; StorageError 404 when there is none."""
        if generation is None:
            version = self.live(bucket, name)
        else:
            query = "SELECT * FROM objects WHERE bucket = ? AND name = ? AND generation = ?"
            row = self.db.execute(query, (bucket, name, generation)).fetchone()
            version = ObjectVersion.from_row(row) if row else None
        if version is None:
            self._versioning(bucket)
            raise object_not_found(bucket, name)
        return version

    def check(self, bucket: str, name: str, preconditions: Preconditions) -> None:
        """Refuse early what `commit` would refuse: no such bucket (404), a failed precondition (412)."""
        self._versioning(bucket)
        preconditions.check(self.live(bucket, name))

    def commit(self, draft: Draft, then: Callable[[ObjectVersion], None] | None = None) -> ObjectVersion:
        """Make the draft the live version; `then` runs in the same transaction.

        Raises StorageError 404 (bucket), 412 (precondition); the draft's content is then still the caller's.
        """
        now = self.clock()
        stale: str | None = None
        with transaction(self.db):
            versioning = self._versioning(draft.bucket)
            previous = self.live(draft.bucket, draft.name)
            draft.preconditions.check(previous)
            version = ObjectVersion(
                bucket=draft.bucket,
                name=draft.name,
                generation=self._next_generation(now),
                metageneration=1,
                live=True,
                content=draft.content,
                digests=draft.digests,
                components=draft.components,
                fields={name: value for name, value in draft.fields.items() if value is not None},
                created=now,
                updated=now,
                deleted=None,
            )
            if previous:
                stale = self._retire(previous, versioning, now, overwrittenByGeneration=version.generation)
            self._insert(version)
            facts = {"overwroteGeneration": previous.generation} if previous else {}
            self.notifications.enqueue("OBJECT_FINALIZE", version, now, **facts)
            if then:
                then(version)
        if stale:
            self.content.remove(stale)
        return version

    def update(
        self,
        version: ObjectVersion,
        change: Mapping[str, Any],
        preconditions: Preconditions,
        *,
        whole: bool = False,
    ) -> ObjectVersion:
        """Patch (or with `whole` replace) the client-written properties; metageneration goes up by one."""
        now = self.clock()
        preconditions.check(version)
        fields = merge({} if whole else version.fields, change)
        changed = replace(version, fields=fields, metageneration=version.metageneration + 1, updated=now)
        with transaction(self.db):
            self.db.execute(
                "UPDATE objects SET fields = ?, metageneration = ?, updated = ?"
                " WHERE bucket = ? AND name = ? AND generation = ?",
                (
                    json.dumps(fields),
                    changed.metageneration,
                    now,
                    version.bucket,
                    version.name,
                    version.generation,
                ),
            )
            self.notifications.enqueue("OBJECT_METADATA_UPDATE", changed, now)
        return changed

    def delete(self, bucket: str, name: str, generation: int | None, preconditions: Preconditions) -> None:
        """Delete the live version (kept as noncurrent in a versioned bucket), or one generation for good."""
        now = self.clock()
        with transaction(self.db):
            version = self.find(bucket, name, generation)
            preconditions.check(version)
            keep = generation is None and self._versioning(bucket)
            stale = self._retire(version, keep, now)
        if stale:
            self.content.remove(stale)

    def _retire(self, version: ObjectVersion, keep: bool, now: float, **facts: int) -> str | None:
        """Take a version out of sight; the content id to remove after the commit, if any."""
        key = (version.bucket, version.name, version.generation)
        gone = replace(version, live=False, deleted=now)
        if keep:
            where = "WHERE bucket = ? AND name = ? AND generation = ?"
            self.db.execute(f"UPDATE objects SET live = 0, deleted = ? {where}", (now, *key))  # noqa: S608
            self.notifications.enqueue("OBJECT_ARCHIVE", gone, now, **facts)
            return None
        self.db.execute("DELETE FROM objects WHERE bucket = ? AND name = ? AND generation = ?", key)
        self.notifications.enqueue("OBJECT_DELETE", gone, now, **facts)
        return version.content

    def _insert(self, version: ObjectVersion) -> None:
        digests = version.digests
        self.db.execute(
            "INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                version.bucket,
                version.name,
                version.generation,
                version.metageneration,
                int(version.live),
                version.content,
                digests.size,
                digests.md5,
                digests.crc32c,
                version.components,
                json.dumps(version.fields),
                version.created,
                version.updated,
                version.deleted,
            ),
        )

    def _next_generation(self, now: float) -> int:
        """Microseconds, but always more than any before, even when the clock goes back."""
        query = "UPDATE last_generation SET value = MAX(value + 1, ?) RETURNING value"
        return int(self.db.execute(query, (int(now * 1_000_000),)).fetchone()[0])

    def _versioning(self, bucket: str) -> bool:
        row = self.db.execute("SELECT fields FROM buckets WHERE name = ?", (bucket,)).fetchone()
        if row is None:
            raise bucket_not_found()
        return bool(json.loads(row["fields"]).get("versioning", {}).get("enabled"))
