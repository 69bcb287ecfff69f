"""Erasing takes the letters and leaves what stands beside or touches them."""

import cv2
import numpy as np
import pytest

from shared.imaging.erase.erase import erase
from shared.scenes.recognition import Word


def erased(page):
    scene = page.scene()
    rgb = page.pixels.copy()
    erase(rgb, None, scene.blocks, [], "seed")
    return rgb, scene


def widened(page, by: float) -> None:
    """Words as a recogniser gives them whose boxes take in what stands beside the line."""
    page.words[:] = [
        Word(
            text=word.text,
            polygon=[
                (x + (-by if i in (0, 3) else 0), y + (-4 if i < 2 else 4))
                for i, (x, y) in enumerate(word.polygon)
            ],
            confidence=0.99,
        )
        for word in page.words[:1]
    ] + page.words[1:]


def dark(rgb: np.ndarray, clean: np.ndarray) -> int:
    """How many pixels are far from the clean ground."""
    return int((np.abs(rgb.astype(int) - clean).max(axis=2) > 25).sum())


@pytest.mark.parametrize("turn", [0, 5, -12])
@pytest.mark.parametrize("text", ["Palais du Louvre", "DÉCORS ÉTÉ"])
def test_a_frame_that_the_word_box_reaches_into_stays(page, turn, text) -> None:
    sign = page(500, 220, ground=(20, 30, 60), turn=turn)
    x = 150.0
    corners = np.array([[x - 60, 80], [x - 8, 80], [x - 8, 140], [x - 60, 140]])
    flat = np.column_stack([corners, np.ones(4)]) @ sign.matrix.T
    cv2.polylines(sign.pixels, [np.int32(np.rint(flat[:, :2]))], True, (250, 250, 250), 2, cv2.LINE_AA)
    framed = sign.pixels.copy()
    sign.write(text, x, 122, 34, ink=(250, 250, 250), weight=600)
    widened(sign, 16)
    rgb, scene = erased(sign)
    assert dark(rgb, framed) < 10
    assert 30 < scene.blocks[0].style.size < 40


@pytest.mark.parametrize("row", [0, 1])
def test_a_frame_beside_one_of_two_lines_stays(page, row) -> None:
    sign = page(560, 260, ground=(20, 30, 60))
    lines = [("Palais du Louvre", 98), ("Musée des arts", 140)]
    y = lines[row][1]
    cv2.rectangle(sign.pixels, (90, y - 36), (142, y + 14), (250, 250, 250), 2, cv2.LINE_AA)
    framed = sign.pixels.copy()
    for text, baseline in lines:
        sign.write(text, 150, baseline, 34, ink=(250, 250, 250), weight=600)
    widened_from = sum(len(text.split()) for text, _ in lines[:row])
    word = sign.words[widened_from]
    polygon = [
        (x - (16 if i in (0, 3) else 0), y + (-4 if i < 2 else 4)) for i, (x, y) in enumerate(word.polygon)
    ]
    sign.words[widened_from] = Word(text=word.text, polygon=polygon, confidence=0.99)
    rgb, scene = erased(sign)
    assert len(scene.blocks) == 1
    assert dark(rgb, framed) < 30


def test_strokes_of_lines_that_touch_are_taken_out(page) -> None:
    poem = page(500, 220, ground=(250, 250, 250))
    for baseline in (100, 129):
        poem.write("ill || will || till", 60, baseline, 30)
    rgb, scene = erased(poem)
    assert len(scene.blocks) == 1
    assert dark(rgb, np.full_like(rgb, 250)) < 10


def test_a_rule_that_touches_the_letters_stays(page) -> None:
    form = page(500, 160, ground=(250, 250, 250))
    form.pixels[102:104, 20:480] = (30, 30, 30)
    ruled = form.pixels.copy()
    form.write("Jolly young guy", 60, 100, 36)
    rgb, _ = erased(form)
    # What of the letters lies on the rule or at its rim cannot be told from it.
    assert dark(rgb, ruled) < 80
    assert (rgb[102:104, 20:50] == 30).all()
    assert (rgb[102:104, 400:480] == 30).all()


