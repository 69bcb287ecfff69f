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
_PARALLEL = 1e-3  # pixels by which opposite sides of a parallelogram may differ

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
        quad = np.array(polygon, dtype=np.float64)
        if not cv2.isContourConvex(quad.astype(np.float32)) or abs(_area(quad)) < 1:
            low = quad.min(axis=0)
            high = np.maximum(quad.max(axis=0), low + 1)
            quad = np.array([low, (high[0], low[1]), high, (low[0], high[1])])
        sides = np.linalg.norm(quad - np.roll(quad, -1, axis=0), axis=1)
        width, height = max(1.0, (sides[0] + sides[2]) / 2), max(1.0, (sides[1] + sides[3]) / 2)
        if _is_parallelogram(quad):
            return cls(_affine(quad, width, height), float(width), float(height))
        rectangle = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=np.float32)
        matrix = cv2.getPerspectiveTransform(rectangle, quad.astype(np.float32)).astype(np.float64)
        return cls(matrix, float(width), float(height))

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

    def corners(self, box: Box) -> Points:
        """The corners of a local box in the picture, clockwise from its top left."""
        return self.to_picture(
            [(box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom)]
        )


def apply(matrix: Matrix, points: Iterable[Sequence[float]]) -> Points:
    """Points n x 2 moved by a homography."""
    array = np.array(list(points), dtype=np.float64).reshape(-1, 2)
    moved = np.column_stack([array, np.ones(len(array))]) @ matrix.T
    return np.asarray(moved[:, :2] / moved[:, 2:], dtype=np.float64)


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
    skew = max(abs(ax - bx + cx - dx), abs(ay - by + cy - dy))
    if skew > _PARALLEL or wide < 1 or high < 1 or abs(ux * vy - uy * vx) < 1:
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
    low = np.floor(points.min(axis=0) - margin).astype(int)
    high = np.ceil(points.max(axis=0) + margin).astype(int) + 1
    left, top = (int(v) for v in np.clip(low, 0, (width, height)))
    right, bottom = (int(v) for v in np.clip(high, 0, (width, height)))
    return left, top, right, bottom


def _area(quad: Points) -> float:
    x, y = quad[:, 0], quad[:, 1]
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def _is_parallelogram(quad: Points) -> bool:
    return bool(np.abs(quad[0] - quad[1] + quad[2] - quad[3]).max() < 0.75)


def _affine(quad: Points, width: float, height: float) -> Matrix:
    """The affine map of a rectangle onto a quadrilateral that is as good as a parallelogram."""
    a, b, c, d = quad
    across, down = (b - a + c - d) / 2, (d - a + c - b) / 2
    origin = quad.mean(axis=0) - (across + down) / 2
    return np.array([*np.column_stack([across / width, down / height, origin]), (0.0, 0.0, 1.0)])
