"""The bytes of objects and of unfinished uploads: one immutable file each, named by a random id.

A file counts only through the metadata row that names it, so a half-written file is never visible;
what a killed process left behind without a row is swept at the next start.
"""

import base64
import hashlib
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import google_crc32c

from local.storage.errors import bad_digest

BLOCK = 1 << 20


@dataclass(frozen=True)
class Digests:
    """Size in bytes and base64 checksums of a file; `md5` is None for composed objects, as in Google's."""

    size: int
    md5: str | None
    crc32c: str

    def verify(self, provided: dict[str, str]) -> None:
        """Compare with the client's own checksums (`md5`, `crc32c`); StorageError 400 when they differ."""
        if "md5" in provided and provided["md5"] != self.md5:
            raise bad_digest("MD5", provided["md5"], self.md5 or "")
        if "crc32c" in provided and provided["crc32c"] != self.crc32c:
            raise bad_digest("CRC32C", provided["crc32c"], self.crc32c)


class ContentStore:
    """Content files below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, content: str) -> Path:
        """Where the file of that id is."""
        return self.folder / content

    def create(self) -> str:
        """A new empty file's id."""
        content = secrets.token_hex(16)
        self.path(content).touch()
        return content

    def size(self, content: str) -> int:
        """Bytes in the file so far."""
        return self.path(content).stat().st_size

    def remove(self, content: str) -> None:
        """Forget the file; readers that have it open go on reading."""
        self.path(content).unlink(missing_ok=True)

    def duplicate(self, content: str) -> str:
        """A second id for the same bytes (a hard link, since content never changes)."""
        copy = secrets.token_hex(16)
        os.link(self.path(content), self.path(copy))
        return copy

    def concatenate(self, contents: Iterable[str]) -> str:
        """A new file of all the given ones, in order."""
        target = secrets.token_hex(16)
        with self.path(target).open("wb") as out:
            for content in contents:
                with self.path(content).open("rb") as source:
                    while block := source.read(BLOCK):
                        out.write(block)
        return target

    def digests(self, content: str) -> Digests:
        """Read the whole file and compute its checksums."""
        md5 = hashlib.md5(usedforsecurity=False)
        crc: Any = google_crc32c.Checksum()  # type: ignore[no-untyped-call]
        size = 0
        with self.path(content).open("rb") as file:
            while block := file.read(BLOCK):
                md5.update(block)
                crc.update(block)
                size += len(block)
        return Digests(size, base64.b64encode(md5.digest()).decode(), base64.b64encode(crc.digest()).decode())

    def sweep(self, keep: set[str]) -> None:
        """Remove every file that no metadata row names."""
        for file in self.folder.iterdir():
            if file.name not in keep:
                file.unlink()
