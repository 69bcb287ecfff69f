"""Free space ends at things that differ too little to be seen sample by sample."""

from __future__ import annotations

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
