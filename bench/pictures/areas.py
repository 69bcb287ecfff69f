"""Polygons as masks and as numbers, written apart from the product's own so that neither hides the other."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

Quad = NDArray[np.float64]
Mask = NDArray[np.bool_]


def covered(shape: tuple[int, int], polygons: Iterable[Quad]) -> Mask:
    """Mask of `shape` (rows, columns) of the polygons, every touched pixel counted."""
    mask = np.zeros(shape, np.uint8)
    for polygon in polygons:
        cv2.fillPoly(mask, [np.rint(np.asarray(polygon)).astype(np.int32)], 1)
    return mask.astype(bool)


def grown(quad: Quad, margin: float) -> Quad:
    """A quad with each side moved outwards by `margin` pixels, along its own axes."""
    quad = np.asarray(quad, np.float64)
    along, down = quad[1] - quad[0], quad[3] - quad[0]
    u = along / max(1e-6, float(np.linalg.norm(along))) * margin
    v = down / max(1e-6, float(np.linalg.norm(down))) * margin
    return quad + np.array([-u - v, u - v, u + v, -u + v])


def around(quads: Iterable[Quad]) -> Quad:
    """The smallest quad, in the axes of the first, that holds all of them."""
    listed = [np.asarray(quad, np.float64) for quad in quads]
    along = listed[0][1] - listed[0][0]
    u = along / max(1e-6, float(np.linalg.norm(along)))
    axes = np.array([u, [-u[1], u[0]]])
    local = np.concatenate(listed) @ axes.T
    (left, top), (right, bottom) = local.min(axis=0), local.max(axis=0)
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]]) @ axes


def overlap(one: Quad, other: Quad) -> float:
    """Intersection over union of two convex quads."""
    a, b = np.asarray(one, np.float32), np.asarray(other, np.float32)
    shared = float(cv2.intersectConvexConvex(a, b)[0])
    union = abs(float(cv2.contourArea(a))) + abs(float(cv2.contourArea(b))) - shared
    return shared / union if union > 0 else 0.0


def holds(polygon: Quad, point: Quad) -> bool:
    """Whether a point lies in a polygon."""
    contour = np.asarray(polygon, np.float32).reshape(-1, 1, 2)
    return cv2.pointPolygonTest(contour, (float(point[0]), float(point[1])), False) >= 0
