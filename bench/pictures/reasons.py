"""Why a row of the table is not met: on which pages, what happened there, and the place as a picture."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from bench.pictures.baselines import BASELINES
from bench.pictures.measures.cost import SIZES, STAGES
from bench.pictures.measures.style import STYLES
from bench.pictures.pages import Case, draw
from bench.pictures.rows import Row
from bench.pictures.score import Record
from bench.pictures.subject import Outcome, outcome
from bench.pictures.truth import Page, Pixels

SHOWN = 12
_TALLEST = 120  # pixels of a place's picture, unless it is larger itself
_AROUND = 14
_ABOUT = {
    "grouping F1": "grouping",
    "residue, characters": "residue",
    "lines left standing": "standing",
    "outside, pixels": "outside",
    "overflow, pixels": "overflow",
    "illegible without a flag": "legible",
    "missing glyphs": "glyphs",
    "OCR-back CER": "back",
    "colour, median CIEDE2000": "colour",
    "names drawn as they are": "terms",
    "kept texts intact": "kept",
}


@dataclass(frozen=True)
class Reason:
    """What is not perfect on a page, and the corners of where it is, if it has a place."""

    record: Record
    said: str
    place: Sequence[Sequence[float]] | None = None


@lru_cache(maxsize=24)
def made_again(seed: int, *case: Any) -> tuple[Page, Outcome]:
    """A page and what the product made of it, from its record's case, target and fonts."""
    number, script, background, layout, target, own_fonts = case
    page = draw(Case(number, seed, script, background, layout, target, own_fonts))
    return page, outcome(page, page.recognition())


def of_record(record: Record, seed: int) -> tuple[Page, Outcome]:
    """A record's page and outcome."""
    return made_again(seed, *record["case"], record["target"], record["own_fonts"])


def unmet(records: list[Record], found: list[Row], seed: int, folder: Path) -> str:
    """A section for each row that is not met; pictures of the places go into `folder`."""
    parts = []
    for row in found:
        if row.met is not False:
            continue
        parts.append(f"<h3>Not met: {html.escape(row.measure)}</h3>")
        if row.measure.startswith("cost"):
            parts.append(_cost(records))
            continue
        reasons = of_row(row, records)
        parts += [_listed(reason, seed, folder) for reason in reasons[:SHOWN]]
        if len(reasons) > SHOWN:
            parts.append(f"<p>and {len(reasons) - SHOWN} more in pictures.json</p>")
    return "\n".join(parts)


def of_row(row: Row, records: list[Record]) -> list[Reason]:
    """What kept a row from its goal, the worst first where that can be told."""
    if row.measure.startswith("background"):
        return _losses(records, row.measure.split()[-1], "PSNR" in row.measure)
    if row.measure in _NUMBERS:
        return _by_number(records, _NUMBERS[row.measure])
    look = next((name for name in STYLES if row.measure.startswith(f"{name}, ")), None)
    about = "style" if look else _ABOUT.get(row.measure, "")
    found = [
        Reason(record, said, place)
        for record in records
        for said, place in _told(record, about)
        if look is None or said.startswith(f"{look}:")
    ]
    return sorted(found, key=lambda reason: -_counted(reason.said))


def _counted(said: str) -> int:
    """The number that a reason begins with, or 0."""
    count = re.match(r"\d+", said)
    return int(count[0]) if count else 0


def _told(record: Record, about: str) -> list[tuple[str, Any]]:
    said = record["why"].get(about, [])
    places = record.get("places", {}).get(about, [])
    return [(text, places[i] if i < len(places) else None) for i, text in enumerate(said)]


def _losses(records: list[Record], kind: str, signal: bool) -> list[Reason]:
    """Pages of a background on which a baseline is better, the worst first."""
    i = 0 if signal else 1
    losses = []
    for record in records:
        if record["case"][2] != kind or "erase" not in record["true"]:
            continue
        ours = record["true"]["erase"][i]
        name, best = max(((b, record["true"][f"erase {b}"][i]) for b in BASELINES), key=lambda pair: pair[1])
        if best > ours:
            losses.append((best - ours, Reason(record, f"{ours:.4g}, {name} {best:.4g}", ())))
    return [reason for _, reason in sorted(losses, key=lambda pair: -pair[0])]


def _recalled(record: Record) -> tuple[float, str] | None:
    hit, all_lines = record.get("recognition", {}).get("recall", (0, 0))[:2]
    return (all_lines - hit, f"{hit} of {all_lines} lines found") if hit < all_lines else None


def _remembered(record: Record) -> tuple[float, str] | None:
    peak = record["true"].get("memory", 0.0)
    return (peak, f"{peak:.2f} times the picture at {max(SIZES)} megapixels") if peak > 6 else None


