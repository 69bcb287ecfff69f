"""The quadrilateral a paragraph stands in: baselines, the angle they open by, and the slant of stems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from shared.imaging.frame import ASCENT, DESCENT, Frame, Points
from shared.imaging.group.placed import Placed, turned
from shared.scenes.recognition import Polygon

_LEAST_OPENING = 0.2  # ems that the height must change along the lines before perspective is believed
_AGREEMENT = 0.015  # radians by which lines on one plane may miss the common slope
_LEAST_LINES = 3
_LEAST_GROWTH = 0.04  # share by which a line's end is larger than its middle, before that is looked at
_TALLEST = 0.7  # of the way from the middle to the larger end stand the tallest letters, as a rule


@dataclass(frozen=True)
class Plane:
    """How the lines of one flat thing run: the slope of a baseline is `slope` + `opening` x its height.

    Heights and slopes are in axes turned by `angle` degrees.
    """

    angle: float
    slope: float
    opening: float

    def at(self, point: Points) -> float:
        """Direction of a baseline through `point` of the picture, in degrees."""
        height = float(turned(point[None], self.angle)[0, 1])
        return self.angle + float(np.degrees(np.arctan(self.slope + self.opening * height)))


def plane_of(lines: Sequence[Placed]) -> Plane | None:
    """The plane that most of the text lies on, or None when too few lines agree on one."""
    baselines = [_baseline(line) for line in lines]
    lengths = np.array([float(np.linalg.norm(b[1] - b[0])) for b in baselines])
    long = [i for i in range(len(lines)) if lengths[i] > 4 * lines[i].size]
    if len(long) < _LEAST_LINES:
        return None
    angle = float(np.median([_direction(baselines[i]) for i in long]))
    local = [turned(baselines[i], angle) for i in long]
    heights = np.array([b[:, 1].mean() for b in local])
    slopes = np.array([np.tan(np.radians(_direction(b))) for b in local])
    if np.ptp(heights) < 4 * float(np.median([lines[i].size for i in long])):
        return None
    weights = lengths[long] ** 2
    for _ in range(3):
        opening, slope = np.polyfit(heights, slopes, 1, w=np.sqrt(weights))
        missed = np.abs(slopes - slope - opening * heights)
        weights = lengths[long] ** 2 / (1 + (missed / _AGREEMENT) ** 2)
    agreeing = lengths[long][missed < _AGREEMENT].sum()
    if agreeing < 0.75 * lengths[long].sum():
        return None
    return Plane(angle, float(slope), float(opening))


def foreshortened(lines: Sequence[Placed]) -> tuple[list[Placed], Plane | None]:
    """Lines with the sizes they have in their middles, and the plane that they lie on, if they do."""
    plane = plane_of([line for line in lines if not line.text.vertical])
    return [_at_its_middle(line, plane) for line in lines], plane


def _at_its_middle(line: Placed, plane: Plane | None) -> Placed:
    """A line that grows towards one end, with the size it has in its middle.

    Measuring takes the tallest letters of all, which stand towards the larger end.
    """
    if plane is None or line.look is None or line.text.vertical:
        return line
    growth = abs(plane.opening) * (line.right - line.left) / 2
    if growth < _LEAST_GROWTH:
        return line
    share = 1 / (1 + _TALLEST * growth)
    look = replace(line.look, size=line.look.size * share, stroke=line.look.stroke / share)
    baseline = line.baseline
    return replace(
        line,
        text=replace(line.text, height=line.text.height * share),
        look=look,
        top=baseline - (baseline - line.top) * share,
        bottom=baseline + (line.bottom - baseline) * share,
    )


def outline(lines: Sequence[Placed], size: float, plane: Plane | None, lean: float = 0.0) -> Polygon:
    """Corners from the ascenders of the first line to the descenders of the last, clockwise from top left.

    Lines that are not parallel give a quadrilateral that opens as they do, stems that are not upright one
    that leans as they do, but for the `lean` that is the letters' own. `plane` replaces what a few short
    lines can tell where they agree with it.
    """
    baselines = [_baseline(line) for line in lines]
    lengths = np.array([float(np.linalg.norm(b[1] - b[0])) for b in baselines])
    directions = np.array([_direction(b) for b in baselines])
    turns = (directions - directions[0] + 180) % 360 - 180
    angle = float(directions[0] + np.average(turns, weights=lengths**2))
    expected = plane.at(np.concatenate(baselines).mean(axis=0)) if plane else None
    on_plane = expected is not None and abs((angle - expected + 180) % 360 - 180) < 1.2
    if expected is not None and on_plane:
        angle = expected
    local = [turned(b, angle) for b in baselines]
    opening = plane.opening if plane and on_plane else _own_opening(local, lengths, size)
    return _corners(local, lengths, size, opening, _shear(lines, size, lean), angle)


def column_outline(columns: Sequence[Placed], size: float) -> Polygon:
    """Corners around columns of vertical writing, an em wide each, clockwise from the last one's top left."""
    angle = columns[0].axes
    middles, ends = [], []
    for column in columns:
        frame = Frame.of(column.text.line.polygon)
        look = column.look
        left, right = (look.left, look.right) if look else (0.0, frame.width)
        points = turned(frame.to_picture([(left, frame.height / 2), (right, frame.height / 2)]), angle)
        middles.append(float(points[:, 1].mean()))
        ends += [float(u) for u in points[:, 0]]
    top, bottom = min(middles) - size / 2, max(middles) + size / 2
    corners = [(min(ends), bottom), (min(ends), top), (max(ends), top), (max(ends), bottom)]
    return [(float(x), float(y)) for x, y in turned(np.array(corners), -angle)]


