"""A measure that cannot fail is a defect: each must see a fault that was planted."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bench.pictures.measures import layout
from bench.pictures.measures.colour import ciede2000, drawn_colour, lab
from bench.pictures.measures.cost import STAGES, Subject, calls, stages, total
from bench.pictures.measures.pixels import psnr, ssim
from bench.pictures.measures.text import distance, left_over
from bench.pictures.pages import Case, cases, draw
from bench.pictures.rows import rows
from bench.pictures.score import EVERYTHING, MEASURES, PLACES, is_turn, measured
from bench.pictures.stand_in import answered, stand_in, width
from bench.pictures.subject import outcome

PIXELS = frozenset({"group", "erase", "outside", "overflow", "legible", "colour", "glyphs", "terms"})


@pytest.fixture(scope="module")
def page():
    return draw(Case(7, 1, "Latin", "flat", "table", "Cyrillic"))


@pytest.fixture(scope="module")
def made(page):
    return outcome(page, page.recognition())


def _with_dot(made, at, colour):
    result = made.result.copy()
    x, y = (round(float(v)) for v in at)
    result[y : y + 3, x : x + 3] = colour
    return dataclasses.replace(made, result=result)


def _with_drawn(made, block, drawn):
    return dataclasses.replace(made, drawn={**made.drawn, block: drawn})


def test_a_page_is_the_same_for_the_same_seed():
    case = cases(5, 30)[29]
    first, again, other = draw(case), draw(case), draw(dataclasses.replace(case, seed=6))
    assert first.data == again.data
    assert first.data != other.data


def test_a_round_of_cases_has_every_cell_once_and_any_seed_its_own_order():
    one, other = cases(1, 480), cases(2, 480)
    cells = [(case.script, case.background, case.layout) for case in one]
    assert len(set(cells)) == 480
    assert cells != [(case.script, case.background, case.layout) for case in other]
    assert len({case.script for case in one[:10]}) == 10


def test_truth_lies_on_the_ink(page):
    """Ink is inside the words' quads, and all quads have some."""
    differs = np.abs(page.picture.rgb.astype(int) - page.blank).max(axis=2) > 40
    words = [word.quad for line, _ in page.lines for word in line.words]
    assert not (differs & ~layout.covered(differs.shape, [layout.grown(q, 2) for q in words])).any()
    assert all(differs[layout.covered(differs.shape, [q])].any() for q in words)


def test_ink_outside_all_regions_is_found(page, made):
    assert layout.outside(page, made) == 0
    assert layout.outside(page, _with_dot(made, (3, 3), (255, 0, 255))) == 9


def test_ink_on_a_rule_of_the_table_is_overflow(page, made):
    before, _ = layout.overflow(page, made)
    block = made.changed[0]
    drawn = made.drawn[block.id]
    wider = dataclasses.replace(
        drawn, ink=layout.grown(drawn.ink, 60), allowed=layout.grown(drawn.allowed, 60)
    )
    ys, xs = np.nonzero(page.objects & layout.covered(page.objects.shape, [layout.grown(drawn.ink, 55)]))
    bold = dataclasses.replace(made, drawn={**made.drawn, block.id: wider})
    after, why = layout.overflow(page, _with_dot(bold, (xs[0], ys[0]), (255, 0, 255)))
    assert after > before
    assert why


def test_ink_beyond_what_the_product_allowed_itself_is_overflow(page, made):
    before, _ = layout.overflow(page, made)
    assert layout.overflow(page, _with_dot(made, (3, 3), (255, 0, 255)))[0] == before + 9


def test_a_kept_price_that_changed_is_found(page, made):
    price = next(line for line, block in page.lines if block.kind == "price")
    kept, total = MEASURES["terms"](page, made, {})["terms"]
    spoilt = _with_dot(made, price.quad.mean(axis=0), (255, 0, 255))
    assert MEASURES["terms"](page, spoilt, {})["terms"] == (kept - 1, total)


