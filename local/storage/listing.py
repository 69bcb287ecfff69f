"""Listing objects: prefix, delimiter, offsets, versions and paging, ordered by the names' UTF-8 bytes."""

import base64
import binascii
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field

from local.storage.errors import invalid, not_implemented
from local.storage.preconditions import whole_number
from local.storage.resources import ObjectVersion

_LAST = "\U0010ffff"
_REFUSED = ("matchGlob", "filter", "softDeleted", "includeFoldersAsPrefixes")


@dataclass
class Page:
    """One page: versions, common prefixes, and the token of the next page (None on the last)."""

    versions: list[ObjectVersion] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    token: str | None = None

    def __len__(self) -> int:
        """Entries that count towards the page size."""
        return len(self.versions) + len(self.prefixes)


def _encode(name: str, generation: int) -> str:
    return base64.urlsafe_b64encode(f"{generation}/{name}".encode()).decode()


def _decode(token: str) -> tuple[str, int]:
    try:
        generation, _, name = base64.urlsafe_b64decode(token.encode()).decode().partition("/")
        return name, int(generation)
    except (binascii.Error, ValueError) as error:
        raise invalid("Invalid pageToken") from error


@dataclass(frozen=True)
class Listing:
    """What one list request asks for."""

    bucket: str
    prefix: str = ""
    delimiter: str = ""
    start: str = ""
    end: str = ""
    versions: bool = False
    trailing: bool = False
    size: int = 1000
    token: str = ""

    @classmethod
    def from_query(cls, bucket: str, query: Mapping[str, str]) -> "Listing":
        """From the JSON API's parameters; StorageError 400 or 501."""
        for name in _REFUSED:
            if query.get(name, "").lower() not in ("", "false"):
                raise not_implemented(f"objects.list with {name}")
        size = whole_number("maxResults", query.get("maxResults"))
        return cls(
            bucket=bucket,
            prefix=query.get("prefix", ""),
            delimiter=query.get("delimiter", ""),
            start=query.get("startOffset", ""),
            end=query.get("endOffset", ""),
            versions=query.get("versions", "").lower() == "true",
            trailing=query.get("includeTrailingDelimiter", "").lower() == "true",
            size=min(size or 1000, 1000),
            token=query.get("pageToken", ""),
        )

    def page(self, db: sqlite3.Connection) -> Page:
        """The next page from the page token on (or from the start)."""
        page = Page()
        name, generation = _decode(self.token) if self.token else (max(self.prefix, self.start), -1)
        while (version := self._next(db, name, generation)) is not None:
            if len(page) == self.size:
                page.token = _encode(name, generation)
                break
            name, generation = version.name, version.generation
            common = self._common(version.name)
            if common:
                page.prefixes.append(common)
            if not common or (self.trailing and version.name == common):
                page.versions.append(version)
            if common:
                name, generation = common + _LAST, 0
        return page

    def _next(self, db: sqlite3.Connection, name: str, generation: int) -> ObjectVersion | None:
        """The first version after that position which belongs to the listing."""
        row = db.execute(
            "SELECT * FROM objects WHERE bucket = ? AND (name, generation) > (?, ?) AND (live = 1 OR ?)"
            " ORDER BY name, generation LIMIT 1",
            (self.bucket, name, generation, self.versions),
        ).fetchone()
        if row is None or not row["name"].startswith(self.prefix) or (self.end and row["name"] >= self.end):
            return None
        return ObjectVersion.from_row(row)

    def _common(self, name: str) -> str:
        """The name up to the first delimiter behind the prefix, or nothing."""
        if not self.delimiter:
            return ""
        rest = name[len(self.prefix) :]
        head, delimiter, _ = rest.partition(self.delimiter)
        return self.prefix + head + delimiter if delimiter else ""
