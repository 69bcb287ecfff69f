"""What covers wood is painted over along the grain."""

from __future__ import annotations

import numpy as np
import pytest

from shared.imaging.erase.grain import along_grain

HEIGHT, WIDTH = 80, 240
LIGHT = np.full((HEIGHT, WIDTH, 3), 140, np.float32)


def wood(degrees: float) -> np.ndarray:
    ys, xs = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    angle = np.radians(degrees)
    across = ys * np.cos(angle) - xs * np.sin(angle)
    light = 140 + 50 * np.sin(across / 2.5) + 20 * np.sin(across / 7)
    return np.repeat(np.clip(light, 0, 255)[..., None], 3, axis=2).astype(np.uint8)


def stroke() -> np.ndarray:
    covered = np.zeros((HEIGHT, WIDTH), dtype=bool)
    covered[20:60, 110:130] = True
    return covered


@pytest.mark.parametrize("degrees", [0.0, 12.0, -30.0, 90.0, 80.0])
def test_the_grain_goes_on_under_a_stroke_in_any_direction(degrees: float) -> None:
    clean, covered = wood(degrees), stroke()
    dirty = clean.copy()
    dirty[covered] = (20, 20, 90)
    found = along_grain(dirty, covered, ~covered, LIGHT)
    assert found is not None
    result, painted = found
    assert painted.sum() > 0.95 * covered.sum()
    off = np.abs(result.astype(int) - clean)[painted]
    assert float(off.mean()) < 6
    assert (result[~painted] == dirty[~painted]).all()


def test_what_is_not_known_teaches_nothing() -> None:
    clean, covered = wood(0), stroke()
    dirty = clean.copy()
    dirty[covered] = 0
    dirty[:, 130:150] = (255, 0, 0)
    known = ~covered
    known[:, 130:150] = False
    found = along_grain(dirty, covered, known, LIGHT)
    assert found is not None
    assert float(np.abs(found[0].astype(int) - clean)[found[1]].mean()) < 6


def test_a_ground_without_a_direction_has_no_grain() -> None:
    rng = np.random.default_rng(3)
    spots = rng.integers(0, 255, (HEIGHT, WIDTH, 1)).repeat(3, axis=2).astype(np.uint8)
    assert along_grain(spots, stroke(), ~stroke(), LIGHT) is None


def test_a_change_of_light_is_no_grain() -> None:
    rng = np.random.default_rng(3)
    light = (
        np.linspace(60, 200, WIDTH, dtype=np.float32)[None, :, None].repeat(HEIGHT, axis=0).repeat(3, axis=2)
    )
    noisy = np.clip(light + rng.normal(0, 6, (HEIGHT, WIDTH, 1)), 0, 255).astype(np.uint8)
    assert along_grain(noisy, stroke(), ~stroke(), light) is None


def test_too_little_ground_shows_no_grain() -> None:
    known = np.zeros((HEIGHT, WIDTH), dtype=bool)
    known[:5, :5] = True
    assert along_grain(wood(0), stroke(), known, LIGHT) is None
