"""A text's own coordinates: u along the baseline, v downwards, and how they lie in the picture."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.imaging.geometry import Box
from shared.scenes.recognition import Point

ASCENT = 0.77
"""Share of the em above the baseline that a block's polygon covers at its first line."""
DESCENT = 0.23
"""Share of the em below the baseline that a block's polygon covers at its last line."""
_PARALLEL, _NEARLY_PARALLEL = 1e-3, 0.75  # pixels by which opposite sides of a parallelogram may differ
_HORIZON = 1e-300  # instead of dividing by nothing, where a perspective has its horizon

Matrix = NDArray[np.float64]
Points = NDArray[np.float64]


@dataclass(frozen=True)
class Frame:
    """The rectangle `width` x `height` (pixels) laid onto the picture by the homography `matrix`."""

    matrix: Matrix
    width: float
    height: float

    @classmethod
    def of(cls, polygon: Sequence[Point]) -> Frame:
        """The frame whose corners are `polygon`'s, from the text's top left clockwise.

        A polygon without area, or crossed, gives the upright rectangle around it, at least a pixel wide.
        """
        corners = _sound(polygon)
        width, height = _sides(corners)
        if _skew(corners) < _NEARLY_PARALLEL:
            return cls(_affine(corners, width, height), width, height)
        rectangle = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=np.float32)
        quad = np.array(corners, dtype=np.float32)
        return cls(cv2.getPerspectiveTransform(rectangle, quad).astype(np.float64), width, height)

    @cached_property
    def inverse(self) -> Matrix:
        """From picture to local coordinates."""
        return np.asarray(np.linalg.inv(self.matrix), dtype=np.float64)

    @property
    def is_affine(self) -> bool:
        """Whether parallel lines stay parallel."""
        return bool(self.matrix[2, 0] == 0 and self.matrix[2, 1] == 0)

    def to_picture(self, points: Iterable[Sequence[float]]) -> Points:
        """Local points as picture points, n x 2."""
        return apply(self.matrix, points)

    def to_local(self, points: Iterable[Sequence[float]]) -> Points:
        """Picture points as local points, n x 2."""
        return apply(self.inverse, points)

    def around(self, points: Iterable[Sequence[float]]) -> Box:
        """The local box around picture points."""
        moved = _moved(self.inverse, points)
        xs, ys = [x for x, _ in moved], [y for _, y in moved]
        return Box(min(xs), min(ys), max(xs), max(ys))

    def corners(self, box: Box) -> Points:
        """The corners of a local box in the picture, clockwise from its top left."""
        return self.to_picture(
            [(box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom)]
        )


def apply(matrix: Matrix, points: Iterable[Sequence[float]]) -> Points:
    """Points n x 2 moved by a homography."""
    return np.array(_moved(matrix, points), dtype=np.float64).reshape(-1, 2)


def _moved(matrix: Matrix, points: Iterable[Sequence[float]]) -> list[Point]:
    """`apply` on bare numbers: for the four corners of a box NumPy takes five times as long."""
    (a, b, c), (d, e, f), (g, h, i) = matrix.tolist()
    moved = []
    for x, y in points.tolist() if isinstance(points, np.ndarray) else points:
        away = g * x + h * y + i or _HORIZON
        moved.append(((a * x + b * y + c) / away, (d * x + e * y + f) / away))
    return moved


def sides_of(polygon: Sequence[Point]) -> tuple[float, float]:
    """Width and height of the frame on a polygon, in pixels."""
    return _sides(_sound(polygon))


