"""How a text of the source was aligned: by its own lines, by its neighbours, or by what it stands on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from shared.imaging.frame import Points
from shared.imaging.group.placed import Placed
from shared.imaging.ink.ground import to_lab
from shared.imaging.pixels import Pixels

Alignment = Literal["left", "center", "right"]

_ALIGNMENTS: tuple[Alignment, ...] = ("left", "center", "right")
_FULL = 3  # lines from which equal ones are full lines of running text, not centred by chance
_VOTES = 0.03
_HEADING = 1.15  # times the size of the other lines
_ROWS = np.linspace(0.2, 0.8, 7)
_SAME_GROUND = 20.0  # CIELAB
_LOPSIDED = 0.2  # share of the free space by which the sides of a centred line may differ


def source_alignment(
    group: Sequence[Placed], groups: Sequence[Sequence[Placed]], size: float, rgb: Pixels, rtl: bool
) -> Alignment:
    """The alignment of `group`, one of the `groups` of a picture; `size` is its em in pixels.

    A line without neighbours that tell is centred only where it stands in the middle of its sign or, when
    that cannot be measured, of the picture; else it keeps the edge at which it begins.
    """
    if len(group) > 1:
        return _of_lines(group, size)
    line = group[0]
    others = [other for g in groups for other in g if other is not line]
    if _is_heading(line, others):
        return "center"
    votes = _votes(line, others, size)
    if max(votes) > _VOTES:
        preferred = (2, 1, 0) if rtl else (0, 1, 2)
        return _ALIGNMENTS[max(preferred, key=lambda k: votes[k])]
    if _is_amid(line, others) or _is_amid_its_ground(rgb, line):
        return "center"
    return "right" if rtl else "left"


def _votes(line: Placed, others: Sequence[Placed], size: float) -> list[float]:
    """How much the other lines share the left edge, the middle and the right edge."""
    own = _edges(line)
    votes = [0.0, 0.0, 0.0]
    for other in others:
        # A line right above or below says more than one far away.
        vote = 1 / (1 + (abs(other.top - line.top) / size) ** 2)
        for k in (0, 2) if _is_in_column(other, others) else range(3):
            votes[k] += vote * (abs(_edges(other)[k] - own[k]) < 0.3 * min(size, other.size))
    return votes


def _is_in_column(line: Placed, others: Sequence[Placed]) -> bool:
    """Whether lines of other lengths begin where the line does: where its middle is, is then chance."""
    near = 0.15 * line.size
    begun = [p for p in others if p is not line and abs(p.left - line.left) < near]
    return sum(abs(p.right - line.right) > line.size for p in begun) >= 2


def _edges(line: Placed) -> tuple[float, float, float]:
    return line.left, (line.left + line.right) / 2, line.right


def _of_lines(group: Sequence[Placed], size: float) -> Alignment:
    # The first line may be indented and the last one short: neither says much about running text.
    lines = group[1:] if len(group) > 3 else group
    left = float(np.ptp([p.left for p in lines]))
    right = float(np.ptp([p.right for p in lines]))
    middle = float(np.ptp([(p.left + p.right) / 2 for p in lines]))
    if max(left, right) < 0.2 * size and (len(group) >= _FULL or group[0].text.vertical):
        return "left"
    if left < 0.5 * size or left <= min(middle, right):
        return "left" if middle > 0.2 * size or left < 0.5 * middle else "center"
    return "center" if middle < right else "right"


def _is_heading(line: Placed, others: Sequence[Placed]) -> bool:
    """Whether a larger line alone on its row stands over the middle of the others.

    In perspective its edge may well meet that of one line below it, which would say otherwise.
    """
    if not others or line.size < _HEADING * float(np.median([other.size for other in others])):
        return False
    alone = all(other.top >= line.bottom or other.bottom <= line.top for other in others)
    return alone and _is_amid(line, others)


def _is_amid(line: Placed, others: Sequence[Placed]) -> bool:
    """Whether the line stands in the middle of the width of the others, clear of both its ends."""
    if not others:
        return False
    before = line.left - min(other.left for other in others)
    after = max(other.right for other in others) - line.right
    return min(before, after) > 0.4 * line.size and abs(before - after) < 0.6 * line.size


def _is_amid_its_ground(rgb: Pixels, line: Placed) -> bool:
    """Whether as much of the line's ground goes on before it as after it."""
    quad = np.array(line.text.line.polygon)
    before = _free(rgb, line, quad[0], quad[3], quad[0] - quad[1])
    after = _free(rgb, line, quad[1], quad[2], quad[1] - quad[0])
    height = line.text.height
    # Rows that disagree about the middle ran into texture, not to the edges of a sign.
    unsure = float(np.subtract(*np.percentile(after - before, (75, 25)))) > height
    if unsure or min(float(np.median(before)), float(np.median(after))) < 0.1 * height:
        before, after = (_to_the_edge(rgb, points, way) for points, way in _ends(quad))
    left, right = float(np.median(before)), float(np.median(after))
    return abs(left - right) < _LOPSIDED * (left + right) + 0.3 * height


def _ends(quad: Points) -> list[tuple[Points, Points]]:
    """The middles of both ends, with the way that leads away from the text."""
    along = quad[1] - quad[0]
    return [(quad[[0, 3]].mean(axis=0), -along), (quad[[1, 2]].mean(axis=0), along)]


def _to_the_edge(rgb: Pixels, start: Points, way: Points) -> Points:
    return np.array([float(len(_ray(rgb, start, way)))])


def _ray(rgb: Pixels, start: Points, way: Points) -> Points:
    """Points a pixel apart from `start` on, as long as they are in the picture."""
    step = way / max(1e-9, float(np.linalg.norm(way)))
    points = start + np.arange(rgb.shape[0] + rgb.shape[1])[:, None] * step
    inside = ((points >= 0) & (points < (rgb.shape[1], rgb.shape[0]))).all(axis=1)
    return points if inside.all() else points[: int(np.argmin(inside))]


def _free(rgb: Pixels, line: Placed, top: Points, bottom: Points, way: Points) -> Points:
    """For some rows of the line, how many pixels of its ground follow its end between `top` and `bottom`."""
    ground = line.look.ground if line.look else (255, 255, 255)
    expected = to_lab(np.array([[ground]], dtype=np.uint8))[0, 0]
    # The box of a word may be tighter than its ink.
    skipped = round(0.15 * line.text.height)
    runs = []
    for share in _ROWS:
        x, y = _ray(rgb, top + share * (bottom - top), way)[skipped:].astype(int).T
        away = np.linalg.norm(to_lab(rgb[y, x][None])[0] - expected, axis=1) if len(x) else np.zeros(0)
        ends = np.flatnonzero(away > _SAME_GROUND)
        runs.append(skipped + (int(ends[0]) if len(ends) else len(x)))
    return np.array(runs, dtype=np.float64)
