"""How blurred the edges of a text are, so that what takes its place is no sharper."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.imaging.ink.samples import count, middle_of, of, quantile, some_of
from shared.imaging.ink.separate import Ground, Ink
from shared.imaging.pixels import Pixels

_LIGHTNESS = 38.0  # of 255: least difference of luma whose edges can be measured
_PART, _LEARN = 120_000, 400  # pixels of a crop that are enough, if so many of them are ink


def softness(rgb: Pixels, ground: Ground, ink: Ink) -> float:
    """Blur of the text's edges as a Gaussian's standard deviation in pixels, from the steepest of them.

    About 0.4, the anti-aliasing of a sharp edge, is the least, also where lightness says too little: colour
    alone is blurred by coding already.
    """
    most = _PART if count(middle_of(ink.core, _PART)) >= _LEARN else ink.core.size
    seen, light, core, halo = (middle_of(each, most) for each in (rgb, ground.paint, ink.core, ink.halo))
    if count(core) < 12 or min(core.shape) < 3:
        return 0.4
    far = cv2.absdiff(_light(seen), _light(light))
    full = quantile(of(far, core), 0.85)
    if full < _LIGHTNESS:
        return 0.4
    around = halo[:-1, :-1]
    across, down = (
        some_of(of(cv2.absdiff(far[:-1, :-1], beside), around)) for beside in (far[:-1, 1:], far[1:, :-1])
    )
    steep = np.hypot(across, down, dtype=np.float32)
    if steep.size == 0:
        return 0.4
    return max(0.4, full / (2.507 * max(1e-3, quantile(steep, 0.97))))


def _light(rgb: NDArray[Any]) -> NDArray[np.uint8]:
    """Luma of bytes."""
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
