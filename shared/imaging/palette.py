"""Ink on a busy ground: text has colours that its surroundings have not, whatever pattern they show."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.imaging.attached import Words

Floats = NDArray[np.float32]

_CELL = 5.0  # CIELAB units: side of a cell of the histograms
_SURE = 2.0  # largest evidence of one pixel, in nats
_FEW = 200  # pixels that a histogram of the surroundings needs
_SMOOTHED = 0.03  # ems
_MARGIN_CELLS = 1


def evidence(lab: Floats, words: Words) -> Floats:
    """How much commoner each pixel's colour is in the words than around them, as a smoothed log ratio.

    The two colour histograms (Swain and Ballard 1991) are compared as in Bayes' rule; positive is text.
    """
    cells = np.floor((lab - lab.reshape(-1, 3).min(axis=0)) / _CELL).astype(np.int64) + _MARGIN_CELLS
    shape = tuple(int(n) for n in cells.reshape(-1, 3).max(axis=0) + 1 + _MARGIN_CELLS)
    keys = np.ravel_multi_index((cells[..., 0], cells[..., 1], cells[..., 2]), shape)
    around = words.usable if words.usable.sum() > _FEW else words.wide & ~words.tight
    least = 0.5 / max(1, int(words.tight.sum())) + 0.5 / max(1, int(around.sum()))
    inside, outside = (_histogram(keys[where], shape) + least for where in (words.tight, around))
    ratio = np.clip(np.log(inside / outside), -_SURE, _SURE)
    pixels = ratio.ravel()[keys].astype(np.float32)
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), max(0.7, _SMOOTHED * words.em)), dtype=np.float32)


def _histogram(keys: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Shares of the cells, each spread over its neighbours so that the grid's place matters less."""
    counts = np.bincount(keys, minlength=int(np.prod(shape))).reshape(shape) / max(1, len(keys))
    for axis in range(3):
        counts = 0.5 * counts + 0.25 * (np.roll(counts, 1, axis) + np.roll(counts, -1, axis))
    return np.asarray(counts, dtype=np.float64)
