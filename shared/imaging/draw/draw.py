"""Draw laid-out text into a picture, at any angle and in perspective, one line's window at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import cv2
import numpy as np

from shared.imaging.draw.raster import blurred, ink_box, letters, rim, rule
from shared.imaging.fit.placing import PlacedLine
from shared.imaging.fit.solver import Layout
from shared.imaging.frame import Frame, Matrix, bounds, filled
from shared.imaging.geometry import Box
from shared.imaging.ink.colours import from_hex
from shared.imaging.pixels import Pixels
from shared.imaging.typesetting.decoration import dressed
from shared.scenes.schemas import Style

_PLAIN = Style(size=1, weight=400, line_height=1)
_OVERSAMPLING = 3
_LARGE = 150.0  # pixels an em from which perspective needs fewer samples
_BAND = 1 << 15  # pixels that are blended at a time: what a processor keeps at hand

Colour = tuple[int, int, int]
Cover = Callable[[Matrix, tuple[int, int]], Pixels]


def draw(
    rgb: Pixels,
    alpha: Pixels | None,
    layout: Layout,
    frame: Frame,
    allowed: Box,
    colour: Colour,
    softness: float = 0.0,
    style: Style = _PLAIN,
) -> None:
    """Blend `layout` into `rgb` (and `alpha`) in place, with the outline, shadow and underline of `style`.

    `frame` says where the layout's coordinates lie in the picture; nothing outside `allowed`, a box in that
    frame, changes. `softness` is the blur in pixels (standard deviation) that the picture's own text has.
    """
    height, width = rgb.shape[:2]
    limits = frame.corners(allowed)
    for line in layout.lines:
        ink = dressed(line.shaped, style)
        if ink is None:
            continue
        reach = ink_box(line, layout.size, ink)
        left, top, right, bottom = bounds(frame.corners(reach), 2 + 3 * softness, width, height)
        if right <= left or bottom <= top:
            continue
        shape = (bottom - top, right - left)
        matrix = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]], dtype=np.float64) @ frame.matrix
        inside = filled(shape, [limits], left, top).view(np.uint8) * np.uint8(255)
        for layer, ink_colour in _layers(line, layout.size, style, colour):
            cover = blurred(_seen(layer, frame, matrix, shape, reach, layout.size), softness)
            cover &= inside
            _blend(rgb[top:bottom, left:right], cover, ink_colour)
            if alpha is not None:
                part = alpha[top:bottom, left:right]
                np.maximum(part, cover, out=part)


def _layers(line: PlacedLine, size: float, style: Style, colour: Colour) -> Iterator[tuple[Cover, Colour]]:
    """What is drawn of a line, the lowest first."""
    outline, shadow = style.outline, style.shadow

    def body(matrix: Matrix, shape: tuple[int, int]) -> Pixels:
        if outline is None:
            return inked(matrix, shape)
        return rim(line, size, outline.width, matrix, shape)

    def inked(matrix: Matrix, shape: tuple[int, int]) -> Pixels:
        cover = letters(line, size, matrix, shape)
        under = rule(line, size, style, matrix, shape)
        return cover if under is None else np.maximum(cover, under)

    if shadow is not None:
        along, across, blur = shadow.along * size, shadow.across * size, shadow.blur * size

        def cast(matrix: Matrix, shape: tuple[int, int]) -> Pixels:
            moved = matrix @ np.array([[1, 0, along], [0, 1, across], [0, 0, 1]], dtype=np.float64)
            scale = math.sqrt(abs(float(np.linalg.det(matrix[:2, :2]))))
            return blurred(body(moved, shape), blur * scale)

        yield cast, from_hex(shadow.colour)
    if outline is not None:
        yield body, from_hex(outline.colour)
    yield inked, colour


def _seen(
    layer: Cover, frame: Frame, matrix: Matrix, shape: tuple[int, int], reach: Box, size: float
) -> Pixels:
    """A layer's coverage in the crop that `matrix` leads to.

    Perspective bends outlines, so there a flat layer is drawn larger than needed and warped.
    """
    if frame.is_affine:
        return layer(matrix, shape)
    largest = _largest_scale(matrix, reach)
    fine = _OVERSAMPLING if size * largest < _LARGE else 2 if size * largest < 4 * _LARGE else 1
    scale = fine * largest
    flat = np.array([[scale, 0, 2 - reach.left * scale], [0, scale, 2 - reach.top * scale], [0, 0, 1]])
    cover = layer(flat, (math.ceil(reach.height * scale) + 4, math.ceil(reach.width * scale) + 4))
    up = _oversampled(matrix, fine) @ np.linalg.inv(_from_corners() @ flat)
    height, width = shape
    warped = cv2.warpPerspective(cover, up, (width * fine, height * fine), flags=cv2.INTER_LINEAR)
    return np.asarray(cv2.resize(warped, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _from_corners() -> Matrix:
    """Outlines count from pixel corners, warping from pixel centres."""
    return np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]], dtype=np.float64)


def _oversampled(matrix: Matrix, fine: int) -> Matrix:
    """The map onto a grid that is finer by `fine`, counted from the centres of its pixels."""
    return np.asarray(_from_corners() @ np.diag([fine, fine, 1.0]) @ matrix, dtype=np.float64)


def _largest_scale(matrix: Matrix, ink: Box) -> float:
    """The most that the map stretches a corner of `ink`."""
    scales = []
    for x, y in ((ink.left, ink.top), (ink.right, ink.top), (ink.right, ink.bottom), (ink.left, ink.bottom)):
        w = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2]
        px, py = (matrix[:2] @ (x, y, 1)) / w
        jacobian = (matrix[:2, :2] - np.outer((px, py), matrix[2, :2])) / w
        scales.append(float(np.linalg.norm(jacobian, 2)))
    return min(8.0, max(scales))


def _blend(crop: Pixels, cover: Pixels, colour: Colour) -> None:
    """Lay the colour over the crop, in place, each pixel by its share of 255, rounded to the nearest."""
    rows = max(1, _BAND // max(1, cover.shape[1]))
    ink = np.empty((min(rows, len(crop)), *crop.shape[1:]), dtype=np.uint8)
    # Row by row: NumPy is slow where it repeats but three numbers.
    ink.reshape(len(ink), -1)[:] = np.tile(np.array(colour, dtype=np.uint8), crop.shape[1])
    for top in range(0, cover.shape[0], rows):
        part = crop[top : top + rows]
        share = cover[top : top + rows].astype(np.float32)
        part[...] = cv2.blendLinear(part, ink[: len(part)], 255 - share, share)
