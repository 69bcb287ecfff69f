"""Holes of a ground get the light around them, and grain like its own."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from shared.imaging.erase.erase import erase
from shared.imaging.erase.infill import grain, interpolated

HEIGHT, WIDTH = 80, 240


def stroke() -> np.ndarray:
    covered = np.zeros((HEIGHT, WIDTH), dtype=bool)
    covered[20:60, 110:130] = True
    return covered


def grainy(height: int, width: int, strength: float) -> np.ndarray:
    """A grey ground with grain that is some pixels coarse, as a camera's is."""
    rng = np.random.default_rng(7)
    noise = cv2.GaussianBlur(rng.normal(size=(height, width)).astype(np.float32), (0, 0), 1.0)
    return 128 + (strength / noise.std() * noise)[..., None].repeat(3, axis=2)


def alike(values: np.ndarray) -> float:
    """How much neighbours in a row are alike: 0 for noise drawn pixel by pixel."""
    return float(np.corrcoef(values[:, 1:].ravel(), values[:, :-1].ravel())[0, 1])


def test_light_that_changes_goes_on_under_a_stroke() -> None:
    xs, ys = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    clean = (40 + 0.6 * xs + 0.8 * ys)[..., None].repeat(3, axis=2).astype(np.uint8)
    dirty = clean.copy()
    dirty[stroke()] = (255, 0, 0)
    found = interpolated(dirty, stroke())
    assert np.abs(found - clean)[stroke()].max() < 6


def test_what_is_covered_teaches_nothing() -> None:
    pixels = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    pixels[stroke()] = 255
    assert np.allclose(interpolated(pixels, stroke()), 90, atol=0.5)


def test_grain_is_as_coarse_as_the_ground_and_somewhat_weaker() -> None:
    detail = (grainy(HEIGHT, WIDTH, 8) - 128).astype(np.float32)
    found = grain(detail, np.zeros_like(detail), ~stroke(), stroke(), np.random.default_rng(1))
    assert found is not None
    block = found[:, 0].reshape(40, 20)
    assert alike(block) == pytest.approx(alike(detail[..., 0]), abs=0.15)
    assert 0.4 < block.std() / detail.std() < 0.8


@pytest.mark.parametrize("strength", [0.0, 2.0])
def test_grain_that_nobody_sees_is_not_drawn(strength: float) -> None:
    detail = (grainy(HEIGHT, WIDTH, max(strength, 1e-3)) - 128).astype(np.float32)
    assert grain(detail, np.zeros_like(detail), ~stroke(), stroke(), np.random.default_rng(1)) is None


def test_ripples_around_letters_are_no_grain() -> None:
    detail = (grainy(HEIGHT, WIDTH, 8) - 128).astype(np.float32)
    detail[:, :90] = detail[:, 150:] = 0
    assert grain(detail, np.zeros_like(detail), ~stroke(), stroke(), np.random.default_rng(1)) is None


def coded(pixels: np.ndarray) -> np.ndarray:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=60)
    return np.array(Image.open(out))


def test_rules_around_a_text_are_not_repeated_where_it_stood(page) -> None:
    """Rules fainter than the ink are no pattern of the paper, and no grain."""
    paper = (grainy(200, 460, 2.5) + np.array([77, 79, 58])).astype(np.uint8)
    for y in (58, 120):
        cv2.line(paper, (30, y), (430, y + 6), (140, 112, 96), 2, cv2.LINE_AA)
    for x in (40, 330):
        cv2.line(paper, (x, 40), (x - 8, 160), (140, 112, 96), 2, cv2.LINE_AA)
    clean, table = coded(paper), page(460, 200, ground=paper)
    table.write("Lemon cake", 60, 102, 30, ink=(5, 5, 5))
    table.pixels = coded(table.pixels)
    erased = table.pixels.copy()
    erase(erased, None, table.scene().blocks, [], "seed")
    off = np.abs(erased.astype(int) - clean)[62:118, 60:320].max(axis=2)
    assert np.percentile(off, 99.5) < 12


def test_ripples_in_some_blocks_are_no_grain() -> None:
    """Grain lies all over a ground; what coding leaves lies around letters and rules."""
    rng = np.random.default_rng(2)
    noise = cv2.GaussianBlur(rng.normal(size=(96, 160, 3)).astype(np.float32), (0, 0), 0.8) * 60
    covered = np.zeros((96, 160), bool)
    covered[40:56, 40:120] = True
    light = np.full((96, 160, 3), 90, np.float32)
    grainy = np.clip(light + noise, 0, 255).astype(np.uint8)
    assert grain(grainy, light, ~covered, covered, rng) is not None
    calm = (np.arange(160) // 8 % 3 == 0)[None, :, None]
    rippled = np.where(calm, np.uint8(90), grainy)
    assert grain(rippled, light, ~covered, covered, rng) is None
