"""What a version of an object is, and its JSON API resource."""

import base64
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import quote

from local.storage.content import Digests
from local.storage.errors import invalid, not_implemented

WRITABLE = frozenset(
    {
        "cacheControl",
        "contentDisposition",
        "contentEncoding",
        "contentLanguage",
        "contentType",
        "customTime",
        "metadata",
        "storageClass",
    }
)
# Sent back by clients that save what they read; the service ignores them in a write.
READ_ONLY = frozenset(
    {
        "bucket",
        "componentCount",
        "crc32c",
        "etag",
        "generation",
        "id",
        "kind",
        "md5Hash",
        "mediaLink",
        "metageneration",
        "name",
        "owner",
        "selfLink",
        "size",
        "timeCreated",
        "timeDeleted",
        "timeFinalized",
        "timeStorageClassUpdated",
        "updated",
    }
)
STORAGE_CLASSES = ("STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE")


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC with milliseconds, from seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def etag(generation: int, metageneration: int) -> str:
    """An opaque tag that changes with content or metadata."""
    return base64.b64encode(f"{generation}/{metageneration}".encode()).decode()


@dataclass(frozen=True)
class ObjectVersion:
    """One generation of an object; `fields` are its client-written properties, times are epoch seconds."""

    bucket: str
    name: str
    generation: int
    metageneration: int
    live: bool
    content: str
    digests: Digests
    components: int | None
    fields: dict[str, Any]
    created: float
    updated: float
    deleted: float | None

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Self:
        """From a row of table `objects`."""
        return cls(
            bucket=row["bucket"],
            name=row["name"],
            generation=row["generation"],
            metageneration=row["metageneration"],
            live=bool(row["live"]),
            content=row["content"],
            digests=Digests(row["size"], row["md5"], row["crc32c"]),
            components=row["components"],
            fields=json.loads(row["fields"]),
            created=row["created"],
            updated=row["updated"],
            deleted=row["deleted"],
        )

    @property
    def etag(self) -> str:
        """The JSON API's entity tag."""
        return etag(self.generation, self.metageneration)

    def resource(self, base: str) -> dict[str, Any]:
        """The `storage#object` resource; `base` is the emulator's URL, for its links."""
        path = f"/storage/v1/b/{self.bucket}/o/{quote(self.name, safe='~')}"
        resource: dict[str, Any] = {
            "kind": "storage#object",
            "id": f"{self.bucket}/{self.name}/{self.generation}",
            "selfLink": f"{base}{path}",
            "mediaLink": f"{base}/download{path}?generation={self.generation}&alt=media",
            "name": self.name,
            "bucket": self.bucket,
            "generation": str(self.generation),
            "metageneration": str(self.metageneration),
            "storageClass": "STANDARD",
            "size": str(self.digests.size),
            "crc32c": self.digests.crc32c,
            "etag": self.etag,
            "timeCreated": timestamp(self.created),
            "timeFinalized": timestamp(self.created),
            "timeStorageClassUpdated": timestamp(self.created),
            "updated": timestamp(self.updated),
            **self.fields,
        }
        if self.digests.md5:
            resource["md5Hash"] = self.digests.md5
        if self.components:
            resource["componentCount"] = self.components
        if self.deleted is not None:
            resource["timeDeleted"] = timestamp(self.deleted)
        return resource


def writable_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """The client-written properties of an object body; None values stay (a patch removes by null).

    Raises StorageError 400 for malformed values, 501 for properties the emulator does not honour.
    """
    fields: dict[str, Any] = {}
    for name, value in given.items():
        if name in WRITABLE:
            fields[name] = value
        elif name not in READ_ONLY and value not in (None, [], {}, ""):
            # An empty ACL is what the client sends after a copy: it changes nothing.
            raise not_implemented(f"object property {name}")
    metadata = fields.get("metadata")
    if metadata is not None and not (
        isinstance(metadata, dict) and all(v is None or isinstance(v, str) for v in metadata.values())
    ):
        raise invalid("Invalid value for field metadata: keys and values must be strings")
    if fields.get("storageClass") not in (None, *STORAGE_CLASSES):
        raise invalid(f"Invalid storage class {fields['storageClass']!r}")
    return fields


def merge(current: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """JSON merge patch (RFC 7396): null removes, objects merge, everything else replaces."""
    merged = dict(current)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping):
            inner = merged.get(name)
            merged[name] = merge(inner if isinstance(inner, Mapping) else {}, value)
        else:
            merged[name] = value
    return merged


def object_name(name: str) -> str:
    """The name, if it may name an object (1 to 1024 bytes of UTF-8, one line); else StorageError 400."""
    if not 1 <= len(name.encode()) <= 1024 or "\r" in name or "\n" in name or name in (".", ".."):
        raise invalid(f"Invalid object name: {name!r}")
    return name