def test_small_text_needs_a_flag(page, made):
    block = made.changed[0]
    tiny = dataclasses.replace(made.drawn[block.id], size=3.0)
    silent = dataclasses.replace(made, drawn={**made.drawn, block.id: tiny}, flags={})
    assert MEASURES["legible"](page, silent, {})["legible"] >= 1


def test_joined_and_parted_lines_are_counted(page, made):
    blocks = made.scene.blocks
    assert layout.grouping(page, blocks)[1] == 0
    merged = blocks[0].model_copy(update={"lines": [*blocks[0].lines, *blocks[1].lines]})
    assert layout.grouping(page, [merged, *blocks[2:]])[1] == 1


def test_a_wrong_colour_is_seen(page, made):
    where = layout.covered(page.blank.shape[:2], [made.drawn[made.changed[0].id].ink])
    true = drawn_colour(made.result, made.erased, where)
    result = made.result.copy()
    inked = where & (np.abs(result.astype(int) - made.erased).max(axis=2) > 20)
    result[inked] = np.clip(result[inked] + np.array((60, -60, 30)), 0, 255)
    assert ciede2000(lab(drawn_colour(result, made.erased, where)), lab(true)) > 10


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, -1, 2), (50, 0, 0), 2.3669),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_ciede2000_gives_the_published_values(one, other, expected):
    """From the test data of Sharma, Wu and Dalal (2005)."""
    assert ciede2000(one, other) == pytest.approx(expected, abs=1e-4)


def test_residue_counts_runs_of_three_that_the_blank_page_has_not():
    assert left_over("Opening hours", "ening") == 5
    assert left_over("Opening hours", "en on") == 0
    assert left_over("Opening hours", "ening", blank="ening") == 0


def test_lines_that_were_not_erased_are_found(page, made):
    assert MEASURES["standing"](page, made, {})["standing"] == 0
    untouched = dataclasses.replace(made, erased=page.picture.rgb)
    assert MEASURES["standing"](page, untouched, {})["standing"] >= len(made.changed)


def test_edit_distance():
    assert distance("kitten", "sitting") == 3
    assert distance("", "abc") == 3


def test_error_grows_with_the_error(page):
    where = np.ones(page.blank.shape[:2], bool)
    noise = np.random.default_rng(1).normal(0, 1, page.blank.shape)
    little, much = ((page.blank + k * noise).clip(0, 255).astype(np.uint8) for k in (2, 20))
    assert psnr(page.blank, page.blank, where) == 60
    assert psnr(little, page.blank, where) > psnr(much, page.blank, where) + 10
    assert ssim(page.blank, page.blank, where) == pytest.approx(1)
    assert ssim(little, page.blank, where) > ssim(much, page.blank, where)


def test_stand_in_texts_are_half_to_three_times_as_long():
    shares = [
        width(stand_in("Please keep your ticket", t, s)) / 23 for t in ("Latin", "Thai") for s in range(40)
    ]
    assert min(shares) >= 0.4
    assert max(shares) <= 3
    assert max(shares) > 2


def test_a_row_is_not_met_when_its_measure_is_bad(page, made):
    record = {
        "name": page.name,
        "case": [7, "Latin", "flat", "table"],
        "target": "Cyrillic",
        "megapixels": 1.0,
    }
    record["true"] = measured(page, made, PIXELS, {})
    bad = {**record, "true": {**record["true"], "overflow": 7, "outside": 1, "residue": 4}}
    met = {row.measure: row.met for row in rows([bad])}
    assert met["overflow, pixels"] is False
    assert met["outside, pixels"] is False
    assert met["residue, characters"] is False
    assert set(EVERYTHING) > PIXELS


def test_a_stand_in_keeps_what_is_marked_and_replaces_the_rest() -> None:
    answer = answered('Open <span translate="no">Louvre &amp; co</span> daily', "Greek", 3)
    assert '<span translate="no">Louvre &amp; co</span>' in answer
    assert "Open" not in answer
    assert "daily" not in answer


