"""The quadrilateral a paragraph stands in: baselines, the angle they open by, and the slant of stems."""

from __future__ import annotations

import numpy as np

from shared.imaging.fit import ASCENT, DESCENT
from shared.imaging.frame import Frame, Points
from shared.imaging.paragraphs import Placed, turned
from shared.scenes.recognition import Polygon

_LEAST_OPENING = 0.2  # ems that the height must change along the lines before perspective is believed


def outline(lines: list[Placed], size: float) -> Polygon:
    """Corners from the ascenders of the first line to the descenders of the last, clockwise from top left.

    Lines that are not parallel give a quadrilateral that opens as they do, stems that are not upright one
    that leans as they do.
    """
    baselines = [_baseline(line) for line in lines]
    lengths = np.array([float(np.linalg.norm(b[1] - b[0])) for b in baselines])
    angles = np.array([np.degrees(np.arctan2(*(b[1] - b[0])[::-1])) for b in baselines])
    angle = float(angles[0] + np.average((angles - angles[0] + 180) % 360 - 180, weights=lengths**2))
    local = [turned(b, angle) for b in baselines]
    heights = np.array([b[:, 1].mean() for b in local])
    slopes = np.array([(b[1, 1] - b[0, 1]) / max(1.0, b[1, 0] - b[0, 0]) for b in local])
    opening = _opening(heights, slopes, lengths, size)
    shear = _shear(lines, size)
    top, bottom = float(heights.min()) - ASCENT * size, float(heights.max()) + DESCENT * size
    middle = (top + bottom) / 2
    ends = np.concatenate([_upright(b, shear, middle, size) for b in local])
    left, right = float(ends.min()), float(ends.max())
    centre = float(np.average([b[:, 0].mean() for b in local], weights=lengths))
    around = float(np.average(heights, weights=lengths))
    corners = []
    for u, v in ((left, top), (right, top), (right, bottom), (left, bottom)):
        leaning = u - shear * (v - middle)
        corners.append((leaning, v + opening * (v - around) * (leaning - centre)))
    return [(float(x), float(y)) for x, y in turned(np.array(corners), -angle)]


def _baseline(line: Placed) -> Points:
    """First and last point of the line's ink on its baseline, in the picture."""
    frame = Frame.of(line.text.line.polygon)
    if line.look is None:
        v, left, right = 0.8 * frame.height, 0.0, frame.width
    else:
        v, left, right = line.look.baseline, line.look.left, line.look.right
    right = max(right, left + 1)
    tilt = line.look.tilt if line.look else 0.0
    middle = frame.width / 2
    return frame.to_picture([(left, v + tilt * (left - middle)), (right, v + tilt * (right - middle))])


def _opening(heights: Points, slopes: Points, lengths: Points, size: float) -> float:
    """How much the slope of lines changes with each pixel downwards; 0 where they are as good as parallel."""
    spread = float(np.ptp(heights))
    if len(heights) < 2 or spread < 0.5 * size:
        return 0.0
    weights = lengths**2 / (lengths**2).sum()
    away = heights - float(weights @ heights)
    opening = float((weights * away) @ slopes / max(1e-9, (weights * away) @ away))
    change = abs(opening) * (spread + size) * float(lengths.max())
    return opening if change > _LEAST_OPENING * size else 0.0


def _shear(lines: list[Placed], size: float) -> float:
    """The common slant of the stems, when the lines agree on one."""
    slants = [(line.look.slant, len(line.words)) for line in lines if line.look]
    if not slants or size < 10:
        return 0.0
    values = np.array([slant for slant, _ in slants])
    weights = np.array([count for _, count in slants], dtype=np.float64)
    mean = float(np.average(values, weights=weights))
    return mean if abs(mean) > 0.05 and float(np.abs(values - mean).max()) < 0.13 else 0.0


def _upright(baseline: Points, shear: float, middle: float, size: float) -> Points:
    """The ends of a baseline as they stand when the slant is taken out at the middle of the lines."""
    return np.asarray(baseline[:, 0] + shear * (baseline[:, 1] - _half(size) - middle), dtype=np.float64)


def _half(size: float) -> float:
    """Half the height of small letters: where a slanted line's ends are measured."""
    return 0.27 * size
