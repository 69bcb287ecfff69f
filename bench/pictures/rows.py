"""From the pages' records to the table: each measure with its goal and whether it is met."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from bench.pictures.measures.cost import SIZES
from bench.pictures.measures.style import STYLES
from bench.pictures.score import Record

Value = float | None


@dataclass
class Row:
    """One line of the table. `met` is None where there is no goal. `better` is `low`, `high` or None."""

    measure: str
    goal: str
    ours: Value
    met: bool | None
    better: str | None
    baselines: dict[str, Value] = field(default_factory=dict)
    local: Value = None

    def as_json(self) -> dict[str, Any]:
        """The row as it is written down."""
        return asdict(self)


def rows(records: list[Record]) -> list[Row]:
    """The table of a run."""
    found = [*_layout(records), *_backgrounds(records), *_drawn(records), *_reading(records), *_cost(records)]
    return [row for row in found if row.ours is not None]


def _values(records: Iterable[Record], part: str, name: str) -> list[Any]:
    return [r[part][name] for r in records if part in r and name in r[part]]


def _total(records: list[Record], part: str, name: str) -> Value:
    values = _values(records, part, name)
    return float(sum(values)) if values else None


def _layout(records: list[Record]) -> list[Row]:
    true, local = (_f1(_values(records, part, "group")) for part in ("true", "local"))
    ordered = [_share(_values(records, part, "order")) for part in ("true", "local")]
    recall = _values(records, "recognition", "recall")
    counted, all_lines = _share([r[:2] for r in recall]), _share([r[2:] for r in recall])
    return [
        Row("box recall, local engine", ">= 0.98", counted, _met(counted, lambda v: v >= 0.98), "high"),
        Row("box recall, all lines", "reported", all_lines, None, "high"),
        Row("grouping F1", ">= 0.97", true, _met(true, lambda v: v >= 0.97), "high", local=local),
        Row("reading order", "reported", ordered[0], None, "high", local=ordered[1]),
    ]


def _met(value: Value, test: Callable[[float], bool]) -> bool | None:
    return None if value is None else test(value)


def _f1(counts: list[list[int]]) -> Value:
    if not counts:
        return None
    right, joined, parted = np.sum(counts, axis=0)
    return float(2 * right / (2 * right + joined + parted)) if right + joined + parted else 1.0


def _share(counts: list[Any]) -> Value:
    if not counts:
        return None
    part, whole = np.sum(counts, axis=0)
    return float(part / whole) if whole else None


def _backgrounds(records: list[Record]) -> list[Row]:
    """Error inside the masks by kind of ground: never worse than both baselines, on most better than each."""
    by_kind: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_kind[record["case"][2]].append(record)
    found = []
    for kind, some in sorted(by_kind.items()):
        for i, name in enumerate(("PSNR", "SSIM")):
            ours, local = (_mean(_values(some, part, "erase"), i) for part in ("true", "local"))
            plain = {b: _mean(_values(some, "true", f"erase {b}"), i) for b in ("white box", "median box")}
            if ours is None:
                continue
            known = [value for value in plain.values() if value is not None]
            met = ours >= min(known) if kind == "flat" else ours > max(known)
            goal = "not below both" if kind == "flat" else "above both"
            found.append(Row(f"background {name} {kind}", goal, ours, met, "high", plain, local))
    return found


def _mean(values: list[Any], i: int) -> Value:
    return float(np.mean([v[i] for v in values])) if values else None


def _drawn(records: list[Record]) -> list[Row]:
    found = []
    for name, label in (
        ("residue", "residue, characters"),
        ("standing", "lines left standing"),
        ("outside", "outside, pixels"),
        ("overflow", "overflow, pixels"),
        ("legible", "illegible without a flag"),
        ("glyphs", "missing glyphs"),
    ):
        ours, local = (_total(records, part, name) for part in ("true", "local"))
        found.append(Row(label, "0", ours, _met(ours, lambda v: v == 0), "low", local=local))
    flagged, drawn = _total(records, "true", "flagged"), _total(records, "true", "drawn")
    share = None if flagged is None or not drawn else flagged / drawn
    found.append(Row("small and flagged, share", "reported", share, None, "low", local=None))
    colours = [_median(_values(records, part, "colour")) for part in ("true", "local")]
    met = _met(colours[0], lambda v: v <= 5)
    found.append(Row("colour, median CIEDE2000", "<= 5", colours[0], met, "low", local=colours[1]))
    found += [row for name in STYLES for row in _style(records, name)]
    kept, kept_local = (_share(_values(records, part, "terms")) for part in ("true", "local"))
    found.append(Row("kept texts intact", "1", kept, _met(kept, lambda v: v == 1), "high", local=kept_local))
    names = _share(_values(records, "true", "names"))
    found.append(Row("names drawn as they are", "1", names, _met(names, lambda v: v == 1), "high"))
    return found


def _style(records: list[Record], name: str) -> list[Row]:
    """Of a look that is claimed how much is true, and of one that is there how much is found."""
    found = []
    for label, least, which in (("precision", 0.95, 1), ("recall", 0.8, 2)):
        true, local = (
            _share([(c[name][0], c[name][which]) for c in _values(records, part, "style")])
            for part in ("true", "local")
        )
        met = None if true is None else true >= least
        found.append(Row(f"{name}, {label}", f">= {least}", true, met, "high", local=local))
    return found


def _median(lists: list[list[float]]) -> Value:
    values = [value for some in lists for value in some]
    return float(np.median(values)) if values else None


def _reading(records: list[Record]) -> list[Row]:
    found = []
    back = _values(records, "true", "back")
    if back:
        characters, wrong, plain = (sum(b[k] for b in back) for k in ("characters", "errors", "control"))
        ours, floor = wrong / max(1, characters), plain / max(1, characters)
        baselines = {name: _plain_cer(records, name) for name in ("white box", "median box")}
        goal = f"<= {0.02 + floor:.4f} (0.02 + engine's own {floor:.4f})"
        found.append(Row("OCR-back CER", goal, ours, ours <= 0.02 + floor, "low", baselines))
        for script in sorted({r["target"] for r in records}):
            some = [r["true"]["back"] for r in records if r["target"] == script and "back" in r["true"]]
            characters, wrong, plain = (sum(b[k] for b in some) for k in ("characters", "errors", "control"))
            if characters:
                goal = f"reported; engine's own {plain / characters:.4f}"
                found.append(Row(f"OCR-back CER into {script}", goal, wrong / characters, None, "low"))
    for script in sorted({r["case"][1] for r in records}):
        some = [r["recognition"] for r in records if r["case"][1] == script and "recognition" in r]
        characters = sum(r["characters"] for r in some)
        if characters:
            cer = sum(r["errors"] for r in some) / characters
            found.append(Row(f"CER of recognition {script}", "reported", cer, None, "low"))
    return found


def _plain_cer(records: list[Record], name: str) -> Value:
    some = [r["baselines"][name] for r in records if r.get("baselines", {}).get(name)]
    characters = sum(r["characters"] for r in some)
    return sum(r["errors"] for r in some) / characters if characters else None


def _cost(records: list[Record]) -> list[Row]:
    rates = [r["true"]["seconds"] * 1000 / r["megapixels"] for r in records if "seconds" in r["true"]]
    ratio = _ratio(_values(records, "true", "floor"))
    peak = max(_values(records, "true", "memory"), default=None)
    made, least = (sum(pair[k] for pair in _values(records, "true", "calls")) for k in (0, 1))
    calls = made / least if least else None
    return [
        Row("translation calls, times the fewest", "1", calls, _met(calls, lambda v: v == 1), "low"),
        Row("cost, ms per megapixel", "reported", float(np.median(rates)) if rates else None, None, None),
        Row("cost, times the floor", "<= 1.5", ratio, _met(ratio, lambda v: v <= 1.5), None),
        *(
            Row(
                f"… at {n} megapixels", "reported", _ratio(_values(records, "true", f"floor {n}")), None, None
            )
            for n in SIZES
        ),
        Row("peak memory, times the picture", "<= 6", peak, _met(peak, lambda v: v <= 6), "low"),
    ]


def _ratio(pairs: list[tuple[float, float]]) -> Value:
    """All that was spent over all of the floor."""
    return sum(ours for ours, _ in pairs) / sum(floor for _, floor in pairs) if pairs else None
