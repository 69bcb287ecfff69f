"""What covers a pattern is painted over with the pattern's own repeats."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from shared.imaging.erase.repeat import by_repeats

HEIGHT, WIDTH = 90, 240


def tiles(pitch: int) -> np.ndarray:
    ys, xs = np.mgrid[0:HEIGHT, 0:WIDTH]
    dark = ((ys // pitch) + (xs // pitch)) % 2 == 0
    return np.where(dark[..., None], (90, 60, 50), (190, 170, 150)).astype(np.uint8)


def stroke() -> np.ndarray:
    covered = np.zeros((HEIGHT, WIDTH), dtype=bool)
    covered[30:60, 100:112] = True
    covered[40:46, 60:180] = True
    return covered


def smooth_of(rgb: np.ndarray) -> np.ndarray:
    return np.broadcast_to(rgb.reshape(-1, 3).mean(axis=0), rgb.shape).astype(np.float32)


@pytest.mark.parametrize("pitch", [4, 7, 11])
def test_tiles_go_on_under_a_stroke(pitch: int) -> None:
    clean, covered = tiles(pitch), stroke()
    dirty = clean.copy()
    dirty[covered] = (255, 0, 0)
    found = by_repeats(dirty, covered, ~covered, smooth_of(clean))
    assert found is not None
    result, painted = found
    assert painted.sum() > 0.85 * covered.sum()
    assert float(np.abs(result.astype(int) - clean)[painted].mean()) < 4
    assert (result[~covered] == dirty[~covered]).all()


def test_the_light_of_the_place_is_kept() -> None:
    clean, covered = tiles(6).astype(np.float32), stroke()
    shade = np.linspace(-40, 40, WIDTH, dtype=np.float32)[None, :, None]
    clean = np.clip(clean + shade, 0, 255)
    dirty = clean.astype(np.uint8)
    dirty[covered] = 0
    found = by_repeats(dirty, covered, ~covered, smooth_of(clean) + shade)
    assert found is not None
    assert float(np.abs(found[0].astype(int) - clean)[found[1]].mean()) < 8


def test_a_ground_unlike_itself_has_no_repeats() -> None:
    rng = np.random.default_rng(4)
    rgb = rng.integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    assert by_repeats(rgb, stroke(), ~stroke(), smooth_of(rgb)) is None


def test_a_ground_that_changes_slowly_has_no_repeats() -> None:
    rng = np.random.default_rng(4)
    blobs = cv2.GaussianBlur(rng.normal(0, 1, (HEIGHT, WIDTH)).astype(np.float32), (0, 0), 12)
    rgb = np.clip(128 + 900 * blobs[..., None].repeat(3, axis=2), 0, 255).astype(np.uint8)
    assert by_repeats(rgb, stroke(), ~stroke(), smooth_of(rgb)) is None


def test_too_little_ground_shows_no_repeats() -> None:
    known = np.zeros((HEIGHT, WIDTH), dtype=bool)
    known[:8, :8] = True
    assert by_repeats(tiles(4), stroke(), known, smooth_of(tiles(4))) is None
