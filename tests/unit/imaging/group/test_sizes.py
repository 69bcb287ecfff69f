"""Sizes that measuring got wrong are found by the boxes of the other lines."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from shared.imaging.erase.erase import erase
from shared.imaging.frame import Frame
from shared.imaging.group.lines import TextLine, lines_of
from shared.imaging.group.mismeasured import corrected, sizes_by_boxes
from shared.imaging.group.placed import placed
from shared.imaging.measure.look import Look, measure
from shared.imaging.typesetting.reach import reach
from shared.scenes.schemas import Line

TEXTS = ["Apple cake", "now", "26.30", "Lemon tea", "cream"]
EM = 30.0


def line(text: str, top: float, height: float) -> TextLine:
    polygon = [(10.0, top), (200.0, top), (200.0, top + height), (10.0, top + height)]
    return TextLine(Line(polygon=polygon, text=text), 0.9, "en", 0, 0.0, height)


def look(size: float, baseline: float = 20.0) -> Look:
    return Look((0, 0, 0), (255, 255, 255), size, baseline, 0.0, 190.0, 0.1, 0.0, 0.0)


def boxes(tight: bool) -> list[TextLine]:
    heights = [EM * (sum(reach(text)) if tight else 1.25) for text in TEXTS]
    return [line(text, 60.0 * i, height) for i, (text, height) in enumerate(zip(TEXTS, heights, strict=True))]


@pytest.mark.parametrize("tight", [True, False])
def test_boxes_tell_the_size_whichever_way_an_engine_draws_them(tight: bool) -> None:
    looks = [look(EM), look(EM * 0.98), look(EM * 1.02), look(EM), None]
    found = sizes_by_boxes(boxes(tight), looks)
    assert found == pytest.approx([EM] * 5, rel=0.05)


def test_boxes_that_contradict_each_other_tell_nothing() -> None:
    looks = [look(EM), look(EM * 0.7), look(EM * 1.1), look(EM * 0.85), look(EM * 1.05)]
    heights = (22.0, 41.0, 25.0, 38.0, 30.0)
    lines = [
        line(text, 60.0 * i, height) for i, (text, height) in enumerate(zip(TEXTS, heights, strict=True))
    ]
    assert sizes_by_boxes(lines, looks) == [None] * 5


def test_few_lines_tell_nothing() -> None:
    assert sizes_by_boxes(boxes(tight=True)[:3], [look(EM)] * 3) == [None] * 3


def test_a_size_far_from_the_others_is_replaced_with_its_stroke() -> None:
    found = corrected(line("now", 0, 16.2), look(20.0), EM)
    assert found is not None
    assert found.size == EM
    assert found.stroke * found.size == pytest.approx(0.1 * 20.0)


def test_a_size_that_measuring_explains_stays() -> None:
    assert corrected(line("now", 0, 16.2), look(27.0), EM) == look(27.0)


@pytest.mark.parametrize("wrong", [None, look(17.0), look(46.0)])
def test_a_line_on_a_hard_ground_is_as_large_as_its_neighbours(wrong: Look | None) -> None:
    lines = boxes(tight=True)
    found = placed(lines, [look(EM), wrong, look(EM), look(EM), look(EM)])
    assert [each.size for each in found] == pytest.approx([EM] * 5, rel=0.05)


def test_a_lone_line_is_as_large_as_its_tight_box_says_where_its_ink_leans_to_that() -> None:
    height = EM * sum(reach("now"))
    assert placed([line("now", 0, height)], [look(EM * 1.3)])[0].size == pytest.approx(EM)


def test_what_was_measured_on_calm_ground_is_believed_longer() -> None:
    text = line("now", 0, 16.2)
    assert corrected(text, replace(look(22.0), calm=True), EM) == replace(look(22.0), calm=True)
    found = corrected(text, replace(look(18.0, 12.0), calm=True, tilt=0.05), EM)
    assert found is not None
    assert (found.size, found.tilt) == (EM, 0.0)


def test_dots_of_a_line_close_below_make_no_line_larger(page) -> None:
    sheet = page()
    sheet.write("World Health", 60, 100, 22, weight=600)
    sheet.write("Organiziti", 60, 119, 22, weight=600)
    lines = lines_of(sheet.words)
    others = [np.array(lines[1].line.polygon)]
    found = measure(sheet.pixels, lines[0].line, others)
    assert found is not None
    assert found.size == pytest.approx(22, rel=0.1)


@pytest.mark.parametrize("text", ["Book club", "1 passenger"])
def test_short_lines_with_ascenders_at_one_end_are_level(page, text: str) -> None:
    sheet = page()
    sheet.write(text, 60, 100, 36, weight=600)
    (block,) = sheet.scene().blocks
    assert abs(block.angle) < 0.5


def test_lines_that_run_away_have_the_size_of_their_middle(page) -> None:
    sheet = page(1000, 600)
    for i, text in enumerate(
        ("Nature reserve", "Stay on the paths", "Keep your dog close", "Open from noon")
    ):
        sheet.write(text, 60, 100 + 140 * i, 60, weight=700)
    near = np.array([(0, 0), (1000, 0), (1000, 600), (0, 600)], dtype=np.float32)
    away = np.array([(40, 20), (960, 160), (960, 440), (40, 580)], dtype=np.float32)
    board = Frame(cv2.getPerspectiveTransform(near, away).astype(np.float64), 1000.0, 600.0)
    sheet.pixels = cv2.warpPerspective(sheet.pixels, board.matrix, (1000, 600), borderValue=(245, 245, 240))
    sheet.words[:] = [
        word.model_copy(update={"polygon": [tuple(map(float, p)) for p in board.to_picture(word.polygon)]})
        for word in sheet.words
    ]
    for block in sheet.scene().blocks:
        x, y = np.mean(block.polygon, axis=0)
        (_, high), (_, low) = board.to_local([(x, y - 10), (x, y + 10)])
        assert block.style.size == pytest.approx(60 * 20 / (low - high), rel=0.1)
        assert block.style.weight >= 600


def test_letters_that_their_box_cuts_are_taken_out_and_begin_the_text(page) -> None:
    sheet = page()
    clean = sheet.pixels.copy()
    sheet.write("Open from noon", 60, 120, 60)
    first = sheet.words[0]
    cut = [(x + (14 if i in (0, 3) else 0), y) for i, (x, y) in enumerate(first.polygon)]
    sheet.words[0] = first.model_copy(update={"polygon": cut})
    (block,) = sheet.scene().blocks
    assert block.polygon[0][0] < 66
    erase(sheet.pixels, None, [block], [], "seed")
    assert np.abs(sheet.pixels.astype(int) - clean).max() < 12


@pytest.mark.parametrize("tail", [0, 8])
def test_the_tail_that_j_has_in_some_faces_makes_no_line_larger_or_smaller(page, tail: int) -> None:
    sheet = page()
    sheet.write("Iardin ouvert", 60, 100, 40)
    sheet.words[0] = sheet.words[0].model_copy(update={"text": "Jardin"})
    left = round(sheet.words[0].polygon[0][0]) + 4
    sheet.pixels[98 : 100 + tail, left : left + 4] = 20
    (block,) = sheet.scene().blocks
    assert block.style.size == pytest.approx(40, rel=0.05)


def test_a_single_descender_of_a_long_line_is_seen(page) -> None:
    sheet = page(1200, 200)
    sheet.write(
        "All of our trains to the harbour depart at noon and return in the late afternoon.", 30, 100, 28
    )
    (block,) = sheet.scene().blocks
    assert block.style.size == pytest.approx(28, rel=0.05)
