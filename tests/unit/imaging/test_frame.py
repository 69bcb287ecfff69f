"""A frame lays a text's own coordinates onto the picture, wherever that is."""

from __future__ import annotations

import numpy as np
import pytest

from shared.imaging.frame import Frame

NEARLY = np.array([(0.0, 0.0), (304.0, -7.3), (305.0, 28.2), (0.8, 34.8)])


@pytest.mark.parametrize("place", [(0, 0), (272, 793), (4000, 3000)])
def test_what_is_nearly_a_parallelogram_stays_on_its_corners(place: tuple[int, int]) -> None:
    quad = NEARLY + place
    frame = Frame.of([(x, y) for x, y in quad])
    rectangle = [(0, 0), (frame.width, 0), (frame.width, frame.height), (0, frame.height)]
    assert frame.is_affine
    assert np.abs(frame.to_picture(rectangle) - quad).max() < 0.5