@pytest.mark.parametrize("text", ["a (new) oven", "no [x] zone"])
def test_brackets_are_letters(page, text) -> None:
    sign = page(500, 160)
    clean = sign.pixels.copy()
    sign.write(text, 60, 100, 40)
    rgb, _ = erased(sign)
    assert dark(rgb, clean) == 0


def test_a_narrow_sign_is_not_taken_for_what_lies_around_it(page) -> None:
    wall = page(520, 260, ground=(150, 140, 130))
    wall.pixels[95:155, 30:490] = (245, 245, 245)
    wall.pixels[101:149, 36:484] = (10, 24, 49)
    bare = wall.pixels.copy()
    wall.write("Mairie du Centre", 120, 136, 31, ink=(254, 254, 253), weight=600)
    rgb, scene = erased(wall)
    assert dark(rgb, bare) == 0
    assert scene.blocks[0].style.ground == "#0a1831"


def strokes_left(rgb: np.ndarray, source: np.ndarray, clean: np.ndarray) -> float:
    """How much of the letters is left, by projection: 0 for none, 1 for all."""
    ink = source - clean.astype(float)
    return float(((rgb - clean.astype(float)) * ink).sum() / (ink**2).sum())


def test_letters_that_a_slanting_seam_joins_are_no_frame(page) -> None:
    wall = page(560, 300, ground=(200, 160, 110), turn=-14)
    wall.pixels[150:153] = (70, 50, 30)
    clean = wall.pixels.copy()
    wall.write("Dogs must be kept on a lead in", 60, 160, 30, ink=(44, 44, 44), weight=600)
    rgb, scene = erased(wall)
    assert strokes_left(rgb, wall.pixels, clean) < 0.1
    assert (rgb[151, :20] == clean[151, :20]).all()
    assert 25 < scene.blocks[0].style.size < 35


def test_letters_on_a_streak_of_the_ground_go(page) -> None:
    """A streak nearly as thick as the letters are high is no rule that they stand on."""
    plank = page(420, 120, ground=(150, 120, 80))
    plank.pixels[55:67] = (75, 60, 40)
    clean = plank.pixels.copy()
    plank.write("Apple cake", 120, 70, 28, ink=(30, 28, 26), weight=700)
    rgb, _ = erased(plank)
    assert strokes_left(rgb, plank.pixels, clean) < 0.25


def test_of_letters_on_a_rule_only_what_lies_on_it_is_left(page) -> None:
    """The bars of letters run together along the rule; that makes it no thicker than it is beyond them."""
    plank = page(560, 140, ground=(150, 150, 150))
    plank.pixels[68:71, :] = (40, 40, 40)
    clean = plank.pixels.copy()
    plank.write("EEEEEEEEEEEE", 120, 84, 36, ink=(40, 40, 40), weight=900)
    rgb, _ = erased(plank)
    assert strokes_left(rgb, plank.pixels, clean) < 0.02


def test_a_dark_seam_goes_on_where_light_letters_stood_on_it(page) -> None:
    rng = np.random.default_rng(4)
    grain = cv2.GaussianBlur(rng.normal(size=(160, 1)).astype(np.float32), (0, 0), 2) * 30
    plank = page(420, 160, ground=np.clip(grain[..., None] + (150, 110, 70), 0, 255))
    plank.pixels[92:95] = (60, 40, 20)
    clean = plank.pixels.copy()
    plank.write("Price list", 100, 96, 44, ink=(235, 225, 200), weight=600)
    rgb, _ = erased(plank)
    assert np.abs(rgb[93].astype(int) - clean[93]).max() < 20


def test_an_underline_that_ends_behind_the_words_is_theirs(page) -> None:
    sign = page(500, 160)
    clean = sign.pixels.copy()
    sign.write("Entrance", 100, 100, 40)
    right = int(max(x for x, _ in sign.words[0].polygon))
    sign.pixels[105:108, 98 : right + 17] = (20, 20, 20)
    rgb, _ = erased(sign)
    assert dark(rgb[:, : right + 8], clean[:, : right + 8]) < 10
