"""Free space ends at things that differ too little to be seen sample by sample."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from shared.imaging.fit.space import larger_boxes
from shared.imaging.frame import Frame
from shared.imaging.geometry import Box

EM = 24.0
POLYGON = [(60.0, 60.0), (160.0, 60.0), (160.0, 88.0), (60.0, 88.0)]


def grainy(noise: float, rule: int | None) -> np.ndarray:
    rng = np.random.default_rng(5)
    rgb = np.full((160, 400, 3), 150.0) + rng.normal(0, noise, (160, 400, 1))
    if rule is not None:
        rgb[:, rule : rule + 2] -= 14
    return np.clip(rgb, 0, 255).astype(np.uint8)


def right_of(rgb: np.ndarray) -> float:
    frame = Frame.of(POLYGON)
    return max(box.right for box in larger_boxes(rgb, frame, EM, [], "left"))


@pytest.mark.parametrize("noise", [2.0, 4.0, 6.0])
def test_a_faint_rule_ends_the_free_space_on_any_grain(noise: float) -> None:
    assert right_of(grainy(noise, rule=200)) < 140


@pytest.mark.parametrize("noise", [0.0, 2.0, 6.0, 10.0])
def test_a_grain_alone_ends_nothing(noise: float) -> None:
    assert right_of(grainy(noise, rule=None)) > 190


def test_what_a_block_has_given_away_need_not_go_on() -> None:
    rgb = grainy(0.0, rule=None)
    rgb[61:63, 170:] = 40
    frame = Frame.of(POLYGON)
    kept = Box(0, 10, 100, 28)
    assert max(box.right for box in larger_boxes(rgb, frame, EM, [], "left")) < 110
    assert max(box.right for box in larger_boxes(rgb, frame, EM, [], "left", kept)) > 190


def test_free_space_reaches_close_to_a_round_outline() -> None:
    rgb = np.full((260, 420, 3), 255, np.uint8)
    cv2.ellipse(rgb, (210, 130), (180, 110), 0, 0, 360, (20, 20, 20), 3, cv2.LINE_AA)
    frame = Frame.of([(100.0, 85.0), (320.0, 85.0), (320.0, 175.0), (100.0, 175.0)])
    tall = larger_boxes(rgb, frame, 36.0, [], "center")[2]
    # Above the box's corners the outline is 42 pixels away, and 0.4 ems stay free before it.
    assert 15 < -tall.top <= 42 - 0.4 * 36
