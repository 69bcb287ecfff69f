"""How a line of text looks: colours, size, stroke width, baseline, all measured from its pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from shared.imaging.decode import Pixels
from shared.imaging.erase import Region, region_of
from shared.imaging.frame import Frame, Points
from shared.imaging.ink import Ink, Mask, distance, median_colour, separate, to_lab
from shared.imaging.scripts import script_of
from shared.scenes.schemas import Line

_BOLD_STROKE = 0.128  # ems; Noto Sans has stems of 0.09 at weight 400 and 0.16 at 700
_WORKING_HEIGHT = 48
_TALL = set("bdfhklßtijĳ()[]{}/|!?\"'%&@#$€£¥“”‘’«»")
_DEEP = {**dict.fromkeys("gjpqyçşţ", 0.24), **dict.fromkeys("()[]{}|Q@", 0.2), **dict.fromkeys(",;", 0.13)}
_OTHER_SCRIPTS = {
    "Hani": (0.85, 0.08),
    "Hang": (0.85, 0.08),
    "Hira": (0.8, 0.05),
    "Kana": (0.8, 0.05),
    "Arab": (0.75, 0.28),
    "Hebr": (0.68, 0.02),
    "Deva": (0.85, 0.2),
    "Beng": (0.85, 0.2),
    "Thai": (0.85, 0.1),
}


@dataclass(frozen=True)
class Look:
    """A measured line. Lengths are pixels of the picture, places are in the line's own frame.

    `size` is the em height, `baseline` the v of the baseline, `left` and `right` the u of the first and
    last ink, `stroke` the stem width in ems, `slant` the shear dx/dy that sets the stems upright.
    """

    ink: tuple[int, int, int]
    ground: tuple[int, int, int]
    size: float
    baseline: float
    left: float
    right: float
    stroke: float
    slant: float

    @property
    def weight(self) -> int:
        """400 or 700, by the stroke."""
        return 700 if self.stroke > _BOLD_STROKE else 400


def measure(rgb: Pixels, line: Line, others: Sequence[Points]) -> Look | None:
    """Measure `line`; None where no ink can be told from its ground. `others` are polygons of other text."""
    frame = Frame.of(line.polygon)
    height, width = rgb.shape[:2]
    region = region_of(line, frame.height * 0.8, width, height, others)
    if region is None:
        return None
    crop = region.cut(rgb)
    ground, ink = separate(crop, region.tight, region.wide, region.usable, frame.height * 0.8)
    if ink.core.sum() < 6 or ink.contrast < 4:
        return None
    extent = _extent(ink.core, region, frame)
    if extent is None:
        return None
    rise, fall = _expected(line.text)
    top, bottom, left, right, flat = extent
    size = (bottom - top) / (rise + fall)
    return Look(
        ink=_ink_colour(crop, ink, ground.smooth),
        ground=median_colour(crop, ground.known) or (255, 255, 255),
        size=size,
        baseline=top + rise * size,
        left=left,
        right=right,
        stroke=_stroke(flat) / (size * flat.shape[0] / (2 * frame.height)),
        slant=_slant(flat),
    )


def _expected(text: str) -> tuple[float, float]:
    """How far the ink of `text` reaches above and below the baseline in a common face, in ems."""
    scripts = [script_of(char) for char in text if char.isalpha()]
    for code, reach in _OTHER_SCRIPTS.items():
        if scripts.count(code) * 2 > len(scripts):
            return reach
    rise = 0.54
    for char in text:
        if char.isupper() and ord(char) > 0xBF and char.isalpha() and script_of(char) == "Latn":
            rise = max(rise, 0.9)
        elif char in _TALL:
            rise = max(rise, 0.75)
        elif char.isupper() or char.isdigit():
            rise = max(rise, 0.714)
        elif char.isalpha() and ord(char) > 0xBF:
            rise = max(rise, 0.76 if script_of(char) == "Latn" else 0.56)
    return rise, max((_DEEP.get(char, 0.01) for char in text), default=0.01)


def _extent(core: Mask, region: Region, frame: Frame) -> tuple[float, float, float, float, Mask] | None:
    """Top, bottom, left and right of the ink in the frame, and the ink laid flat.

    The flat mask spans the frame with half its height more above and below.
    """
    scale = _WORKING_HEIGHT / frame.height
    columns = max(4, min(6000, math.ceil(frame.width * scale)))
    rows = 2 * _WORKING_HEIGHT
    to_flat = np.array([[columns / frame.width, 0, 0], [0, scale, _WORKING_HEIGHT / 2], [0, 0, 1]])
    back = np.array([[1, 0, region.left], [0, 1, region.top], [0, 0, 1]], dtype=np.float64)
    soft = (core * np.float32(255)).astype(np.uint8)
    flat = cv2.warpPerspective(soft, to_flat @ frame.inverse @ back, (columns, rows), flags=cv2.INTER_LINEAR)
    inked = np.asarray(flat > 127, dtype=bool)
    by_row = np.nonzero(inked.sum(axis=1) > max(1, 0.004 * columns))[0]
    by_column = np.nonzero(inked.sum(axis=0) > 1)[0]
    if len(by_row) == 0 or len(by_column) == 0:
        return None
    top, bottom = ((v - _WORKING_HEIGHT / 2) / scale for v in (by_row[0], by_row[-1] + 1))
    left, right = (u * frame.width / columns for u in (by_column[0], by_column[-1] + 1))
    return float(top), float(bottom), float(left), float(right), inked


def _ink_colour(
    crop: Pixels, ink: Ink, smooth: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> tuple[int, int, int]:
    """Median of the pixels that differ most from the ground: rims carry a share of it."""
    far = distance(to_lab(crop), to_lab(smooth))
    strong = ink.core & (far >= np.percentile(far[ink.core], 65))
    return median_colour(crop, strong) or (0, 0, 0)


def _stroke(flat: Mask) -> float:
    """Typical stem width in samples of the flat mask: twice the distance to the rim along the ridge."""
    padded = np.pad(flat.astype(np.uint8), 1)
    away = cv2.distanceTransform(padded, cv2.DIST_L2, 5)
    ridge = (away >= cv2.dilate(away, np.ones((3, 3), np.uint8)) - 1e-6) & (away > 0)
    if not ridge.any():
        return 0.0
    return max(0.0, 2 * float(np.median(away[ridge])) - 1)


def _slant(flat: Mask) -> float:
    """The shear that makes the columns of ink most uneven, which is when stems stand upright."""
    ys, xs = np.nonzero(flat)
    if len(xs) < 40:
        return 0.0
    middle = flat.shape[0] / 2
    best, best_score, upright = 0.0, 0.0, 0.0
    for step in range(-10, 11):
        shear = step * 0.04
        moved = np.rint(xs - shear * (middle - ys)).astype(np.int64)
        counts = np.bincount(moved - moved.min())
        score = float((counts.astype(np.float64) ** 2).sum())
        if step == 0:
            upright = score
        if score > best_score:
            best, best_score = shear, score
    # Round letters alone say little: without a clear gain the text counts as upright.
    return best if best_score > 1.04 * upright else 0.0
