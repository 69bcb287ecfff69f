"""The page one looks at: the table, the reasons for what is not met, and the worst pages as pictures."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.pictures.baselines import BASELINES
from bench.pictures.reasons import SHOWN, of_record, unmet
from bench.pictures.rows import Row
from bench.pictures.score import Record
from bench.pictures.truth import Pixels

WORST = 20
_STYLE = """
body { font: 15px/1.4 sans-serif; margin: 2em auto; max-width: 1500px; color: #222 }
table { border-collapse: collapse } td, th { border: 1px solid #ccc; padding: 2px 8px; text-align: left }
.no { background: #fdd } .yes { background: #dfd } figure { display: inline-block; margin: 4px }
figcaption { font-size: 12px; color: #666 } img { max-width: 470px; max-height: 400px }
img.strip { max-width: 100%; border: 1px solid #ccc } li { font-size: 13px }
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
    parts = [f"<h1>Pictures: seed {seed}, {len(records)} pages</h1>", _table(found)]
    parts += [unmet(records, found, seed, folder), f"<h1>The {len(worst)} worst pages</h1>"]
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


def _case(record: Record, seed: int, folder: Path) -> str:
    page, made = of_record(record, seed)
    shown = {"source": page.picture.rgb, "true blank": page.blank, "erased": made.erased, "ours": made.result}
    shown |= {name: paint(page, made).result for name, paint in BASELINES.items()}
    figures = "".join(_figure(folder, page.name, name, pixels) for name, pixels in shown.items())
    said = [f"{what}: {reason}" for what, reasons in record["why"].items() for reason in reasons]
    listed = "".join(f"<li>{html.escape(reason)}" for reason in said[:SHOWN])
    title = f"{page.name} into {page.target}, JPEG {page.quality}, {page.angle:.0f} degrees"
    return f"<h2>{html.escape(title)}: {badness(record):.1f}</h2>{figures}<ul>{listed}</ul>"


def _figure(folder: Path, page: str, name: str, pixels: Pixels) -> str:
    file = folder / f"{page}-{name.replace(' ', '-')}.png"
    Image.fromarray(np.ascontiguousarray(pixels)).save(file)
    return f'<figure><img src="{folder.name}/{file.name}"><figcaption>{name}</figcaption></figure>'
