"""Ground with a direction, such as wood: what covers it is painted over along its grain."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.imaging.ink.samples import count, of, put
from shared.imaging.pixels import Floats, Mask, Pixels

_DIRECTED = 0.7  # coherence of the gradients, 0 to 1, from which a ground has one direction
_LEARN = 200  # pixels of ground that tell it
_STEADY = 5  # pixels that are averaged along the grain before they are carried on
_WHOLE = 250  # of 255: what a turned mask must cover of a pixel
_ENOUGH = 400  # pixels of the longer side in which a direction shows
_MEAN = np.full((1, 3), 1 / 3, dtype=np.float32)
_BAND = 64  # rows that are continued at a time: they need many times their memory


def along_grain(crop: Pixels, covered: Mask, known: Mask, smooth: Floats) -> tuple[Pixels, Mask] | None:
    """The crop with what is `covered` continued along the grain, and where that was possible.

    `known` are pixels that show nothing but ground, `smooth` is its mean light, whose changes are no grain.
    None where the ground has no direction, by its structure tensor (Bigun and Granlund, 1987). Between the
    two known ends of a row of the grain the colour changes evenly; a row with one end keeps its colour.
    """
    known = known & ~covered
    angle = _direction(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) - cv2.transform(smooth, _MEAN), known)
    if angle is None:
        return None
    height, width = covered.shape
    turn, size = _turn(angle, width, height)
    level = np.asarray(cv2.warpAffine(crop, turn, size, flags=cv2.INTER_LINEAR), dtype=np.uint8)
    ends: Mask = np.asarray(cv2.warpAffine(known * np.uint8(255), turn, size)) > _WHOLE
    for top in range(0, size[1], _BAND):
        level[top : top + _BAND] = _continued(level[top : top + _BAND], ends[top : top + _BAND])
    back = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    reached = np.repeat(np.max(ends, axis=1, keepdims=True) * np.uint8(255), size[0], axis=1)
    there = cv2.warpAffine(reached, turn, (width, height), flags=back) > _WHOLE
    painted = covered & there
    result = crop.copy()
    put(result, cv2.warpAffine(level, turn, (width, height), flags=back), painted)
    return result, painted


def _direction(light: Floats, known: Mask) -> float | None:
    """The angle of the grain in radians, clockwise from the crop's rows."""
    height, width = known.shape
    shrink = max(height, width) / _ENOUGH
    if shrink > 1:
        size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
        light = np.asarray(cv2.resize(light, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
        known = np.asarray(cv2.resize(known * np.uint8(255), size, interpolation=cv2.INTER_AREA)) > _WHOLE
    # A gradient is the ground's own where all that it is taken from is.
    sure = cv2.erode(known.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if count(sure) < _LEARN:
        return None
    light = np.asarray(cv2.GaussianBlur(light, (0, 0), 1.0), dtype=np.float32)
    across, down = (of(cv2.Sobel(light, cv2.CV_32F, *way), sure) for way in ((1, 0), (0, 1)))
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


def _continued(level: Pixels, ends: Mask) -> Pixels:
    """Each pixel of the rows between the nearest known ones of its row; a row without any stays."""
    weight = cv2.blur(ends.astype(np.float32), (_STEADY, 1))
    steady = cv2.blur(level * ends[..., None].astype(np.float32), (_STEADY, 1))
    steady = np.asarray(steady / np.maximum(weight, 1e-6)[..., None], dtype=np.float32)
    width = ends.shape[1]
    columns = np.arange(width, dtype=np.int32)
    before = np.maximum.accumulate(np.where(ends, columns, np.int32(-1)), axis=1)
    after = np.minimum.accumulate(np.where(ends, columns, np.int32(width))[:, ::-1], axis=1)[:, ::-1]
    known: Mask = np.max(ends, axis=1, keepdims=True)
    result = np.where(known[..., None], cv2.convertScaleAbs(steady), level)
    places = np.flatnonzero(known & ~ends)
    rows, across = np.divmod(places, width)
    first, last = before.ravel()[places], after[rows, across]
    share = np.clip((across - first) / np.maximum(1, last - first), 0, 1).astype(np.float32)
    share[first < 0], share[last >= width] = 1.0, 0.0
    ways = steady.reshape(-1, 3)
    left = ways.take(rows * width + np.maximum(first, 0), axis=0)
    right = ways.take(rows * width + np.minimum(last, width - 1), axis=0)
    between = left + (right - left) * share[:, None]
    result.reshape(-1, 3)[places] = np.rint(between).astype(np.uint8)
    return np.asarray(result, dtype=np.uint8)
