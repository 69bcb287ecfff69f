"""What the table was: `bench/expected.json` holds each measure with a tolerance, and worse is a failure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.pictures.rows import Row

PATH = Path(__file__).resolve().parents[1] / "expected.json"
_ROOM = {"high": 0.03, "low": 0.15}
_LEAST_ROOM = {
    "PSNR": 1.5,
    "SSIM": 0.02,
    "pixels": 10.0,
    "characters": 3.0,
    "CER": 0.02,
    "colour": 0.5,
    "share": 0.03,
}


def worse(found: list[Row], run: str) -> list[str]:
    """The measures that are worse than expected of the named run, or are missing, each as a sentence."""
    expected: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8")).get(run, {})
    if not expected:
        return [f"Nothing is expected of a run {run!r}; --keep {run} writes it down."]
    measured = {row.measure: row for row in found}
    said = []
    for measure, known in expected.items():
        row = measured.get(measure)
        if row is None or row.ours is None:
            said.append(f"{measure} was not measured; {known['value']:.4g} was expected.")
            continue
        loss = (row.ours - known["value"]) * (1 if row.better == "low" else -1)
        if loss > known["tolerance"]:
            said.append(f"{measure} is {row.ours:.4g}; {known['value']:.4g} was expected.")
    return said


def keep(found: list[Row], run: str) -> None:
    """Write the rows down as what is expected of the named run from now on."""
    document = json.loads(PATH.read_text(encoding="utf-8")) if PATH.is_file() else {}
    document[run] = {
        row.measure: {"value": round(row.ours, 5), "tolerance": tolerance(row)}
        for row in found
        if row.ours is not None and row.better is not None
    }
    PATH.write_text(
        json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8"
    )


def tolerance(row: Row) -> float:
    """How much worse a row may be before it counts: some percent, and at least what noise does."""
    least = next((room for word, room in _LEAST_ROOM.items() if word in row.measure), 0.0)
    return round(max(least, abs(row.ours or 0) * _ROOM[row.better or "low"]), 5)
