"""What an engine was asked to do, counted in a file that a test or the console can read."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any


class Counters:
    """Counts in `folder/counters/name.json`: `{"calls": {method: n}, unit: n, ...}`.

    Counting goes on from what the file holds. An unreadable file counts from nothing: it is only a record.
    """

    def __init__(self, folder: Path, name: str, units: tuple[str, ...]) -> None:
        self._path = folder / "counters" / f"{name}.json"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._units = units
        self._counts = self._load()
        self._save()

    def _load(self) -> dict[str, Any]:
        counts: dict[str, Any] = {"calls": {}, **dict.fromkeys(self._units, 0)}
        try:
            known = json.loads(self._path.read_text())
            counts["calls"] = {str(k): int(v) for k, v in known["calls"].items()}
            counts |= {unit: int(known[unit]) for unit in self._units}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass
        return counts

    def add(self, method: str, **amounts: int) -> None:
        """Count one call of `method` and the units it used; the file is replaced at once."""
        with self._lock:
            calls = self._counts["calls"]
            calls[method] = calls.get(method, 0) + 1
            for unit, amount in amounts.items():
                self._counts[unit] += amount
            self._save()

    def _save(self) -> None:
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(self._counts))
        os.replace(part, self._path)
