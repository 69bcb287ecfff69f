"""Finding lines of text: the detector at sizes of letters it knows, one box for a line, and straight."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from local.engines.geometry import TALL, Image, Quad, angle, ink, size, straighten

Detect = Callable[[Image], list[Quad]]
"""Boxes of text in a picture, in its pixels."""

_SIDE = 736
"""A picture's shorter side in pixels, below which RapidOCR would enlarge it, however high its letters are."""

_MOST_ENLARGED = 2.0
_HIGH = 130.0  # pixels; of higher letters the detector finds pieces, and those overlap
_COMFORTABLE = 64.0
_LEAST_SIDE = 32
_HEIGHTS = 1.5
_NEAR = 0.3  # line heights between boxes that are pieces of one line; columns are farther apart
_TURN = 8.0
_LONG = 10.0  # times its height: the box of so long a line tells the direction well enough
_LEAN = 4.0  # degrees that the box of a short word may be off
_SURER = 1.02
_LEVEL = 0.7


def find(image: Image, detect: Detect) -> list[Quad]:
    """Quads of the lines of a picture, clockwise from the text's own top left, in no particular order."""
    scale = min(_MOST_ENLARGED, max(1.0, _SIDE / min(image.shape[:2])))
    quads = _at(image, detect, scale)
    highest = max((min(size(quad)) for quad in quads), default=0.0) * scale
    if highest > _HIGH:
        smaller = max(scale * _COMFORTABLE / highest, _LEAST_SIDE / min(image.shape[:2]))
        quads = _replaced(quads, _at(image, detect, smaller), _HIGH / scale)
    return [_straight(image, quad) for quad in merged([quad for quad in quads if min(size(quad)) >= 3])]


def _at(image: Image, detect: Detect, scale: float) -> list[Quad]:
    """Detect in the picture scaled; its continued edges keep RapidOCR from enlarging it again."""
    height, width = (max(1, round(n * scale)) for n in image.shape[:2])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled: Any = image if scale == 1 else cv2.resize(image, (width, height), interpolation=how)
    below, beside = max(0, _SIDE - height), max(0, _SIDE - width)
    padded: Any = cv2.copyMakeBorder(scaled, 0, below, 0, beside, cv2.BORDER_REPLICATE)
    edge = np.array([image.shape[1], image.shape[0]], np.float32)
    return [np.clip(quad / scale, 0, edge).astype(np.float32) for quad in detect(padded)]


def _replaced(fine: list[Quad], coarse: list[Quad], high: float) -> list[Quad]:
    """Boxes higher than `high` give way to those of the smaller picture that hold them, with all in these."""
    large = [quad for quad in fine if min(size(quad)) > high]
    taken = [quad for quad in coarse if any(_share_in(piece, quad) > 0.5 for piece in large)]
    return [quad for quad in fine if all(_share_in(quad, whole) < 0.5 for whole in taken)] + taken


def _share_in(inner: Quad, outer: Quad) -> float:
    area = abs(float(cv2.contourArea(inner)))
    return float(cv2.intersectConvexConvex(inner, outer)[0]) / area if area > 0 else 0.0


def merged(quads: list[Quad]) -> list[Quad]:
    """Quads with neighbours on one line that overlap or nearly touch made one; columns stay apart."""
    rest = sorted(quads, key=lambda quad: float(quad[:, 0].mean()))
    lines: list[Quad] = []
    while rest:
        line = rest.pop(0)
        while (place := next((i for i, quad in enumerate(rest) if _continues(line, quad)), None)) is not None:
            line = _united(line, rest.pop(place))
        lines.append(line)
    return lines


def _continues(line: Quad, other: Quad) -> bool:
    """Whether `other` is a piece of the same line, next to `line` or over it."""
    (along, height), (other_along, other_height) = size(line), size(other)
    if height > TALL * along or other_height > TALL * other_along:
        return False
    turn = (angle(line) - angle(other) + 180) % 360 - 180
    alike = max(height, other_height) < _HEIGHTS * min(height, other_height)
    if abs(turn) > _TURN or not alike:
        return False
    axes = _axes(line if along > other_along else other)
    (left, top, right, bottom), (start, high, end, low) = _extent(line, axes), _extent(other, axes)
    shared = min(bottom, low) - max(top, high)
    gap = max(start - right, left - end)
    return shared > 0.6 * min(bottom - top, low - high) and gap < _NEAR * min(height, other_height)


def _axes(quad: Quad) -> Any:
    turn = np.radians(angle(quad))
    return np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])


def _extent(quad: Quad, axes: Any) -> tuple[float, float, float, float]:
    """Left, top, right and bottom in turned axes; a side counts as its middle, without its slant."""
    us, vs = axes @ quad.T
    return (us[0] + us[3]) / 2, (vs[0] + vs[1]) / 2, (us[1] + us[2]) / 2, (vs[2] + vs[3]) / 2


def _united(line: Quad, other: Quad) -> Quad:
    """The box around both, in the direction from the middle of one to that of the other, or the longer's."""
    first, last = sorted((line, other), key=lambda quad: float(quad[[0, 3]].mean(axis=0) @ _axes(line)[0]))
    ends = last[[1, 2]].mean(axis=0) - first[[0, 3]].mean(axis=0)
    axes = np.array([ends, [-ends[1], ends[0]]]) / max(1e-6, float(np.linalg.norm(ends)))
    extents = np.array([_extent(line, axes), _extent(other, axes)])
    (left, top), (right, bottom) = extents[:, :2].min(axis=0), extents[:, 2:].max(axis=0)
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    return (corners @ axes).astype(np.float32)


def _straight(image: Image, quad: Quad) -> Quad:
    """The quad of a short line turned as its ink runs: a box around a word leans with its ascenders.

    The direction is the one whose rows begin and end most sharply (Postl 1986).
    """
    along, across = size(quad)
    if not across <= along < _LONG * across:
        return quad
    crop = straighten(image, quad, lowest=32, highest=64)
    ys, xs = np.nonzero(ink(crop.pixels))
    if len(xs) < 20:
        return quad
    leans = np.arange(-_LEAN, _LEAN + 0.1, 0.25)
    sharpness = [_sharpness(xs, ys, float(np.tan(np.radians(lean)))) for lean in leans]
    best = float(leans[int(np.argmax(sharpness))])
    if max(sharpness) < _SURER * _sharpness(xs, ys, 0.0):
        return quad
    # Scripts without a baseline can look sharpest askew: no box is turned away from the picture's axes.
    now = _off_axes(angle(quad))
    if abs(_off_axes(angle(quad) + best)) > abs(now):
        return quad
    # A word that is as good as level was meant to be.
    level = abs(_off_axes(angle(quad) + best)) < _LEVEL
    return _turned_by(quad, -now if level else best)


def _off_axes(degrees: float) -> float:
    """The turn from the nearest of the picture's axes."""
    return (degrees + 45) % 90 - 45


def _sharpness(xs: Any, ys: Any, slope: float) -> float:
    rows = np.rint(ys - slope * (xs - xs.mean())).astype(int)
    counts = np.bincount(rows - rows.min() + 1, minlength=2)
    return float((np.diff(counts, append=0).astype(float) ** 2).sum())


def _turned_by(quad: Quad, degrees: float) -> Quad:
    """The quad as a rectangle turned clockwise about its middle."""
    middle, (along, across) = quad.mean(axis=0), size(quad)
    turn = np.radians(angle(quad) + degrees)
    right, down = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return np.array([middle + (a * along * right + b * across * down) / 2 for a, b in signs], np.float32)
