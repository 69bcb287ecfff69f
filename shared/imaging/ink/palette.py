"""Ink on a busy ground: text has colours that its surroundings have not, whatever pattern they show."""

from __future__ import annotations

import cv2
import numpy as np

from shared.imaging.ink.attached import Words
from shared.imaging.ink.samples import count
from shared.imaging.pixels import Floats, Indices, Reals

_CELL = 5.0  # CIELAB units: side of a cell of the histograms
_SURE = 2.0  # largest evidence of one pixel, in nats
_FEW = 200  # pixels that a histogram of the surroundings needs
_SMOOTHED = 0.03  # ems
_MARGIN_CELLS = 1


def evidence(lab: Floats, words: Words) -> Floats:
    """How much commoner each pixel's colour is in the words than around them, as a smoothed log ratio.

    The two colour histograms (Swain and Ballard 1991) are compared as in Bayes' rule; positive is text.
    """
    keys, steps = _cells(lab)
    around = words.usable if count(words.usable) > _FEW else words.wide & ~words.tight
    least = 0.5 / max(1, count(words.tight)) + 0.5 / max(1, count(around))
    inside, outside = (_histogram(keys[where], steps) + least for where in (words.tight, around))
    ratio = np.clip(np.log(inside / outside), -_SURE, _SURE)
    pixels = ratio.astype(np.float32).take(keys)
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), max(0.7, _SMOOTHED * words.em)), dtype=np.float32)


def _cells(lab: Floats) -> tuple[Indices, tuple[int, int, int, int]]:
    """The number of each pixel's cell of colour; and how many there are, in a plane, in a row, and one.

    There is a margin of cells around those with pixels.
    """
    flat = lab.reshape(-1, 3)
    low, high = (cv2.reduce(flat, 0, way)[0] for way in (cv2.REDUCE_MIN, cv2.REDUCE_MAX))
    sizes = ((high - low) / np.float32(_CELL)).astype(int) + 1 + 2 * _MARGIN_CELLS
    row = int(sizes[2])
    plane = row * int(sizes[1])
    places = np.floor((lab - low) * np.float32(1 / _CELL) + np.float32(_MARGIN_CELLS))
    keys = cv2.transform(places, np.array([[plane, row, 1]], dtype=np.float32))
    return keys.astype(np.intp), (plane * int(sizes[0]), plane, row, 1)


def _histogram(keys: Indices, steps: tuple[int, int, int, int]) -> Reals:
    """Shares of the cells, each spread over its neighbours so that the grid's place matters less."""
    shares = np.bincount(keys, minlength=steps[0]) / max(1, len(keys))
    for step in steps[1:]:
        # The margin is empty, so that nothing comes around the end of a row.
        spread = 0.5 * shares
        spread[step:] += 0.25 * shares[:-step]
        spread[:-step] += 0.25 * shares[step:]
        shares = spread
    return np.asarray(shares, dtype=np.float64)
