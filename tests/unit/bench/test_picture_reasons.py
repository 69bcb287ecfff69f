"""The page that one looks at says why a goal is not met, and the table notices what became worse."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bench.pictures import expected, reasons
from bench.pictures.measures.style import STYLES
from bench.pictures.pages import Case, draw
from bench.pictures.rows import Row, rows
from bench.pictures.score import EVERYTHING, PLACES, measured
from bench.pictures.subject import outcome

MEASURED = frozenset(EVERYTHING) - {"back", "residue", "cost", "recognition", "local", "baselines"}
PLACE = [[10, 10], [60, 10], [60, 30], [10, 30]]


@pytest.fixture(scope="module")
def record():
    page = draw(Case(7, 1, "Latin", "paper", "table", "Cyrillic"))
    why: dict[str, object] = {}
    true = measured(page, outcome(page, page.recognition()), MEASURED, why)
    places = why.pop(PLACES, {})
    case = [7, "Latin", "paper", "table"]
    return {
        "name": page.name,
        "case": case,
        "own_fonts": False,
        "target": "Cyrillic",
        "megapixels": 1.0,
        "true": true,
        "why": why,
        "places": places,
    }


def planted(record):
    """The record with something wrong in every row that has a goal."""
    stages = {"decode": (4, 4), "erase": (40, 0), "set": (20, 0), "draw": (9, 1), "encode": (6, 5)}
    true = record["true"] | {
        "group": (1, 1, 1),
        "residue": 4,
        "standing": 1,
        "outside": 3,
        "overflow": 7,
        "legible": 1,
        "glyphs": 1,
        "colour": [9.0],
        "back": {"characters": 10, "errors": 9, "control": 0},
        "terms": (1, 2),
        "names": (0, 1),
        "style": {name: [0, 1, 1] for name in STYLES},
        "calls": (2, 1),
        "seconds": 0.1,
        "stages": stages,
        "floor": (79, 10),
        "memory": 7.0,
        "erase": (1.0, 0.1),
    }
    about = ("grouping", "residue", "standing", "overflow", "legible", "back", "colour", "kept")
    why = {name: ["what happened"] for name in (*about, "outside", "glyphs", "terms")}
    why["style"] = [f"{name}: True for False" for name in STYLES]
    places = {name: [PLACE] for name in about} | {"style": [PLACE] * len(STYLES)}
    recognition = {"recall": (1, 2, 1, 2), "characters": 5, "errors": 1}
    return record | {"true": true, "why": why, "places": places, "recognition": recognition}


def test_every_goal_that_is_missed_has_a_reason(record):
    bad = planted(record)
    missed = [row for row in rows([bad]) if row.met is False and not row.measure.startswith("cost")]
    assert len(missed) > 14
    for row in missed:
        assert reasons.of_row(row, [bad]), row.measure


def test_the_worst_comes_first(record):
    bad = planted(record)
    bad["why"] = bad["why"] | {"back": ["2 > 0: 'a'", "19 > 3: 'b'", "4 > 0: 'c'"]}
    bad["places"] = bad["places"] | {"back": [PLACE] * 3}
    found = reasons.of_row(Row("OCR-back CER", "", 0.3, False, "low"), [bad])
    assert [reason.said[:2] for reason in found] == ["19", "4 ", "2 "]


def test_a_look_has_its_own_reasons(record):
    found = reasons.of_row(Row("italic, precision", ">= 0.95", 0.0, False, "high"), [planted(record)])
    assert [reason.said for reason in found] == ["italic: True for False"]


def test_the_page_shows_the_places_and_where_the_time_goes(record, tmp_path):
    bad = planted(record)
    said = reasons.unmet([bad], rows([bad]), 1, tmp_path)
    assert len(list(tmp_path.glob("why-*.png"))) > 8
    assert "Not met: cost, times the floor" in said
    assert "<td>erase<td>40000.0<td>51%" in said
    assert "shadow" not in said.partition("italic, precision")[2].partition("<h3>")[0]


def test_places_beyond_the_edge_are_cropped():
    pixels = np.zeros((40, 50, 3), np.uint8)
    assert reasons.cropped(pixels, [(-90, -90), (-80, -80)]).size
    assert reasons.cropped(pixels, [(90, 90), (100, 100)]).size
    assert reasons.cropped(pixels, ()).shape == (40, 50, 3)


@pytest.mark.parametrize(
    ("better", "value", "noticed"),
    [
        ("low", 0.06, False),
        ("low", 0.09, True),
        ("low", 0.0, False),
        ("high", 0.0, True),
        ("high", 0.9, False),
    ],
)
def test_what_became_worse_by_more_than_noise_is_noticed(monkeypatch, tmp_path, better, value, noticed):
    monkeypatch.setattr(expected, "PATH", tmp_path / "expected.json")
    expected.keep([Row("OCR-back CER", "", 0.05, True, better)], "gate")
    assert json.loads((tmp_path / "expected.json").read_text())["gate"]
    assert bool(expected.worse([Row("OCR-back CER", "", value, True, better)], "gate")) is noticed


def test_a_measure_that_is_gone_and_a_run_that_was_never_kept_are_noticed(monkeypatch, tmp_path):
    monkeypatch.setattr(expected, "PATH", tmp_path / "expected.json")
    expected.keep([Row("OCR-back CER", "", 0.05, True, "low")], "gate")
    assert "not measured" in expected.worse([], "gate")[0]
    assert "--keep full" in expected.worse([Row("OCR-back CER", "", 0.05, True, "low")], "full")[0]
