"""The page one looks at: the table, the reasons for what is not met, and the worst pages as pictures."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.pictures.baselines import BASELINES
from bench.pictures.pages import Case, draw
from bench.pictures.rows import Row
from bench.pictures.score import Record
from bench.pictures.subject import outcome
from bench.pictures.truth import Pixels

WORST = 20
_REASONS = 12
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
}
_STYLE = """
body { font: 15px/1.4 sans-serif; margin: 2em auto; max-width: 1500px; color: #222 }
table { border-collapse: collapse } td, th { border: 1px solid #ccc; padding: 2px 8px; text-align: left }
.no { background: #fdd } .yes { background: #dfd } figure { display: inline-block; margin: 4px }
figcaption { font-size: 12px; color: #666 } img { max-width: 470px; max-height: 400px } li { font-size: 13px }
"""


def badness(record: Record) -> float:
    """How far a page is from perfect: each fault in a unit of about one thing that one would notice."""
    true: dict[str, Any] = record["true"]
    back = true.get("back", {"characters": 1, "errors": 0, "control": 0})
    intact, prices = true.get("terms", (0, 0))
    _, joined, parted = true.get("group", (0, 0, 0))
    ours = true.get("erase", (0.0, 0.0))[0]
    plain = [value[0] for name, value in true.items() if name.startswith("erase ")]
    return (
        true.get("residue", 0)
        + 5 * true.get("standing", 0)
        + true.get("outside", 0) / 10
        + true.get("overflow", 0) / 20
        + 5 * (true.get("legible", 0) + true.get("glyphs", 0) + prices - intact)
        + 20 * max(0, back["errors"] - back["control"]) / max(1, back["characters"])
        + sum(value > 5 for value in true.get("colour", ()))
        + joined
        + parted
        + max(0.0, max(plain, default=ours) - ours) / 3
    )


def write(path: Path, seed: int, records: list[Record], found: list[Row]) -> None:
    """Write the HTML at `path` and its pictures into a folder beside it."""
    folder = path.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    worst = sorted(records, key=badness, reverse=True)[:WORST]
    parts = [f"<h1>Pictures: seed {seed}, {len(records)} pages</h1>", _table(found), _reasons(records, found)]
    parts += [_case(record, seed, folder) for record in worst]
    head = f'<!doctype html><meta charset="utf-8"><title>Pictures</title><style>{_STYLE}</style>'
    path.write_text(head + "\n".join(parts), encoding="utf-8")


def _table(found: list[Row]) -> str:
    lines = ["<table><tr><th>measure<th>goal<th>ours<th>local engine<th>white box<th>median box"]
    for row in found:
        kind = {True: "yes", False: "no", None: ""}[row.met]
        plain = [row.baselines.get(name) for name in BASELINES]
        cells = "".join(f"<td>{_number(value)}" for value in (row.ours, row.local, *plain))
        lines.append(f'<tr class="{kind}"><td>{html.escape(row.measure)}<td>{html.escape(row.goal)}{cells}')
    return "\n".join(lines) + "</table>"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _reasons(records: list[Record], found: list[Row]) -> str:
    """For each row that is not met, the pages that did it and what happened there."""
    parts = []
    for row in found:
        if row.met is not False:
            continue
        about = _ABOUT.get(row.measure)
        said = [
            f"{record['name']}: {reason}"
            for record in records
            for reason in record["why"].get(about or "", ())
        ]
        if row.measure.startswith("background"):
            said = _losses(records, row.measure.split()[-1], "PSNR" in row.measure)
        listed = "".join(f"<li>{html.escape(reason)}" for reason in said[:_REASONS])
        more = f" ({len(said)} in all)" if len(said) > _REASONS else ""
        parts.append(f"<h3>Not met: {html.escape(row.measure)}{more}</h3><ul>{listed}</ul>")
    return "\n".join(parts)


def _losses(records: list[Record], kind: str, signal: bool) -> list[str]:
    """Pages of a background on which a baseline is better, the worst first."""
    i = 0 if signal else 1
    losses = []
    for record in records:
        if record["case"][2] != kind or "erase" not in record["true"]:
            continue
        ours = record["true"]["erase"][i]
        name, best = max(((b, record["true"][f"erase {b}"][i]) for b in BASELINES), key=lambda pair: pair[1])
        if best > ours:
            losses.append((best - ours, f"{record['name']}: {ours:.4g}, {name} {best:.4g}"))
    return [text for _, text in sorted(losses, reverse=True)]


def _case(record: Record, seed: int, folder: Path) -> str:
    number, script, background, layout = record["case"]
    page = draw(Case(number, seed, script, background, layout, record["target"], record["own_fonts"]))
    made = outcome(page, page.recognition())
    shown = {"source": page.picture.rgb, "true blank": page.blank, "erased": made.erased, "ours": made.result}
    shown |= {name: paint(page, made).result for name, paint in BASELINES.items()}
    figures = "".join(_figure(folder, page.name, name, pixels) for name, pixels in shown.items())
    said = [f"{what}: {reason}" for what, reasons in record["why"].items() for reason in reasons]
    listed = "".join(f"<li>{html.escape(reason)}" for reason in said[:_REASONS])
    title = f"{page.name} into {page.target}, JPEG {page.quality}, {page.angle:.0f} degrees"
    return f"<h2>{html.escape(title)}: {badness(record):.1f}</h2>{figures}<ul>{listed}</ul>"


def _figure(folder: Path, page: str, name: str, pixels: Pixels) -> str:
    file = folder / f"{page}-{name.replace(' ', '-')}.png"
    Image.fromarray(np.ascontiguousarray(pixels)).save(file)
    return f'<figure><img src="{folder.name}/{file.name}"><figcaption>{name}</figcaption></figure>'
