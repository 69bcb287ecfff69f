"""Ink is moved from a busy ground that hides it, and from no other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.imaging.draw.contrast import LEAST_APART, alike, readable
from shared.imaging.ink.colours import from_hex, to_hex
from shared.imaging.ink.ground import to_lab

COLOURS = st.tuples(*(st.integers(0, 255) for _ in range(3)))


def ground(mean: tuple[int, int, int], spread: float) -> np.ndarray:
    light = np.random.default_rng(5).normal(0, spread, (4000, 1))
    return np.clip(np.rint(np.array(mean) + light), 0, 255).astype(np.uint8)


def lab(ink: str) -> np.ndarray:
    return np.asarray(to_lab(np.array([[from_hex(ink)]], dtype=np.uint8))[0, 0])


def apart(ink: str, pixels: np.ndarray) -> float:
    light = to_lab(pixels[None])[0, :, 0]
    return float(abs(lab(ink)[0] - light.mean()) / light.std())


@pytest.mark.parametrize("ink", ["#83637b", "#303438"])
def test_ink_that_a_busy_ground_hides_is_moved_away_from_it_and_keeps_its_hue(ink: str) -> None:
    busy = ground((82, 78, 77), 14)
    moved = readable(ink, busy)
    assert apart(ink, busy) < LEAST_APART - 0.5
    assert LEAST_APART - 0.1 <= apart(moved, busy) < LEAST_APART + 0.4
    assert np.abs(lab(moved)[1:] - lab(ink)[1:]).max() < 3
    assert (lab(moved)[0] > lab(ink)[0]) == (lab(ink)[0] > 33)


@pytest.mark.parametrize(
    ("ink", "mean", "spread"),
    [
        pytest.param("#646a74", (82, 88, 94), 1.5, id="faint on an even ground"),
        pytest.param("#f0f0e0", (90, 90, 90), 60, id="three to one on a very busy one"),
        pytest.param("#83637b", (82, 78, 77), 5, id="well told from what is under it"),
    ],
)
def test_ink_that_can_be_read_stays_as_it_is(ink: str, mean: tuple[int, int, int], spread: float) -> None:
    assert readable(ink, ground(mean, spread)) == ink


def test_ink_without_a_ground_stays_as_it_is() -> None:
    assert readable("#83637b", np.zeros((0, 3), dtype=np.uint8)) == "#83637b"


def test_texts_of_one_ink_that_were_moved_one_way_stay_alike() -> None:
    grey, blue = "#666666", "#203060"
    inks = [(grey, "#888888"), (grey, "#999999"), (grey, grey), (grey, "#444444"), (blue, "#304070")]
    assert alike(inks) == ["#999999", "#999999", grey, "#444444", "#304070"]


@settings(max_examples=60, deadline=None)
@given(COLOURS, COLOURS, st.floats(0, 60))
def test_no_ink_comes_nearer_to_its_ground(
    ink: tuple[int, int, int], mean: tuple[int, int, int], spread: float
) -> None:
    pixels = ground(mean, spread)
    if to_lab(pixels[None])[0, :, 0].std() < 0.1:
        return
    before = to_hex(ink)
    assert apart(readable(before, pixels), pixels) >= apart(before, pixels) - 0.2