def _corners(
    local: list[Points], lengths: Points, size: float, opening: float, shear: float, angle: float
) -> Polygon:
    heights = np.array([b[:, 1].mean() for b in local])
    top, bottom = float(heights.min()) - ASCENT * size, float(heights.max()) + DESCENT * size
    middle = (top + bottom) / 2
    ends = np.concatenate([b[:, 0] + shear * (b[:, 1] - 0.27 * size - middle) for b in local])
    left, right = float(ends.min()), float(ends.max())
    centre = float(np.average([b[:, 0].mean() for b in local], weights=lengths))
    around = float(np.average(heights, weights=lengths))
    corners = []
    for u, v in ((left, top), (right, top), (right, bottom), (left, bottom)):
        leaning = u - shear * (v - middle)
        corners.append((leaning, v + opening * (v - around) * (leaning - centre)))
    return [(float(x), float(y)) for x, y in turned(np.array(corners), -angle)]


def _direction(baseline: Points) -> float:
    """Degrees clockwise."""
    x, y = baseline[1] - baseline[0]
    return float(np.degrees(np.arctan2(y, x)))


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


def _own_opening(local: list[Points], lengths: Points, size: float) -> float:
    """How much the slope of lines changes with each pixel downwards; 0 where they are as good as parallel."""
    heights = np.array([b[:, 1].mean() for b in local])
    spread = float(np.ptp(heights))
    # Two lines close together tell more about the engine's rounding than about perspective.
    if len(local) < _LEAST_LINES or spread < 2 * size:
        return 0.0
    slopes = np.array([(b[1, 1] - b[0, 1]) / max(1.0, b[1, 0] - b[0, 0]) for b in local])
    weights = lengths**2 / (lengths**2).sum()
    away = heights - float(weights @ heights)
    opening = float((weights * away) @ slopes / max(1e-9, (weights * away) @ away))
    change = abs(opening) * (spread + size) * float(lengths.max())
    return opening if change > _LEAST_OPENING * size else 0.0


def _shear(lines: Sequence[Placed], size: float, lean: float) -> float:
    """The common slant of the stems beyond their own `lean`, when the lines agree on one."""
    slants = [(line.look.slant, len(line.words)) for line in lines if line.look]
    if not slants or size < 10:
        return 0.0
    values = np.array([slant - lean for slant, _ in slants])
    weights = np.array([count for _, count in slants], dtype=np.float64)
    mean = float(np.average(values, weights=weights))
    return mean if abs(mean) > 0.05 and float(np.abs(values - mean).max()) < 0.13 else 0.0
