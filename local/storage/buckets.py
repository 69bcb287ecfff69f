"""Buckets and their stored configuration (lifecycle rules are kept, not carried out)."""

import json
import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.storage.database import transaction
from local.storage.errors import bucket_not_found, conflict, invalid, not_implemented
from local.storage.preconditions import Preconditions
from local.storage.resources import etag, merge, timestamp

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_WRITABLE = frozenset(
    {
        "cors",
        "iamConfiguration",
        "labels",
        "lifecycle",
        "location",
        "rpo",
        "softDeletePolicy",
        "storageClass",
        "versioning",
    }
)
_READ_ONLY = frozenset(
    {
        "etag",
        "generation",
        "id",
        "kind",
        "locationType",
        "metageneration",
        "name",
        "owner",
        "projectNumber",
        "selfLink",
        "timeCreated",
        "updated",
        "hardDeleteTime",
    }
)
_DEFAULTS: dict[str, Any] = {
    "location": "US",
    "storageClass": "STANDARD",
    "iamConfiguration": {
        "uniformBucketLevelAccess": {"enabled": True},
        "publicAccessPrevention": "inherited",
    },
}


@dataclass(frozen=True)
class Bucket:
    """One bucket; `fields` are its client-written properties, times are epoch seconds."""

    name: str
    metageneration: int
    fields: dict[str, Any]
    created: float
    updated: float
    generation: int = 1

    def resource(self, base: str) -> dict[str, Any]:
        """The `storage#bucket` resource."""
        return {
            "kind": "storage#bucket",
            "id": self.name,
            "selfLink": f"{base}/storage/v1/b/{self.name}",
            "name": self.name,
            "projectNumber": "0",
            "generation": str(self.generation),
            "metageneration": str(self.metageneration),
            "locationType": "region" if "-" in self.fields["location"] else "multi-region",
            "timeCreated": timestamp(self.created),
            "updated": timestamp(self.updated),
            "etag": etag(self.generation, self.metageneration),
            **self.fields,
        }


def _writable(given: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in given.items():
        if name in _WRITABLE:
            fields[name] = value
        elif name not in _READ_ONLY and value not in (None, [], {}, "", False):
            raise not_implemented(f"bucket property {name}")
    if isinstance(fields.get("location"), str):
        fields["location"] = fields["location"].upper()
    if not isinstance(fields.get("cors") or [], list):
        raise invalid("Invalid value for field cors")
    return fields


class BucketStore:
    """All buckets. Times come from `clock` (epoch seconds)."""

    def __init__(self, db: sqlite3.Connection, clock: Callable[[], float]) -> None:
        self.db = db
        self.clock = clock

    def create(self, body: Mapping[str, Any]) -> Bucket:
        """A new bucket; StorageError 400 for a bad name, 409 when it exists."""
        name = str(body.get("name", ""))
        if not _NAME.fullmatch(name):
            raise invalid(f"Invalid bucket name: {name!r}")
        fields = merge(_DEFAULTS, _writable(body))
        now = self.clock()
        try:
            row = (name, 1, json.dumps(fields), now, now)
            self.db.execute("INSERT INTO buckets VALUES (?, ?, ?, ?, ?)", row)
        except sqlite3.IntegrityError:
            message = "Your previous request to create the named bucket succeeded and you already own it."
            raise conflict(message, "BucketAlreadyOwnedByYou") from None
        return Bucket(name, 1, fields, now, now)

    def starting_with(self, prefix: str) -> list[Bucket]:
        """Buckets whose names start with the prefix, by name."""
        rows = self.db.execute("SELECT * FROM buckets ORDER BY name").fetchall()
        return [self._from_row(row) for row in rows if row["name"].startswith(prefix)]

    def get(self, name: str) -> Bucket:
        """The bucket; StorageError 404 when there is none."""
        row = self.db.execute("SELECT * FROM buckets WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise bucket_not_found()
        return self._from_row(row)

    def update(
        self, name: str, body: Mapping[str, Any], preconditions: Preconditions, *, whole: bool = False
    ) -> Bucket:
        """Patch (or with `whole` replace) the configuration; metageneration goes up by one."""
        bucket = self.get(name)
        preconditions.check(bucket)
        change = _writable(body)
        if change.get("location", bucket.fields["location"]) != bucket.fields["location"]:
            raise invalid("The location of a bucket cannot be changed.")
        kept = {**_DEFAULTS, "location": bucket.fields["location"]}
        fields = merge(kept if whole else bucket.fields, change)
        now = self.clock()
        self.db.execute(
            "UPDATE buckets SET fields = ?, metageneration = metageneration + 1, updated = ? WHERE name = ?",
            (json.dumps(fields), now, name),
        )
        return self.get(name)

    def delete(self, name: str, preconditions: Preconditions) -> None:
        """Remove an empty bucket with its notification configurations; StorageError 409 when not empty."""
        preconditions.check(self.get(name))
        with transaction(self.db):
            if self.db.execute("SELECT 1 FROM objects WHERE bucket = ? LIMIT 1", (name,)).fetchone():
                raise conflict("The bucket you tried to delete is not empty.", "BucketNotEmpty")
            self.db.execute("DELETE FROM notification_configs WHERE bucket = ?", (name,))
            self.db.execute("DELETE FROM sessions WHERE bucket = ?", (name,))
            self.db.execute("DELETE FROM buckets WHERE name = ?", (name,))

    @staticmethod
    def _from_row(row: sqlite3.Row) -> Bucket:
        fields = json.loads(row["fields"])
        return Bucket(row["name"], row["metageneration"], fields, row["created"], row["updated"])
