"""Draw laid-out text into a picture, at any angle and in perspective."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import uharfbuzz

from shared.imaging.decode import Pixels
from shared.imaging.fit import Layout
from shared.imaging.frame import Frame, Matrix, bounds, filled
from shared.imaging.shape import Box

# uharfbuzz carries no types.
hb: Any = uharfbuzz

_OVERSAMPLING = 3


def draw(
    rgb: Pixels,
    alpha: Pixels | None,
    layout: Layout,
    frame: Frame,
    allowed: Box,
    colour: tuple[int, int, int],
    softness: float = 0.0,
) -> None:
    """Blend `layout` into `rgb` (and `alpha`) in place.

    `frame` says where the layout's coordinates lie in the picture; nothing outside `allowed`, a box in that
    frame, changes. `softness` is the blur in pixels (standard deviation) that the picture's own text has.
    """
    if layout.ink is None:
        return
    height, width = rgb.shape[:2]
    left, top, right, bottom = bounds(frame.corners(layout.ink), 2 + 3 * softness, width, height)
    if right <= left or bottom <= top:
        return
    shift = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]], dtype=np.float64)
    cover = _coverage(layout, frame, shift @ frame.matrix, (bottom - top, right - left))
    if softness > 0:
        cover = np.asarray(cv2.GaussianBlur(cover, (0, 0), softness), dtype=np.uint8)
    inside = filled(cover.shape, [frame.corners(allowed)], left, top)
    cover = np.where(inside, cover, 0).astype(np.uint8)
    _blend(rgb[top:bottom, left:right], cover, colour)
    if alpha is not None:
        part = alpha[top:bottom, left:right]
        part[:] = np.maximum(part, cover)


def _coverage(layout: Layout, frame: Frame, matrix: Matrix, shape: tuple[int, int]) -> Pixels:
    """How much of each pixel the glyphs cover, 0-255; `matrix` leads from the frame into the crop."""
    if frame.is_affine:
        return _rasterised(layout, matrix, shape)
    ink = layout.ink
    if ink is None:
        return np.zeros(shape, dtype=np.uint8)
    # Perspective bends outlines, so a flat layer is drawn larger than needed and warped.
    scale = _OVERSAMPLING * _largest_scale(matrix, ink)
    flat = np.array([[scale, 0, (2 - ink.left * scale)], [0, scale, (2 - ink.top * scale)], [0, 0, 1]])
    size = (math.ceil((ink.bottom - ink.top) * scale) + 4, math.ceil((ink.right - ink.left) * scale) + 4)
    layer = _rasterised(layout, flat, size)
    up = _oversampled(matrix) @ np.linalg.inv(flat)
    height, width = shape
    warped = cv2.warpPerspective(
        layer, up, (width * _OVERSAMPLING, height * _OVERSAMPLING), flags=cv2.INTER_LINEAR
    )
    return np.asarray(cv2.resize(warped, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _oversampled(matrix: Matrix) -> Matrix:
    """The map onto a grid that is finer by the oversampling; pixel centres stay pixel centres."""
    half = (_OVERSAMPLING - 1) / 2
    grid = np.array([[_OVERSAMPLING, 0, half], [0, _OVERSAMPLING, half], [0, 0, 1]], dtype=np.float64)
    # Outlines count from pixel corners, warping from pixel centres.
    return np.asarray(grid @ np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]]) @ matrix, dtype=np.float64)


def _largest_scale(matrix: Matrix, ink: Box) -> float:
    """The most that the map stretches a corner of `ink`."""
    scales = []
    for x, y in ((ink.left, ink.top), (ink.right, ink.top), (ink.right, ink.bottom), (ink.left, ink.bottom)):
        w = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2]
        px, py = (matrix[:2] @ (x, y, 1)) / w
        jacobian = (matrix[:2, :2] - np.outer((px, py), matrix[2, :2])) / w
        scales.append(float(np.linalg.norm(jacobian, 2)))
    return min(8.0, max(scales))


def _rasterised(layout: Layout, matrix: Matrix, shape: tuple[int, int]) -> Pixels:
    """Exact coverage of the outlines under an affine map."""
    raster = hb.RasterDraw()
    (a, b, e), (c, d, f) = matrix[:2]
    for line in layout.lines:
        for glyph in line.shaped.glyphs:
            x, y = line.x + glyph.x * layout.size, line.y + glyph.y * layout.size
            k = layout.size / glyph.upem
            raster.transform = (a * k, c * k, -b * k, -d * k, a * x + b * y + e, c * x + d * y + f)
            raster.draw_glyph(glyph.font, glyph.index)
    image = raster.render()
    canvas = np.zeros(shape, dtype=np.uint8)
    extents = image.extents if image is not None else None
    if image is None or extents is None or not (extents.width and extents.height):
        return canvas
    pixels = np.frombuffer(image.buffer, dtype=np.uint8).reshape(extents.height, extents.stride)
    _paste(canvas, pixels[:, : extents.width], extents.x_origin, extents.y_origin)
    return canvas


def _paste(canvas: Pixels, pixels: Pixels, left: int, top: int) -> None:
    height, width = canvas.shape
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(width, left + pixels.shape[1]), min(height, top + pixels.shape[0])
    if x1 > x0 and y1 > y0:
        canvas[y0:y1, x0:x1] = pixels[y0 - top : y1 - top, x0 - left : x1 - left]


def _blend(crop: Pixels, cover: Pixels, colour: tuple[int, int, int]) -> None:
    touched = cover > 0
    share = cover[touched].astype(np.int32)[:, None]
    under = crop[touched].astype(np.int32)
    crop[touched] = (under * (255 - share) + np.array(colour, dtype=np.int32) * share + 127) // 255