def _sound(polygon: Sequence[Point]) -> list[Point]:
    """The corners of a convex quadrangle with an area: of the upright rectangle around what is none."""
    corners = [(float(x), float(y)) for x, y in polygon]
    if cv2.isContourConvex(np.array(corners, dtype=np.float32)) and abs(_area(corners)) >= 1:
        return corners
    left, top = (min(values) for values in zip(*corners, strict=True))
    right, bottom = (max(values) for values in zip(*corners, strict=True))
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _sides(corners: Sequence[Point]) -> tuple[float, float]:
    """The mean length of opposite sides, at least a pixel."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners
    top, bottom = math.hypot(ax - bx, ay - by), math.hypot(cx - dx, cy - dy)
    right, left = math.hypot(bx - cx, by - cy), math.hypot(dx - ax, dy - ay)
    return max(1.0, (top + bottom) / 2), max(1.0, (right + left) / 2)


def grown(polygon: Sequence[Point] | Points, along: float, across: float) -> Points:
    """A polygon made larger by `along` pixels at both ends of the baseline and `across` above and below."""
    corners = [(float(x), float(y)) for x, y in polygon]
    moved = _moved_apart(corners, along, across)
    if moved is not None:
        return moved
    frame = Frame.of(corners)
    return frame.corners(Box(-along, -across, frame.width + along, frame.height + across))


def _moved_apart(corners: Sequence[Point], along: float, across: float) -> Points | None:
    """`grown` for a parallelogram that is no line, as nearly all are; None for what is none."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners
    (ux, uy), (vx, vy) = (bx - ax, by - ay), (dx - ax, dy - ay)
    wide, high = math.hypot(ux, uy), math.hypot(vx, vy)
    if _skew(corners) > _PARALLEL or wide < 1 or high < 1 or abs(ux * vy - uy * vx) < 1:
        return None
    ux, uy, vx, vy = along * ux / wide, along * uy / wide, across * vx / high, across * vy / high
    return np.array(
        [
            (ax - ux - vx, ay - uy - vy),
            (bx + ux - vx, by + uy - vy),
            (cx + ux + vx, cy + uy + vy),
            (dx - ux + vx, dy - uy + vy),
        ]
    )


def lengthened(polygon: Sequence[Point] | Points, below: float) -> Points:
    """A polygon made larger by `below` pixels at its lower side."""
    frame = Frame.of([(float(x), float(y)) for x, y in polygon])
    return frame.corners(Box(0, 0, frame.width, frame.height + below))


def filled(
    shape: tuple[int, int], polygons: Iterable[Points], left: int = 0, top: int = 0
) -> NDArray[np.bool_]:
    """Mask of `shape` (rows, columns) of the polygons, in a crop whose corner is at `left`, `top`."""
    mask = np.zeros(shape, dtype=np.uint8)
    for polygon in polygons:
        shifted = np.rint((polygon - (left, top)) * 16).astype(np.int32)
        cv2.fillPoly(mask, [shifted], 1, shift=4)
    return mask.astype(bool)


def bounds(points: Points, margin: float, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of a crop around `points` with a margin, cut to the picture."""
    (least_x, least_y), (most_x, most_y) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    left, top = (min(max(0.0, v - margin), most) for v, most in ((least_x, width), (least_y, height)))
    right, bottom = (min(max(-1.0, v + margin), most) for v, most in ((most_x, width), (most_y, height)))
    end_x, end_y = min(math.ceil(right) + 1, width), min(math.ceil(bottom) + 1, height)
    return math.floor(left), math.floor(top), end_x, end_y


def _area(corners: Sequence[Point]) -> float:
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners
    return ((cx - ax) * (dy - by) - (dx - bx) * (cy - ay)) / 2


def _skew(corners: Sequence[Point]) -> float:
    """How many pixels a quadrangle's opposite sides differ by."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners
    return max(abs(ax - bx + cx - dx), abs(ay - by + cy - dy))


def _affine(corners: Sequence[Point], width: float, height: float) -> Matrix:
    """The affine map of a rectangle onto a quadrilateral that is as good as a parallelogram."""
    rows = []
    for a, b, c, d in zip(*corners, strict=True):
        across, down = (b - a + c - d) / 2, (d - a + c - b) / 2
        rows.append((across / width, down / height, (a + b + c + d) / 4 - (across + down) / 2))
    return np.array([*rows, (0.0, 0.0, 1.0)])
