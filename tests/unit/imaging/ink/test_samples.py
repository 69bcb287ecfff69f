"""The pixels that a mask or a label chooses."""

from __future__ import annotations

import numpy as np
import pytest

from shared.imaging.ink.samples import of_parts


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (700, 900), (2, 300_000)])
def test_parts_are_looked_up_in_every_band(shape):
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 9, shape, dtype=np.int32)
    chosen = rng.random(9) < 0.5
    assert (of_parts(chosen, labels) == chosen[labels]).all()
