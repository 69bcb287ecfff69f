"""Lines as renderers with live text lay them: by affine maps, also where the text stands in perspective."""

from __future__ import annotations

import numpy as np
import pytest

from shared.imaging.fit.layouts import SetText
from shared.imaging.fit.placing import PlacedLine
from shared.imaging.fit.solver import Layout
from shared.imaging.formats.written import lines_of
from shared.imaging.frame import Frame
from shared.imaging.geometry import Box
from shared.imaging.typesetting.shape import Shaper
from shared.scenes.schemas import Block, Style

SIZE = 40.0
FLAT = np.array([[0.9, -0.2, 30.0], [0.2, 0.9, 20.0], [0.0, 0.0, 1.0]])
BENT = np.array([[1.0, 0.1, 30.0], [0.2, 1.0, 20.0], [1.5e-3, 1e-4, 1.0]])


def written(fonts, text: str, target: str, matrix: np.ndarray):
    line = Shaper.of(fonts, target, "sans", 400, False).shape(text)
    box = Box(0, 0, 900, 100)
    layout = Layout((PlacedLine(line, 12.0, 60.0),), SIZE, box, ())
    style = Style(size=SIZE, direction="rtl" if target == "ar" else "ltr")
    block = Block(id="b1", polygon=[(0, 0)] * 4, lines=[], text="", style=style)
    return lines_of(SetText(block, text, layout, Frame(matrix, 900, 100), box), target)[0]


def moved(affine, x: float, y: float) -> np.ndarray:
    a, b, c, d, e, f = affine
    return np.array((a * x + c * y + e, b * x + d * y + f))


def test_a_flat_line_is_one_part(fonts) -> None:
    line = written(fonts, "Keep the door shut", "en", FLAT)
    assert [part.text for part in line.parts] == ["Keep the door shut"]
    for x, y in ((0, 0), (500, 80)):
        assert moved(line.affine(), x, y) == pytest.approx(line.of.frame.to_picture([(x, y)])[0])


@pytest.mark.parametrize(("text", "target"), [("Keep the door shut", "en"), ("أغلق الباب من فضلك", "ar")])
def test_words_in_perspective_begin_and_end_where_they_are_drawn(fonts, text: str, target: str) -> None:
    line = written(fonts, text, target, BENT)
    assert [part.text for part in line.parts] == text.split()
    for part in line.parts:
        affine = line.affine(part.start, part.length)
        for x in (12 + part.start, 12 + part.start + part.length):
            assert moved(affine, x, 60) == pytest.approx(line.of.frame.to_picture([(x, 60)])[0])
            # A letter's top is off by little where the word is short.
            drawn = line.of.frame.to_picture([(x, 30)])[0]
            assert np.linalg.norm(moved(affine, x, 30) - drawn) < 0.1 * SIZE
