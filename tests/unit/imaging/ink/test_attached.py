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
