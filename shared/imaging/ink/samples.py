"""The pixels that a mask chooses, and what a sample of them tells: exact order costs more than it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.imaging.pixels import Floats, Indices, Labels, Mask

_BAND = 1 << 18  # pixels that are looked up at a time
_ENOUGH = 4096  # values whose order tells that of any number
_CELLS = 128  # of the histogram that is parted in two
_MIDDLES = np.arange(_CELLS) + 0.5


def of(values: NDArray[Any], where: Mask) -> NDArray[Any]:
    """The values of the pixels in a mask, n or n x channels."""
    if values.ndim == where.ndim:
        return np.asarray(values[where])
    # Of several channels NumPy takes rows of pixels quicker than it looks up a mask.
    return np.asarray(np.compress(where.ravel(), values.reshape(where.size, -1), axis=0))


def some_of(values: NDArray[Any]) -> NDArray[Any]:
    """The values, or of many an evenly chosen part."""
    return values[:: max(1, values.size // _ENOUGH)]


def quantile(values: NDArray[Any], share: float) -> float:
    """The value below which a `share` of the values lies, from evenly chosen ones of many."""
    some = some_of(values)
    place = round(share * (some.size - 1))
    return float(np.partition(some, place)[place])


def otsu(values: Floats) -> float:
    """Otsu's threshold of a sample of distances."""
    values = some_of(values)
    top = float(values.max())
    if top <= 0:
        return 0.0
    cells = np.minimum(values * np.float32(_CELLS / top), _CELLS - 1).astype(np.intp)
    counts = np.bincount(cells, minlength=_CELLS)
    below = np.cumsum(counts)
    mass = np.cumsum(counts * _MIDDLES)
    # The spread between both sides, but for factors that are the same for all cuts.
    parted = np.square(mass * below[-1] - mass[-1] * below) / np.maximum(1, below * (below[-1] - below))
    return float(_MIDDLES[int(np.argmax(parted))] * (top / _CELLS))


def places_in(mask: Mask, most: int) -> tuple[Indices, Indices]:
    """Rows and columns of at most about so many pixels of a mask, evenly chosen."""
    apart = max(1, int((mask.size / most) ** 0.5 / 2))
    ys, xs = np.nonzero(mask[::apart, ::apart])
    step = max(1, len(xs) // most)
    return ys[::step] * apart, xs[::step] * apart


def middle_of(values: NDArray[Any], most: int) -> NDArray[Any]:
    """At most about so many pixels of the middle of a crop, as a window: there it is as everywhere."""
    height, width = values.shape[:2]
    share = min(1.0, (most / max(1, height * width)) ** 0.5)
    top, left = int(height * (1 - share) / 2), int(width * (1 - share) / 2)
    return values[top : height - top, left : width - left]


def count(mask: Mask) -> int:
    """How many pixels a mask holds."""
    return int(np.count_nonzero(mask))


def put(target: NDArray[np.uint8], values: NDArray[Any], where: Mask) -> None:
    """Set the pixels of a mask, in place; `target` may be a window of a picture."""
    cv2.copyTo(values, where.view(np.uint8), target)


@dataclass(frozen=True)
class Parts:
    """The connected parts of a mask of `shape`, told by its pixels alone: most of a text's crop is ground.

    `places` are the pixels of the mask in reading order, `part` the number of its part, from 1 to below
    `count`; 0 stands for what is outside.
    """

    shape: tuple[int, ...]
    places: Indices
    part: Labels
    count: int

    @classmethod
    def of(cls, mask: Mask) -> Parts:
        """The parts of a mask, where pixels touch by their corners, too."""
        count, labels = parts_of(mask)
        places = np.flatnonzero(mask)
        return cls(mask.shape, places, labels.ravel()[places], count)

    def sizes(self) -> Indices:
        """How many pixels each part has."""
        return np.bincount(self.part, minlength=self.count)

    def within(self, mask: Mask) -> Indices:
        """How many pixels of each part are in a mask."""
        return np.bincount(self.part[mask.ravel()[self.places]], minlength=self.count)

    def of_those(self, chosen: Mask) -> Mask:
        """The pixels of the chosen parts."""
        found = np.zeros(self.shape, dtype=bool)
        found.ravel()[self.places] = chosen[self.part]
        return found


def parts_of(mask: Mask) -> tuple[int, Labels]:
    """How many labels there are, and that of each pixel: its connected part's, or 0 outside the mask."""
    parts, labels = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)
    return int(parts), np.asarray(labels, dtype=np.int32)


def of_parts(chosen: Mask, labels: Labels) -> Mask:
    """The pixels whose label is chosen. In bands, for NumPy makes eight bytes of each label to look it up."""
    found = np.empty(labels.shape, dtype=bool)
    rows = max(1, _BAND // max(1, labels.shape[1]))
    for top in range(0, len(labels), rows):
        chosen.take(labels[top : top + rows], out=found[top : top + rows])
    return found
