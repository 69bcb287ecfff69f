"""The look of a text is recognised: its typeface's family and slant."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.imaging.draw.draw import draw
from shared.imaging.erase.erase import erase
from shared.imaging.fit.placing import PlacedLine
from shared.imaging.fit.solver import Layout
from shared.imaging.frame import Frame
from shared.imaging.ink.colours import from_hex
from shared.imaging.style.face import Likeness
from shared.imaging.typesetting.shape import Box, Shaper
from shared.scenes.recognition import Word
from shared.scenes.schemas import Outline, Shadow, Style

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
    styles = _styles(sheet.scene())
    assert {style.family for style in styles} == {family}
    assert all(abs(style.weight - weight) <= 100 for style in styles)


@pytest.mark.parametrize(
    ("ink", "ground"),
    [((240, 240, 235), (20, 28, 45)), ((90, 96, 110), (60, 62, 70)), ((200, 80, 40), (240, 235, 220))],
)
def test_letters_are_as_bold_as_they_are_on_any_ground(page, ink, ground):
    sheet = page(ground=ground)
    for i, text in enumerate(MENU):
        sheet.write(text, 60, 90 + i * 90, 20 + 4 * i, ink=ink)
    scene = sheet.scene(sheet.picture("JPEG", quality=80))
    assert {style.weight for style in _styles(scene)} == {400}


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


def test_what_cannot_be_told_has_the_family_of_most_letters(page):
    letter = _page(page, MENU, size=30, family="serif")
    letter.write("COPY", 480, 50, 36, weight=700)
    letter.write("ask the house for more", 60, 380, 13, family="serif")
    families = {block.text: block.style.family for block in letter.scene().blocks}
    assert families["COPY"] == "sans"
    assert families["ask the house for more"] == "serif"


def test_a_single_word_makes_no_mono():
    assert Likeness("Latn", 1, 0.6, 0.6, 0.9).family is None
    assert Likeness("Latn", 2, 0.6, 0.6, 0.9).family == "mono"


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
    assert found in {"sans", None} or Likeness(script, words + 1, sans, serif, mono).family in {
        "serif",
        "mono",
    }
    if found == "serif":
        assert Likeness(script, words, sans, min(1.0, serif + 0.01), mono).family == "serif"


def _dressed(page, ink, text="Summer nights", ground=(200, 120, 60), weight=400, size=60, **dress):
    """A page with one line, drawn as the product draws it with a style."""
    sheet = page(ground=ground)
    sheet.write(text, 60, 200, size, ink=ink)
    clean = np.empty_like(sheet.pixels)
    clean[:] = ground
    style = Style(size=size, **dress)
    line = PlacedLine(Shaper.of(sheet.fonts, "en", weight=weight).shape(text), 60, 200)
    frame = Frame(np.eye(3), 640.0, 400.0)
    box = Box(-1e4, -1e4, 1e4, 1e4)
    draw(clean, None, Layout((line,), size, box, ()), frame, box, ink, 0.0, style)
    sheet.pixels[:] = clean
    return sheet


@pytest.mark.parametrize(
    ("ink", "rim"),
    [((250, 250, 250), "#281030"), ((30, 30, 30), "#fafafa"), ((240, 220, 80), "#701414")],
)
def test_an_outline_is_told_with_its_colour_and_width_and_drawn_again(page, ink, rim):
    sheet = _dressed(page, ink, outline=Outline(colour=rim, width=0.06))
    scene = sheet.scene(sheet.picture("JPEG", quality=85))
    outline = scene.blocks[0].style.outline
    assert outline is not None
    assert outline.width == pytest.approx(0.06, abs=0.02)
    assert np.abs(np.subtract(from_hex(outline.colour), from_hex(rim))).max() < 40
    assert np.abs(np.subtract(from_hex(scene.blocks[0].style.ink), ink)).max() < 40


@pytest.mark.parametrize("weight", [400, 700])
@pytest.mark.parametrize(
    "dress",
    [
        {"outline": Outline(colour="#fbfbf4", width=0.06)},
        {"shadow": Shadow(colour="#1a2215", along=0.06, across=0.07, blur=0.02)},
    ],
)
def test_what_letters_wear_makes_them_neither_thinner_nor_paler(page, dress, weight):
    ink = (122, 148, 95)
    sheet = _dressed(page, ink, ground=(92, 70, 46), weight=weight, **dress)
    (style,) = _styles(sheet.scene(sheet.picture("JPEG", quality=70)))
    assert (style.outline is None, style.shadow is None) == ("shadow" in dress, "outline" in dress)
    assert abs(style.weight - weight) <= 100
    assert np.abs(np.subtract(from_hex(style.ink), ink)).max() < 16


def test_an_outline_is_told_of_letters_in_a_box_without_ascenders(page):
    sheet = _dressed(page, (250, 250, 250), "sauces", size=28, outline=Outline(colour="#281030", width=0.06))
    tight = [(x, 184.0 if y < 200 else 201.0) for x, y in sheet.words[0].polygon]
    sheet.words = [sheet.words[0].model_copy(update={"polygon": tight})]
    assert sheet.scene().blocks[0].style.outline is not None


def test_an_outline_is_erased_with_its_letters(page):
    sheet = _dressed(page, (250, 250, 250), outline=Outline(colour="#100818", width=0.12))
    scene = sheet.scene()
    assert scene.blocks[0].style.outline is not None
    erase(sheet.pixels, None, scene.blocks, [], "seed")
    assert np.abs(sheet.pixels.astype(int) - (200, 120, 60)).max() < 12


def test_letters_that_cover_most_of_a_ground_of_many_colours_are_not_taken_for_it(page):
    few = np.random.default_rng(7).integers(60, 190, (40, 64, 3), dtype=np.uint8)
    fur = cv2.resize(few, (640, 400), interpolation=cv2.INTER_CUBIC)
    rim = Outline(colour="#000000", width=0.06)
    sheet = _dressed(page, (255, 255, 255), "WHEN YOU OPEN", fur, 800, outline=rim)
    (style,) = _styles(sheet.scene())
    assert min(from_hex(style.ink)) > 230
    assert max(from_hex(style.ground)) < 230
    assert style.outline is not None


@pytest.mark.parametrize("family", ["sans", "serif", "mono"])
@pytest.mark.parametrize("ink", [(20, 20, 20), (200, 30, 40)])
def test_plain_letters_have_no_outline(page, family, ink):
    sheet = _page(page, MENU, family=family, ink=ink)
    scene = sheet.scene(sheet.picture("JPEG", quality=50))
    assert [block.style.outline for block in scene.blocks] == [None] * len(scene.blocks)


def test_colour_that_coding_spreads_around_letters_is_no_outline(page):
    sheet = page(500, 200, ground=(49, 30, 26))
    sheet.write("Opening hours", 40, 120, size=28, ink=(87, 235, 222), weight=600)
    style = sheet.scene(sheet.picture("JPEG", quality=40)).blocks[0].style
    assert style.outline is None
    assert np.abs(np.subtract(from_hex(style.ink), (87, 235, 222))).max() < 40


def test_a_mid_tone_within_a_black_outline_is_told_from_anti_aliasing(page):
    sheet = _dressed(
        page, (150, 110, 140), ground=(240, 236, 225), outline=Outline(colour="#0c0c0c", width=0.07)
    )
    outline = sheet.scene(sheet.picture("JPEG", quality=85)).blocks[0].style.outline
    assert outline is not None
    assert np.abs(np.subtract(from_hex(outline.colour), (12, 12, 12))).max() < 40


@pytest.mark.parametrize(
    ("ink", "ground", "shade"),
    [
        ((250, 250, 250), (200, 120, 60), "#5a3619"),
        ((20, 20, 40), (200, 200, 190), "#787872"),
        ((40, 90, 200), (235, 235, 235), "#6a6a6a"),
    ],
)
@pytest.mark.parametrize(("along", "across"), [(0.06, 0.05), (-0.05, 0.07), (0.08, 0.0)])
def test_a_shadow_is_told_with_its_place_and_colour_and_drawn_again(page, ink, ground, shade, along, across):
    cast = Shadow(colour=shade, along=along, across=across, blur=0.01)
    sheet = _dressed(page, ink, ground=ground, shadow=cast)
    style = sheet.scene(sheet.picture("JPEG", quality=85)).blocks[0].style
    assert style.shadow is not None
    assert style.outline is None
    assert style.shadow.along == pytest.approx(along, abs=0.025)
    assert style.shadow.across == pytest.approx(across, abs=0.025)
    assert np.abs(np.subtract(from_hex(style.shadow.colour), from_hex(shade))).max() < 40
    assert np.abs(np.subtract(from_hex(style.ink), ink)).max() < 40


def test_a_shadow_is_erased_with_its_letters(page):
    cast = Shadow(colour="#402010", along=0.12, across=0.12, blur=0.02)
    sheet = _dressed(page, (250, 250, 250), shadow=cast)
    scene = sheet.scene()
    assert scene.blocks[0].style.shadow is not None
    erase(sheet.pixels, None, scene.blocks, [], "seed")
    assert np.abs(sheet.pixels.astype(int) - (200, 120, 60)).max() < 12


@pytest.mark.parametrize("ink", [(20, 20, 20), (250, 250, 250), (60, 90, 200)])
@pytest.mark.parametrize(
    "dress", [{}, {"outline": Outline(colour="#101010", width=0.06)}, {"underline": True}]
)
def test_what_lies_alike_on_all_sides_of_letters_is_no_shadow(page, ink, dress):
    sheet = _dressed(page, ink, **dress)
    assert sheet.scene(sheet.picture("JPEG", quality=50)).blocks[0].style.shadow is None


@pytest.mark.parametrize("text", ["Summer", "Gay nights by day"])
def test_an_underline_is_told_erased_and_no_part_of_the_letters(page, text):
    plain = _dressed(page, (20, 20, 20), text).scene().blocks[0].style
    sheet = _dressed(page, (20, 20, 20), text, underline=True)
    scene = sheet.scene(sheet.picture("JPEG", quality=85))
    assert not plain.underline
    assert scene.blocks[0].style.underline
    assert scene.blocks[0].style.size == pytest.approx(plain.size, rel=0.06)
    erase(sheet.pixels, None, scene.blocks, [], "seed")
    assert np.abs(sheet.pixels.astype(int) - (200, 120, 60)).max() < 12


@pytest.mark.parametrize("text", ["सेब का केक", "공원에서는 개를", "เวลาเปิดทำการ"])
def test_an_underline_is_told_and_erased_where_letters_do_not_join_along_it(page, text):
    sheet = _dressed(page, (20, 20, 20), text, underline=True)
    scene = sheet.scene(sheet.picture("JPEG", quality=85))
    assert scene.blocks[0].style.underline
    assert not _dressed(page, (20, 20, 20), text).scene().blocks[0].style.underline
    erase(sheet.pixels, None, scene.blocks, [], "seed")
    assert np.abs(sheet.pixels.astype(int) - (200, 120, 60)).max() < 12


def test_a_stroke_of_the_text_below_is_no_underline(page):
    sheet = page(400, 200, ground=(240, 240, 240))
    sheet.write("Please close", 40, 90, size=30)
    sheet.pixels[101:104, 42:214] = 20
    below = [(42.0, 98.0), (214.0, 98.0), (214.0, 128.0), (42.0, 128.0)]
    sheet.words.append(Word(text="一", polygon=below, confidence=0.99))
    assert not any(block.style.underline for block in sheet.scene().blocks)


def test_a_line_that_goes_on_beside_the_text_is_no_underline(page):
    sheet = _dressed(page, (20, 20, 20))
    sheet.pixels[207:210, 10:630] = 20
    assert not sheet.scene().blocks[0].style.underline
