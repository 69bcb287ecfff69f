"""A zip file written from its beginning to its end, with no more in memory than a part of one file.

What is in it, it lists itself: `manifest.json`, the last of its files, has the size and SHA-256 of each. The
directory at the end of a zip file is kept in memory while it is written, so there is a limit to the files.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from io import RawIOBase
from typing import IO, Any, Final, Protocol

MANIFEST: Final = "manifest.json"
MOST_ENTRIES: Final = 20_000


class Sink(Protocol):
    """Where the file goes, some bytes at a time."""

    def write(self, data: bytes, /) -> int:
        """Take bytes."""


class Archive:
    """One zip file."""

    def __init__(self, sink: Sink, at: datetime):
        """`at` is the time that all of its files carry."""
        self._counted = _Counted(sink)
        self._zip = zipfile.ZipFile(self._counted, "w", zipfile.ZIP_DEFLATED)
        self._at = at.timetuple()[:6]
        self._entries: list[tuple[str, int, str]] = []

    @property
    def entries(self) -> int:
        """How many files there are in it."""
        return len(self._entries)

    @property
    def size(self) -> int:
        """How much was written of it."""
        return self._counted.bytes

    @property
    def sha256(self) -> str:
        """Of what was written of it."""
        return self._counted.digest.hexdigest()

    def add(self, name: str, parts: Iterable[bytes], *, packed: bool = False) -> None:
        """Add a file. One that is `packed` already, such as a picture, is not compressed once more."""
        digest, size = hashlib.sha256(), 0
        with self._open(name, packed=packed) as file:
            for part in parts:
                file.write(part)
                digest.update(part)
                size += len(part)
        self._entries.append((name, size, digest.hexdigest()))

    def close(self, **facts: Any) -> None:
        """Add the manifest, with `facts` in it, and write the directory."""
        with self._open(MANIFEST, packed=False) as file:
            for part in self._manifest(facts):
                file.write(part)
        self._zip.close()

    def _manifest(self, facts: dict[str, Any]) -> Iterator[bytes]:
        yield json.dumps(facts, indent=1)[:-2].encode() + b',\n "files": [\n'
        for number, (name, size, digest) in enumerate(self._entries):
            entry = json.dumps({"name": name, "bytes": size, "sha256": digest}, ensure_ascii=False)
            yield (b"  " if number == 0 else b",\n  ") + entry.encode()
        yield b"\n ]\n}\n"

    @contextmanager
    def _open(self, name: str, *, packed: bool) -> Iterator[IO[bytes]]:
        info = zipfile.ZipInfo(name, self._at)
        info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        # Its size is not known before it is written, so it may turn out to need 64 bits.
        with self._zip.open(info, "w", force_zip64=True) as file:
            yield file


class _Counted(RawIOBase):
    """Counts and hashes what passes through. It cannot be sought in, so each file's size follows it."""

    def __init__(self, sink: Sink):
        self._sink = sink
        self.bytes = 0
        self.digest = hashlib.sha256()

    def write(self, data: Any, /) -> int:
        part = bytes(data)
        self._sink.write(part)
        self.bytes += len(part)
        self.digest.update(part)
        return len(part)

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False
