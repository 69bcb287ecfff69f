"""The picture bench: python -m bench.pictures [--pages N] [--seed S] [--only ROWS] [--scripts …] [--jobs N].

Draws pages, lets the product translate them, and prints one table; build/bench/pictures.json holds it, and
build/bench/pictures.html shows the worst pages.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from bench.pictures import expected, report
from bench.pictures.backgrounds import BACKGROUNDS
from bench.pictures.layouts import LAYOUTS
from bench.pictures.pages import Case, cases
from bench.pictures.rows import Row, rows
from bench.pictures.score import EVERYTHING, Record, score
from bench.pictures.scripts import MANIFEST, OTHER_FONTS, ROOT, scripts

OUT = ROOT / "build" / "bench"
FULL = 480


def chosen(options: argparse.Namespace) -> list[Case]:
    """The cases that the command line asks for: the first so many that fit its filters."""
    wanted = [
        case
        for case in cases(options.seed, FULL * 2, options.own_fonts)
        if _among(case.script, options.scripts)
        and _among(case.layout, options.layouts)
        and _among(case.background, options.backgrounds)
    ]
    return wanted[: options.pages]


def _among(name: str, names: list[str] | None) -> bool:
    return not names or name in names


def _one(task: tuple[Case, frozenset[str]]) -> Record:
    case, only = task
    started = time.time()
    try:
        record = score(case, only)
    except Exception as error:
        error.add_note(f"on page {case.name} of seed {case.seed}")
        raise
    record["took"] = round(time.time() - started, 2)
    return record


def measured(listed: list[Case], only: frozenset[str], jobs: int) -> list[Record]:
    """The records of cases, in their order, from `jobs` processes."""
    tasks = [(case, only) for case in listed]
    if jobs == 1:
        return [_one(task) for task in tasks]
    found = []
    with multiprocessing.get_context("spawn").Pool(jobs, initializer=_alone) as pool:
        for record in pool.imap(_one, tasks):
            found.append(record)
            if sys.stderr.isatty() or len(found) % 20 == 0:
                print(f"{len(found)} of {len(tasks)} pages", file=sys.stderr, flush=True)
    return found


def _alone() -> None:
    """One core for each process: what libraries would spread over all."""
    import cv2

    os.environ["OMP_THREAD_LIMIT"] = "1"
    cv2.setNumThreads(1)


def table(found: list[Row]) -> str:
    """The rows as text."""
    lines = [f"{'measure':<30} {'ours':>9} {'local':>9} {'white':>9} {'median':>9}  met  goal"]
    for row in found:
        plain = [row.baselines.get(name) for name in ("white box", "median box")]
        numbers = " ".join(f"{_short(value):>9}" for value in (row.ours, row.local, *plain))
        met = {True: "yes", False: "NO ", None: "-  "}[row.met]
        lines.append(f"{row.measure:<30} {numbers}  {met}  {row.goal}")
    return "\n".join(lines)


def _short(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value == int(value) and abs(value) > 1 else f"{value:.4g}"


def written(options: argparse.Namespace, records: list[Record], found: list[Row], took: float) -> Path:
    """Write the JSON of a run; gives its path."""
    OUT.mkdir(parents=True, exist_ok=True)
    counts = Counter("/".join(record["case"][1:]) for record in records)
    document = {
        "seed": options.seed,
        "cases": len(records),
        "rows": [row.as_json() for row in found],
        "seconds": round(took, 1),
        "other_fonts": OTHER_FONTS.is_dir() and not options.own_fonts,
        "cells": dict(sorted(counts.items())),
        "vertical": sum(record["vertical"] for record in records),
        "pages": records,
    }
    path = OUT / "pictures.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False, default=float), encoding="utf-8")
    return path


def arguments(given: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.pictures", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--pages", type=int, default=FULL, help="how many; all cells once by default")
    parser.add_argument("--seed", type=int, default=int(datetime.now(UTC).strftime("%Y%m%d")))
    parser.add_argument("--only", nargs="+", choices=EVERYTHING, metavar="ROWS", help=", ".join(EVERYTHING))
    parser.add_argument("--scripts", nargs="+", choices=list(scripts()))
    parser.add_argument("--layouts", nargs="+", choices=list(LAYOUTS))
    parser.add_argument("--backgrounds", nargs="+", choices=list(BACKGROUNDS))
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument(
        "--report", action="store_true", help="write the HTML page of a part of the rows, too"
    )
    parser.add_argument(
        "--check", metavar="RUN", help="fail where bench/expected.json has better for this run"
    )
    parser.add_argument("--keep", metavar="RUN", help="write the table into bench/expected.json for this run")
    parser.add_argument("--own-fonts", action="store_true", help="draw with the product's typefaces only")
    parser.add_argument("--why", action="store_true", help="name the cases of what is not perfect")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> int:
    """Run the command."""
    options = arguments(given)
    if not (options.own_fonts or OTHER_FONTS.is_dir()):
        print(f"Only the product's own fonts: python -m tools.fonts --to {OTHER_FONTS} --of {MANIFEST}")
    started = time.time()
    only = frozenset(options.only or EVERYTHING)
    records = measured(chosen(options), only, options.jobs)
    found = rows(records)
    path = written(options, records, found, time.time() - started)
    print(table(found))
    if options.why:
        for record in records:
            for what, reasons in record["why"].items():
                for reason in reasons:
                    print(f"{record['name']} {what}: {reason}")
    print(f"seed {options.seed}, {len(records)} pages, {time.time() - started:.0f} s, {path}")
    if options.report or not options.only:
        report.write(OUT / "pictures.html", options.seed, records, found)
        print(OUT / "pictures.html")
    if options.keep:
        expected.keep(found, options.keep)
    said = expected.worse(found, options.check) if options.check else []
    print("\n".join(said))
    return 1 if said else 0
