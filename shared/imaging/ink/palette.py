"""Ink on a busy ground: text has colours that its surroundings have not, whatever pattern they show."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.imaging.ink.attached import Words
from shared.imaging.ink.samples import count, of
from shared.imaging.pixels import Floats

_CELL = 5.0  # CIELAB units: side of a cell of the histograms
_SURE = 2.0  # largest evidence of one pixel, in nats
_FEW = 200  # pixels that a histogram of the surroundings needs
_SMOOTHED = 0.03  # ems
_MARGIN_CELLS = 1


def evidence(lab: Floats, words: Words) -> Floats:
    """How much commoner each pixel's colour is in the words than around them, as a smoothed log ratio.

    The two colour histograms (Swain and Ballard 1991) are compared as in Bayes' rule; positive is text.
    """
    keys, shape = _cells(lab)
    around = words.usable if count(words.usable) > _FEW else words.wide & ~words.tight
    least = 0.5 / max(1, count(words.tight)) + 0.5 / max(1, count(around))
    inside, outside = (_histogram(of(keys, where), shape) + least for where in (words.tight, around))
    ratio = np.clip(np.log(inside / outside), -_SURE, _SURE)
    pixels = ratio.astype(np.float32).ravel().take(keys)
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), max(0.7, _SMOOTHED * words.em)), dtype=np.float32)


def _cells(lab: Floats) -> tuple[NDArray[np.int32], tuple[int, int, int]]:
    """The number of each pixel's cell of colour, and how many there are along each axis, with a margin."""
    keys, sizes = np.zeros(lab.shape[:2], dtype=np.int32), []
    for axis in range(3):
        values = lab[..., axis]
        place = ((values - values.min()) * np.float32(1 / _CELL)).astype(np.int32) + _MARGIN_CELLS
        sizes.append(int(place.max()) + 1 + _MARGIN_CELLS)
        keys = keys * sizes[-1] + place
    return keys, (sizes[0], sizes[1], sizes[2])


def _histogram(keys: NDArray[np.int32], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Shares of the cells, each spread over its neighbours so that the grid's place matters less."""
    counts = np.bincount(keys, minlength=int(np.prod(shape))).reshape(shape) / max(1, len(keys))
    for axis in range(3):
        counts = 0.5 * counts + 0.25 * (np.roll(counts, 1, axis) + np.roll(counts, -1, axis))
    return np.asarray(counts, dtype=np.float64)
