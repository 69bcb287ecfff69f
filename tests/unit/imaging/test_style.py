"""The look of a text is recognised: its typeface's family and slant."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.imaging.face import Likeness

MENU = ("Garden salad with nuts", "Tomato soup of the day", "Grilled salmon and rice")
RUSSIAN = ("Салат из свежих овощей", "Томатный суп сегодня", "Лосось на гриле с рисом")


def _page(page, texts, size=30, turn=0.0, **style):
    sheet = page(turn=turn)
    for i, text in enumerate(texts):
        sheet.write(text, 60, 110 + i * 3 * size, size, **style)
    return sheet


def _styles(scene):
    assert scene.blocks
    return [block.style for block in scene.blocks]


@pytest.mark.parametrize("family", ["sans", "serif", "mono"])
@pytest.mark.parametrize(("texts", "language"), [(MENU, "en"), (RUSSIAN, "ru")])
@pytest.mark.parametrize("weight", [400, 700])
def test_the_family_is_that_of_the_letters(page, family, texts, language, weight):
    sheet = _page(page, texts, family=family, language=language, weight=weight)
    assert {style.family for style in _styles(sheet.scene())} == {family}


@pytest.mark.parametrize("turn", [-25.0, 12.0])
def test_turned_and_coded_letters_keep_their_family(page, turn):
    sheet = _page(page, MENU, turn=turn, family="serif")
    scene = sheet.scene(sheet.picture("JPEG", quality=60))
    assert {style.family for style in _styles(scene)} == {"serif"}


def test_small_letters_count_as_sans_unless_the_rest_of_the_page_agrees(page):
    small = _page(page, MENU, size=13, family="serif")
    assert {style.family for style in _styles(small.scene())} == {"sans"}
    small.write("Breakfast and dinner", 60, 50, 32, family="serif")
    assert {style.family for style in _styles(small.scene())} == {"serif"}


def test_noise_is_no_typeface(page):
    sheet = page(ground=np.random.default_rng(3).integers(90, 170, (400, 640, 3)))
    for i, text in enumerate(MENU):
        sheet.write(text, 60, 110 + i * 90, 30, ink=(128, 128, 128))
    assert {style.family for style in _styles(sheet.scene())} == {"sans"}


@pytest.mark.parametrize("family", ["sans", "serif"])
@pytest.mark.parametrize("turn", [0.0, 15.0])
def test_italics_are_told_and_their_quads_stand_upright(page, family, turn):
    scene = _page(page, MENU, turn=turn, family=family, italic=True).scene()
    for block in scene.blocks:
        assert block.style.italic
        assert block.style.family == family
        a, b, _, d = np.array(block.polygon)
        along, down = (b - a) / np.linalg.norm(b - a), (d - a) / np.linalg.norm(d - a)
        assert abs(along @ down) < 0.09


@pytest.mark.parametrize("family", ["sans", "serif", "mono"])
def test_upright_letters_are_not_italic(page, family):
    assert not any(style.italic for style in _styles(_page(page, MENU, family=family).scene()))


SCORE = st.floats(0, 1)


@settings(max_examples=200)
@given(SCORE, SCORE, SCORE, st.integers(1, 8), st.sampled_from(["Latn", "Grek", "Hebr"]))
def test_more_likeness_and_more_words_never_make_letters_plain(sans, serif, mono, words, script):
    found = Likeness(script, words, sans, serif, mono).family
    assert found == "sans" or Likeness(script, words + 1, sans, serif, mono).family != "sans"
    if found == "serif":
        assert Likeness(script, words, sans, min(1.0, serif + 0.01), mono).family == "serif"
