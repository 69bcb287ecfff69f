"""Quads of text and the straightened crops made from them.

A quad is a 4x2 float array in pixels of the picture: clockwise from the text's own top-left corner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Quad = NDArray[np.float32]
Image = NDArray[np.uint8]

TALL = 1.5
"""A box this many times higher than wide holds text that runs down or up."""


def turned(quad: Quad, quarters: int) -> Quad:
    """The same area with the text's top-left at another corner; one quarter reads from top to bottom."""
    return np.roll(quad, -quarters, axis=0)


def size(quad: Quad) -> tuple[float, float]:
    """Length along the text and height across it."""
    along = max(np.linalg.norm(quad[1] - quad[0]), np.linalg.norm(quad[2] - quad[3]))
    across = max(np.linalg.norm(quad[3] - quad[0]), np.linalg.norm(quad[2] - quad[1]))
    return float(along), float(across)


def angle(quad: Quad) -> float:
    """Clockwise rotation of the text's direction in degrees, above -180 and up to 180."""
    dx, dy = (quad[1] - quad[0] + quad[2] - quad[3]) / 2
    return float(np.degrees(np.arctan2(dy, dx)))


@dataclass(frozen=True)
class Crop:
    """A quad straightened to an upright picture; `quad_of` maps an area of it back to the source."""

    pixels: Image
    back: NDArray[np.float64]

    @property
    def width(self) -> int:
        """Pixels along the text."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Pixels across the text."""
        return int(self.pixels.shape[0])

    def quad_of(self, left: float, right: float, top: float = 0.0, bottom: float | None = None) -> Quad:
        """The area between two columns and two rows of the crop, as a quad of the source picture."""
        low = self.height if bottom is None else bottom
        corners = np.array([[[left, top], [right, top], [right, low], [left, low]]], np.float64)
        return cv2.perspectiveTransform(corners, self.back)[0].astype(np.float32)


def straighten(image: Image, quad: Quad, lowest: int = 1, highest: int = 128) -> Crop:
    """Cut a quad out as an upright crop whose height is within the bounds, in pixels."""
    along, across = (max(1.0, n) for n in size(quad))
    scale = min(max(1.0, lowest / across), max(highest, lowest) / across) if across else 1.0
    native = max(1.0, scale)
    width, height = max(2, round(along * native)), max(2, round(across * native))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(quad.astype(np.float32), target)
    pixels: Any = cv2.warpPerspective(
        image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    back = np.linalg.inv(matrix)
    if scale < 1.0:
        small = (max(2, round(width * scale)), max(2, round(height * scale)))
        pixels = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
        back = back @ np.diag([width / small[0], height / small[1], 1.0])
    return Crop(pixels, back)


def ink(pixels: Image) -> NDArray[np.bool_]:
    """Where a crop of one line has ink: the pixels unlike its border, by Otsu's threshold."""
    lab = cv2.cvtColor(pixels, cv2.COLOR_BGR2LAB).astype(np.float32)
    border = np.concatenate([lab[0], lab[-1], lab[:, 0], lab[:, -1]])
    distance = np.linalg.norm(lab - np.median(border, axis=0), axis=2)
    scaled = cv2.normalize(distance, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    _, mask = cv2.threshold(scaled, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return mask > 0