@pytest.mark.parametrize("every", [3, 5])
def test_costly_measures_take_their_turn_on_pages_of_every_script(every: int) -> None:
    turns = [case.script for case in cases(1, 200) if is_turn(case.number, every)]
    assert len(set(turns)) == 10
    assert len(turns) == pytest.approx(200 / every, abs=1)


def test_a_character_that_no_font_has_is_counted(page, made):
    block = made.changed[0].id
    lacking = dataclasses.replace(made.drawn[block], missing=frozenset("ⵣ"))
    assert MEASURES["glyphs"](page, made, {})["glyphs"] == 0
    assert MEASURES["glyphs"](page, _with_drawn(made, block, lacking), {})["glyphs"] == 1


def test_a_name_that_was_translated_is_lost(page, made):
    kept, named = MEASURES["terms"](page, made, {})["names"]
    assert kept == named > 0
    blank = {
        name: [dataclasses.replace(line, text="?") for line in lines] for name, lines in made.lines.items()
    }
    why: dict[str, object] = {}
    assert MEASURES["terms"](page, dataclasses.replace(made, lines=blank), why)["names"] == (0, named)
    assert why["terms"]


@pytest.mark.parametrize(
    ("true", "claimed", "counts"), [(0, 1, (0, 1, 0)), (1, 0, (0, 0, 1)), (1, 1, (1, 1, 1))]
)
def test_looks_claimed_wrongly_cost_precision_and_looks_missed_recall(page, made, true, claimed, counts):
    blocks = tuple(dataclasses.replace(block, size=40.0, italic=bool(true)) for block in page.blocks)
    italic = dataclasses.replace(page, blocks=blocks)
    seen = [
        block.model_copy(update={"style": block.style.model_copy(update={"italic": bool(claimed)})})
        for block in made.scene.blocks
    ]
    scene = made.scene.model_copy(update={"blocks": seen})
    found = MEASURES["style"](italic, dataclasses.replace(made, scene=scene), {})["style"]["italic"]
    lines = max(found)
    assert lines > 1
    assert tuple(n // lines for n in found) == counts


def test_boxes_beside_their_lines_are_not_recalled(page, made):
    hit, counted, all_hit, every = layout.recall(page, made.scene.blocks)
    assert all_hit == every
    assert hit == counted
    quads = [[(x, y + 300) for x, y in block.polygon] for block in made.scene.blocks]
    blocks = [
        block.model_copy(
            update={"lines": [line.model_copy(update={"polygon": quad}) for line in block.lines]}
        )
        for block, quad in zip(made.scene.blocks, quads, strict=True)
    ]
    assert layout.recall(page, blocks)[2] < every / 2


def test_the_engine_reads_what_was_left_and_misses_what_was_not_drawn(page, made):
    """Both measures by the recognition engine: the page as it was, and a result without its new texts."""
    untouched = dataclasses.replace(made, erased=page.picture.rgb)
    assert MEASURES["residue"](page, made, {})["residue"] == 0
    why: dict[str, object] = {}
    assert MEASURES["residue"](page, untouched, why)["residue"] > 20
    assert len(why["residue"]) == len(why[PLACES]["residue"])
    drawn = MEASURES["back"](page, made, {})["back"]
    missing = MEASURES["back"](page, dataclasses.replace(made, result=made.erased), {})["back"]
    assert drawn["errors"] < 0.2 * drawn["characters"]
    assert missing["errors"] > 0.8 * missing["characters"]


def test_cost_is_what_all_stages_took(page, made):
    spent = stages(Subject.of(page, made), page)
    ours, floor = total(spent)
    assert ours == pytest.approx(sum(spent[stage][0] for stage in STAGES))
    assert floor == pytest.approx(sum(spent[stage][1] for stage in ("decode", "draw", "encode")))
    assert all(spent[stage][0] > 0 for stage in STAGES)


def test_one_call_is_enough_for_a_page(made):
    assert calls(made) == (1, 1)
