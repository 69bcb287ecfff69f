"""Text is told from a busy ground by its colours, and short text from frames by staying in its words."""

import cv2
import numpy as np
import pytest

from shared.imaging.erase.erase import erase
from shared.imaging.ink.attached import Lie, Words, dilated
from shared.imaging.ink.separate import Ink, with_whole_words
from shared.scenes.recognition import Word


def camouflage(height: int, width: int) -> np.ndarray:
    """Two grey tones in blobs, with grain: their difference is larger than that of the text from either."""
    rng = np.random.default_rng(5)
    field = cv2.GaussianBlur(rng.normal(size=(height, width)).astype(np.float32), (0, 0), 9)
    tone = np.where(field > 0, 100, 62) + rng.normal(size=(height, width)) * 3
    return np.clip(np.rint(np.repeat(tone[..., None], 3, axis=2)), 0, 255).astype(np.uint8)


def tightened(page, clean: np.ndarray) -> None:
    """One word of all words, its box that of the ink alone."""
    ys, xs = np.nonzero((page.pixels != clean).any(axis=2))
    left, top, right, bottom = (float(v) for v in (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1))
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    page.words[:] = [Word(text=" ".join(word.text for word in page.words), polygon=corners, confidence=0.99)]


def test_text_of_another_hue_goes_from_a_pattern_that_is_stronger_than_it(page) -> None:
    wall = page(420, 140, ground=camouflage(140, 420))
    clean = wall.pixels.copy()
    wall.write("any of the rooms", 40, 85, 36, ink=(104, 72, 104))
    inked = (np.abs(wall.pixels.astype(int) - clean).max(axis=2) > 25).sum()
    scene = wall.scene()
    erased = wall.pixels.copy()
    erase(erased, None, scene.blocks, [], "seed")
    purple = np.minimum(erased[..., 0], erased[..., 2]).astype(int) - erased[..., 1] > 16
    assert purple.sum() < 0.02 * inked
    assert scene.blocks[0].style.size == pytest.approx(36, rel=0.15)


SHORT = [("档案", "zh"), ("거리", "ko"), ("가격", "ko"), ("さい。", "ja")]


@pytest.mark.parametrize(("text", "language"), SHORT)
def test_strokes_as_high_as_a_short_line_are_no_frame(page, text, language) -> None:
    sign = page(200, 120)
    clean = sign.pixels.copy()
    sign.write(text, 60, 70, 28, language=language)
    tightened(sign, clean)
    erased = sign.pixels.copy()
    erase(erased, None, sign.scene().blocks, [], "seed")
    assert np.abs(erased.astype(int) - clean).max() < 25


def test_faint_text_in_strong_noise_goes(page) -> None:
    """Where noise hides most of the ink, what is found of it is not all."""
    rng = np.random.default_rng(3)
    noise = cv2.GaussianBlur(rng.normal(size=(120, 420, 3)).astype(np.float32), (0, 0), 0.7) * 12
    photo = page(420, 120, ground=np.clip(110 + noise, 0, 255).astype(np.uint8))
    clean = photo.pixels.astype(float)
    photo.write("fill it", 40, 70, 36, ink=(92, 92, 92))
    ink = photo.pixels - clean
    scene, erased = photo.scene(), photo.pixels.copy()
    erase(erased, None, scene.blocks, [], "seed")
    assert float(((erased - clean) * ink).sum() / (ink**2).sum()) < 0.5


def test_words_whose_ink_cannot_be_found_on_a_busy_ground_go_whole() -> None:
    """Of faint text a few specks are found, and less ink than any text has is not believed."""
    tight = np.zeros((40, 120), bool)
    tight[10:30, 10:110] = True
    core = np.zeros_like(tight)
    core[15:17, 40:44] = True
    free = np.zeros_like(tight)
    words = Words(tight, dilated(tight, 6), ~dilated(tight, 6), 24.0, Lie(0.0, 20.0, True, (20.0,)))
    ink = with_whole_words(Ink(core, core, core, free, 10.0), words)
    assert ink.halo[tight].all()
    assert (ink.core == core).all()
    plenty = tight & (np.arange(120) % 5 == 0)
    assert (with_whole_words(Ink(plenty, plenty, plenty, free, 10.0), words).halo == plenty).all()


def test_words_that_go_whole_teach_the_ground_nothing(page) -> None:
    """Letters that were not found would be left in the light of the ground: a haze of their colour."""
    rng = np.random.default_rng(3)
    noise = cv2.GaussianBlur(rng.normal(size=(120, 420, 3)).astype(np.float32), (0, 0), 0.7) * 14
    grey = np.full((1, 1, 3), (110, 90, 110))
    photo = page(420, 120, ground=np.clip(noise + grey, 0, 255).astype(np.uint8))
    clean = photo.pixels.astype(float)
    photo.write("nearly full dress", 40, 70, 34, ink=(88, 104, 98))
    scene, erased = photo.scene(), photo.pixels.copy()
    erase(erased, None, scene.blocks, [], "seed")
    haze = (erased - clean)[40:76, 40:300].mean(axis=(0, 1))
    assert np.abs(haze).max() < 2.5
