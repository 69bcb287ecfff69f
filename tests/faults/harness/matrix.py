"""All rows, by number."""

from __future__ import annotations

import importlib
from pathlib import Path

from tests.faults.harness.rows import ROWS, Row

_FOLDER = Path(__file__).resolve().parents[1] / "rows"


def matrix() -> dict[int, Row]:
    """Every row that a file in `rows/` holds, in the order of their numbers."""
    for path in sorted(_FOLDER.glob("*.py")):
        importlib.import_module(f"tests.faults.rows.{path.stem}")
    return dict(sorted(ROWS.items()))


def chosen(text: str) -> list[int]:
    """The rows that `1-5,9` names; all of them for an empty text. ValueError for one that is not there."""
    known = list(matrix())
    if not text:
        return known
    numbers: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        numbers |= set(range(int(first), int(last or first) + 1))
    unknown = numbers - set(known)
    if unknown:
        raise ValueError(f"there are no rows {sorted(unknown)}")
    return sorted(numbers)
