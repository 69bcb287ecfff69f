"""Coverage of a line's letters, rule, outline and shadow under an affine map: 0-255 for each pixel."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import uharfbuzz
from numpy.typing import NDArray

from shared.imaging.fit.placing import PlacedLine
from shared.imaging.frame import Matrix
from shared.imaging.geometry import Box
from shared.imaging.pixels import Pixels
from shared.imaging.typesetting.decoration import underline
from shared.scenes.schemas import Style

# uharfbuzz carries no types.
hb: Any = uharfbuzz

_WIDEST = 4096
"""Pixels of a row that HarfBuzz fills; what lies further right it silently leaves out."""
_FINE = 4  # samples a pixel, each way, for rims and rules of small letters
_ENOUGH = 160.0  # samples of an em beyond which finer ones are not seen
_SMOOTH = 6.0  # standard deviations in pixels from which a blur is made of fewer samples
_SKIPPED = 1.6  # thicknesses of a rule that are left open beside a descender


def letters(line: PlacedLine, size: float, matrix: Matrix, shape: tuple[int, int]) -> Pixels:
    """Exact coverage of the glyphs' outlines; `matrix` leads from the line's frame to the pixels."""
    canvas = np.zeros(shape, dtype=np.uint8)
    for left in range(0, shape[1], _WIDEST):
        moved = matrix.copy()
        moved[0, 2] -= left
        _draw_letters(line, size, moved, canvas[:, left : left + _WIDEST])
    return canvas


def _draw_letters(line: PlacedLine, size: float, matrix: Matrix, canvas: Pixels) -> None:
    """The part of the coverage that lies on an empty `canvas`, which is not too wide for HarfBuzz."""
    raster = hb.RasterDraw()
    # Bare numbers: NumPy takes ten times as long for four of them, and glyphs are many.
    (a, b, e), (c, d, f), _ = matrix.tolist()
    for run in line.shaped.runs:
        p, q, r, s = run.matrix
        scale = size / run.word.face.upem
        along = (a * p + b * r) * scale, (c * p + d * r) * scale
        across = (a * q + b * s) * scale, (c * q + d * s) * scale
        for glyph in run.glyphs():
            x, y = line.x + glyph.x * size, line.y + glyph.y * size
            place = a * x + b * y + e, c * x + d * y + f
            raster.transform = (*along, -across[0], -across[1], *place)
            raster.draw_glyph(glyph.font, glyph.index)
    raster.extents = hb.RasterExtents(0, 0, canvas.shape[1], canvas.shape[0])
    image = raster.render()
    extents = image.extents if image is not None else None
    if image is None or extents is None or not (extents.width and extents.height):
        return
    pixels = np.frombuffer(image.buffer, dtype=np.uint8).reshape(extents.height, extents.stride)
    _paste(canvas, pixels[:, : extents.width], extents.x_origin, extents.y_origin)


def rule(
    line: PlacedLine, size: float, style: Style, matrix: Matrix, shape: tuple[int, int]
) -> Pixels | None:
    """The underline, open where a letter comes near it; None where the style has none."""
    box = underline(line.shaped, style)
    if box is None:
        return None
    corners = [(box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom)]
    points = np.array([(line.x + u * size, line.y + v * size, 1.0) for u, v in corners]) @ matrix[:2].T
    fine = _fineness(size, matrix)
    grid = np.zeros((shape[0] * fine, shape[1] * fine), dtype=np.uint8)
    # Polygons are given by the middles of pixels, coverage by their corners.
    cv2.fillConvexPoly(grid, np.rint((points * fine - 0.5) * 16).astype(np.int32), 255, shift=4)
    cover = np.asarray(cv2.resize(grid, shape[::-1], interpolation=cv2.INTER_AREA), dtype=np.uint8)
    if line.shaped.vertical:
        return cover
    open_for = _SKIPPED * (box.bottom - box.top) * size * _scale(matrix)
    crossing = (letters(line, size, matrix, shape) > 64) & (cover > 0)
    if not crossing.any():
        return cover
    cover[_distance(~crossing) <= max(1.0, open_for)] = 0
    return cover


def rim(line: PlacedLine, size: float, width: float, matrix: Matrix, shape: tuple[int, int]) -> Pixels:
    """The letters grown by `width` ems on all sides, with round corners."""
    fine = _fineness(size, matrix)
    scaled = np.diag([fine, fine, 1.0]) @ matrix
    cover = letters(line, size, scaled, (shape[0] * fine, shape[1] * fine))
    away = _distance(cover < 128)
    reach = width * size * _scale(scaled)
    grown = (np.clip(reach + 0.5 - away, 0, 1) * 255).astype(np.uint8)
    return np.asarray(cv2.resize(grown, shape[::-1], interpolation=cv2.INTER_AREA), dtype=np.uint8)


def blurred(cover: Pixels, deviation: float) -> Pixels:
    """The coverage smoothed by a Gaussian of that many pixels."""
    if deviation < 0.2:
        return cover
    height, width = cover.shape
    # What is smooth needs few samples, and a wide kernel is slow.
    coarse = min(math.ceil(deviation / _SMOOTH), height, width)
    small = (math.ceil(width / coarse), math.ceil(height / coarse))
    reduced = cover if coarse < 2 else cv2.resize(cover, small, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(reduced, (0, 0), deviation / max(1, coarse))
    if coarse > 1:
        soft = cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(soft, dtype=np.uint8)


def _distance(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """For each pixel of the mask how far the nearest one outside of it is."""
    away = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(away, dtype=np.float32)


def _scale(matrix: Matrix) -> float:
    return math.sqrt(abs(float(np.linalg.det(matrix[:2, :2]))))


def _fineness(size: float, matrix: Matrix) -> int:
    return max(1, min(_FINE, math.ceil(_ENOUGH / max(1.0, size * _scale(matrix)))))


def ink_box(line: PlacedLine, size: float, ink: Box) -> Box:
    """A box of the line's own ems, in the frame."""
    return ink.scaled(size).moved(line.x, line.y)


def _paste(canvas: Pixels, pixels: Pixels, left: int, top: int) -> None:
    height, width = canvas.shape
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(width, left + pixels.shape[1]), min(height, top + pixels.shape[0])
    if x1 > x0 and y1 > y0:
        canvas[y0:y1, x0:x1] = pixels[y0 - top : y1 - top, x0 - left : x1 - left]
