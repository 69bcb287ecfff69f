"""Ground with a direction, such as wood: what covers it is painted over along its grain."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.imaging.attached import Mask
from shared.imaging.colour import Pixels

Floats = NDArray[np.float32]

_DIRECTED = 0.7  # coherence of the gradients, 0 to 1, from which a ground has one direction
_LEARN = 200  # pixels of ground that tell it
_STEADY = 5  # pixels that are averaged along the grain before they are carried on
_WHOLE = 250  # of 255: what a turned mask must cover of a pixel


def along_grain(crop: Pixels, covered: Mask, known: Mask) -> tuple[Pixels, Mask] | None:
    """The crop with what is `covered` continued along the grain, and where that was possible.

    `known` are pixels that show nothing but ground. None where the ground has no direction, by its structure
    tensor (Bigun and Granlund, 1987). Between the two known ends of a row of the grain the colour changes
    evenly; a row with one end keeps its colour.
    """
    known = known & ~covered
    angle = _direction(crop, known)
    if angle is None:
        return None
    height, width = covered.shape
    turn, size = _turn(angle, width, height)
    level = np.asarray(cv2.warpAffine(crop, turn, size, flags=cv2.INTER_LINEAR), dtype=np.float32)
    ends = np.asarray(cv2.warpAffine(known * np.uint8(255), turn, size) > _WHOLE, dtype=bool)
    filled, reached = _continued(level, ends)
    back = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    there = cv2.warpAffine(reached * np.uint8(255), turn, (width, height), flags=back) > _WHOLE
    painted = covered & there
    result = crop.copy()
    values = cv2.warpAffine(filled, turn, (width, height), flags=back)
    result[painted] = np.clip(np.rint(values[painted]), 0, 255).astype(np.uint8)
    return result, painted


def _direction(crop: Pixels, known: Mask) -> float | None:
    """The angle of the grain in radians, clockwise from the crop's rows."""
    # A gradient is the ground's own where all that it is taken from is.
    sure = cv2.erode(known.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if sure.sum() < _LEARN:
        return None
    light = cv2.GaussianBlur(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1.0)
    across, down = (cv2.Sobel(light, cv2.CV_32F, *way)[sure] for way in ((1, 0), (0, 1)))
    xx, yy, xy = (float(np.mean(product)) for product in (across**2, down**2, across * down))
    coherence = np.hypot(xx - yy, 2 * xy) / max(1e-6, xx + yy)
    if coherence < _DIRECTED:
        return None
    return float(0.5 * np.arctan2(2 * xy, xx - yy)) + np.pi / 2


def _turn(angle: float, width: int, height: int) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """The affine map that lays the grain along the rows, and the size of what it makes of the crop."""
    cos, sin = np.cos(angle), np.sin(angle)
    wide = int(np.ceil(abs(width * cos) + abs(height * sin))) + 1
    high = int(np.ceil(abs(width * sin) + abs(height * cos))) + 1
    middle = np.array([[cos, sin], [-sin, cos]]) @ (width / 2, height / 2)
    return np.array([[cos, sin, wide / 2 - middle[0]], [-sin, cos, high / 2 - middle[1]]]), (wide, high)


def _continued(level: Floats, ends: Mask) -> tuple[Floats, Mask]:
    """Each pixel between the nearest known ones of its row, and whether it has any."""
    weight = cv2.blur(ends.astype(np.float32), (_STEADY, 1))
    steady = cv2.blur(level * ends[..., None], (_STEADY, 1)) / np.maximum(weight, 1e-6)[..., None]
    height, width = ends.shape
    columns = np.arange(width)
    before = np.maximum.accumulate(np.where(ends, columns, -1), axis=1)
    after = np.minimum.accumulate(np.where(ends, columns, width)[:, ::-1], axis=1)[:, ::-1]
    has_before, has_after = before >= 0, after < width
    rows = np.arange(height)[:, None]
    left, right = steady[rows, np.maximum(before, 0)], steady[rows, np.minimum(after, width - 1)]
    share = (columns - before) / np.maximum(1, after - before)
    share = np.where(has_before & has_after, share, np.where(has_before, 0.0, 1.0))[..., None]
    filled = np.asarray(left * (1 - share) + right * share, dtype=np.float32)
    return filled, np.asarray(has_before | has_after, dtype=bool)
