"""A line's letters laid flat, stems upright: how much of each pixel is ink, at a size that shows the face."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from shared.imaging.frame import Frame, Matrix
from shared.imaging.ink.region import Region
from shared.imaging.pixels import Floats, Pixels

LARGEST = 32
"""Pixels of an em that tell enough of a typeface; larger letters are looked at from further away."""
SMALLEST = 16
_STEP = 4  # pixels of an em between two sizes, so that letters drawn for comparison can be kept
_LONGEST = 30_000  # columns that OpenCV can warp
_BEFORE = 0.5  # ems of room at both ends of the line
_ABOVE, _BELOW = 1.15, 0.45  # ems around the baseline


@dataclass(frozen=True)
class Specimen:
    """Coverage 0-255 of a line. `em` is the em's height and `baseline` the baseline's row, in its pixels.

    `scale` is its pixels for one of the picture.
    """

    cover: Pixels
    em: int
    baseline: float
    scale: float

    def column(self, along: float) -> float:
        """The column of a place `along` the line, in pixels of the picture from its frame's left edge."""
        return _BEFORE * self.em + along * self.scale


class Flat(NamedTuple):
    """What lays a line flat: its em in pixels, and its baseline, slant and tilt as `Look` has them."""

    size: float
    baseline: float
    slant: float
    tilt: float


def laid_flat(cover: Floats, region: Region, frame: Frame, flat: Flat) -> Specimen | None:
    """The letters of a measured line, which cover each pixel of the region by 0-1.

    None where they are too small, or too many in a row.
    """
    em = min(LARGEST, int(flat.size) // _STEP * _STEP)
    if em < SMALLEST:
        return None
    scale = em / flat.size
    # Larger letters are laid flat at a multiple of the size first, and then averaged.
    fine = max(1, round(flat.size / em))
    columns = math.ceil(frame.width * scale + 2 * _BEFORE * em)
    rows = math.ceil((_ABOVE + _BELOW) * em)
    if columns * fine > _LONGEST:
        return None
    place = np.array([[scale, 0, _BEFORE * em], [0, scale, _ABOVE * em], [0, 0, 1]], dtype=np.float64)
    corner = np.array([[1, 0, region.left + 0.5], [0, 1, region.top + 0.5], [0, 0, 1]], dtype=np.float64)
    enlarged = np.array([[fine, 0, -0.5], [0, fine, -0.5], [0, 0, 1]], dtype=np.float64)
    matrix = enlarged @ place @ _straightened(frame, flat) @ corner
    layer = np.rint(cover * 255).astype(np.uint8)
    large = cv2.warpPerspective(layer, matrix, (columns * fine, rows * fine), flags=cv2.INTER_LINEAR)
    small = cv2.resize(large, (columns, rows), interpolation=cv2.INTER_AREA) if fine > 1 else large
    return Specimen(np.asarray(small, dtype=np.uint8), em, _ABOVE * em, scale)


def _straightened(frame: Frame, flat: Flat) -> Matrix:
    """From the picture to the frame, its baseline level and at 0, its stems upright."""
    level = np.array(
        [[1, 0, 0], [-flat.tilt, 1, flat.tilt * frame.width / 2 - flat.baseline], [0, 0, 1]], dtype=np.float64
    )
    upright = np.array([[1, flat.slant, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float64)
    return np.asarray(upright @ level @ frame.inverse, dtype=np.float64)