def _called(record: Record) -> tuple[float, str] | None:
    made, least = record["true"].get("calls", (0, 0))
    return (made - least, f"{made} calls where {least} would do") if made > least else None


_Number = Callable[[Record], tuple[float, str] | None]
_NUMBERS: dict[str, _Number] = {
    "box recall, local engine": _recalled,
    "peak memory, times the picture": _remembered,
    "translation calls, times the fewest": _called,
}


def _by_number(records: list[Record], number: _Number) -> list[Reason]:
    found = [(told, record) for record in records if (told := number(record)) is not None]
    return [Reason(record, told[1]) for told, record in sorted(found, key=lambda pair: -pair[0][0])]


def _listed(reason: Reason, seed: int, folder: Path) -> str:
    said = f"<p>{html.escape(reason.record['name'])}: {html.escape(reason.said)}"
    if reason.place is None:
        return said
    page, made = of_record(reason.record, seed)
    shown = {"source": page.picture.rgb, "true blank": page.blank, "erased": made.erased, "ours": made.result}
    strip = side_by_side([cropped(pixels, reason.place) for pixels in shown.values()])
    file = folder / f"why-{len(list(folder.glob('why-*.png')))}.png"
    Image.fromarray(strip).save(file)
    return f'{said}<br><img class="strip" src="{folder.name}/{file.name}" title="{", ".join(shown)}">'


def cropped(pixels: Pixels, place: Sequence[Sequence[float]]) -> Pixels:
    """What a picture shows around a place; all of it for a place without corners."""
    if not len(place):
        return pixels
    corners = np.asarray(place, np.float64)
    left, top = np.clip(corners.min(axis=0) - _AROUND, 0, None).astype(int)
    right, bottom = np.ceil(corners.max(axis=0) + _AROUND).astype(int)
    # A place may lie beyond the edge altogether, where a box was wrong.
    left, top = min(left, pixels.shape[1] - 1), min(top, pixels.shape[0] - 1)
    return pixels[top : max(bottom, top + 1), left : max(right, left + 1)]


def side_by_side(pictures: Sequence[Pixels]) -> Pixels:
    """Pictures of one size beside each other, small ones enlarged."""
    scale = max(1, _TALLEST // pictures[0].shape[0])
    enlarged = [cv2.resize(p, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST) for p in pictures]
    gap = np.full((enlarged[0].shape[0], 6, 3), 255, np.uint8)
    return np.hstack([part for picture in enlarged for part in (picture, gap)][:-1]).astype(np.uint8)


def _cost(records: list[Record]) -> str:
    """Where the time goes, stage by stage, beside the floor's, and the dearest pages."""
    about = (
        "<p>Processor milliseconds a page. The floor is Pillow alone on the same file: it decodes, draws the "
        "same lines, and encodes. Erasing and setting have no counterpart in it.</p>"
    )
    parts = [about]
    for key, title in (("stages", "as drawn"), *((f"stages {n}", f"at {n} megapixels") for n in SIZES)):
        some = [record["true"][key] for record in records if key in record["true"]]
        if some:
            parts.append(_stages(some, f"{len(some)} pages {title}"))
    return "\n".join([*parts, _dearest(records)])


def _stages(some: list[Any], title: str) -> str:
    ours, floor = (
        {stage: 1000 * float(np.mean([stages[stage][side] for stages in some])) for stage in STAGES}
        for side in (0, 1)
    )
    whole, least = sum(ours.values()), sum(floor.values())
    lines = [
        f"<tr><td>{stage}<td>{ours[stage]:.1f}<td>{ours[stage] / whole:.0%}<td>{floor[stage]:.1f}"
        f"<td>{ours[stage] / least:.2f}"
        for stage in STAGES
    ]
    head = f"<table><tr><th>{title}<th>ours<th>share<th>floor<th>ours, times the whole floor"
    foot = f"<tr><th>all<th>{whole:.1f}<th><th>{least:.1f}<th>{whole / least:.2f}</table>"
    return "\n".join([head, *lines, foot])


def _dearest(records: list[Record]) -> str:
    measured = [record for record in records if "floor" in record["true"]]
    worst = sorted(measured, key=lambda record: -np.divide(*record["true"]["floor"]))[:SHOWN]
    lines = []
    for record in worst:
        ours, floor = record["true"]["floor"]
        spent = ", ".join(f"{stage} {1000 * record['true']['stages'][stage][0]:.0f}" for stage in STAGES)
        lines.append(
            f"<li>{html.escape(record['name'])} into {record['target']}: {ours / floor:.1f} times; "
            f"{spent} ms; {record['true']['drawn']} texts, {record['megapixels']:.2f} megapixels"
        )
    return f"<ul>{''.join(lines)}</ul>"
