"""Notices that a function's code changed on disk, cheaply enough to ask before each request."""

from __future__ import annotations

import os
import time
from pathlib import Path

_SUFFIXES = (".py", ".yaml", ".json", ".html", ".mako")
_ASK_AGAIN_AFTER = 0.5


class SourceStamp:
    """The newest change under some folders: a number that differs when any file changed, came or went."""

    def __init__(self, folders: list[Path]) -> None:
        self._folders = folders
        self._seen = 0
        self._asked = -1e9

    def read(self) -> int:
        """The stamp as it is now, at most half a second old."""
        if time.monotonic() - self._asked > _ASK_AGAIN_AFTER:
            self._seen = hash(tuple(entry for folder in self._folders for entry in _walk(str(folder))))
            self._asked = time.monotonic()
        return self._seen


def _walk(folder: str) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return found
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            if entry.name != "__pycache__":
                found += _walk(entry.path)
        elif entry.name.endswith(_SUFFIXES):
            found.append((entry.path, entry.stat().st_mtime_ns))
    return found
