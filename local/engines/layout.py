"""Lines gathered into paragraphs by their geometry, as a document engine would, and put in reading order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from local.engines.geometry import Quad, angle, size, turned
from local.engines.lines import Line

_ANGLE = 8.0
_HEIGHTS = 1.35
_ROW_GAP = 0.8
_LINE_GAP = 0.6
_OVERLAP = 0.45
_ALIGNED = 0.8


@dataclass
class _Place:
    """A line in its own frame: where it starts and ends along the text (u) and across it (v)."""

    line: Line
    quad: Quad
    angle: float
    height: float

    @classmethod
    def of(cls, line: Line) -> _Place:
        quad = turned(line.quad, 1) if line.vertical else line.quad
        return cls(line, quad, angle(quad), size(quad)[1])

    def extent(self, other: _Place) -> tuple[float, float, float, float]:
        """The other's u and v ranges in this frame: u from, u to, v from, v to."""
        turn = np.radians(self.angle)
        along, across = (np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))
        us, vs = other.quad @ np.array(along), other.quad @ np.array(across)
        # Edges are averaged over their two corners, so that a slant does not widen the line.
        return (
            float(us[[0, 3]].mean()),
            float(us[[1, 2]].mean()),
            float(vs[[0, 1]].mean()),
            float(vs[[2, 3]].mean()),
        )

    def alike(self, other: _Place) -> bool:
        """Whether both have one direction and about one size."""
        turn = abs((self.angle - other.angle + 180) % 360 - 180)
        ratio = max(self.height, other.height) / max(1e-6, min(self.height, other.height))
        return turn < _ANGLE and ratio < _HEIGHTS and self.line.vertical == other.line.vertical


def paragraphs(lines: list[Line]) -> list[list[Line]]:
    """The lines by paragraph: pieces of one row joined, rows that continue each other together."""
    rows = [_Place.of(line) for line in _rows([_Place.of(line) for line in lines])]
    following = {id(a): b for a, b in _continued(rows)}
    continued = {id(b) for b in following.values()}
    groups: list[list[_Place]] = []
    for row in rows:
        if id(row) in continued:
            continue
        group = [row]
        while (after := following.get(id(group[-1]))) is not None:
            group.append(after)
        groups.append(group)
    return [[place.line for place in group] for group in _in_order(groups)]


def _rows(places: list[_Place]) -> list[Line]:
    """Join pieces of one row that stand no farther apart than words do."""
    rest = sorted(places, key=lambda p: float(p.extent(p)[0]))
    rows: list[Line] = []
    while rest:
        pieces = [rest.pop(0)]
        while after := next((p for p in rest if _beside(pieces[-1], p)), None):
            rest.remove(after)
            pieces.append(after)
        rows.append(_joined([piece.line for piece in pieces]))
    return rows


def _beside(left: _Place, right: _Place) -> bool:
    if not left.alike(right) or left.line.vertical:
        return False
    _, end, top, bottom = left.extent(left)
    start, _, other_top, other_bottom = left.extent(right)
    level = abs((top + bottom) - (other_top + other_bottom)) / 2 < 0.35 * left.height
    return level and -0.3 * left.height < start - end < _ROW_GAP * left.height


def _joined(pieces: list[Line]) -> Line:
    if len(pieces) == 1:
        return pieces[0]
    for piece in pieces[:-1]:
        piece.words[-1].space = not piece.unspaced
    first, last = pieces[0].quad, pieces[-1].quad
    words = [word for piece in pieces for word in piece.words]
    confidence = float(np.mean([piece.confidence for piece in pieces]))
    return Line(words, np.array([first[0], last[1], last[2], first[3]], np.float32), confidence)


def _continued(rows: list[_Place]) -> list[tuple[_Place, _Place]]:
    """Pairs of a row and the nearest one that goes on below it; no row goes on from two."""
    gaps = [
        (gap, i, j) for i, a in enumerate(rows) for j, b in enumerate(rows) if (gap := _gap(a, b)) is not None
    ]
    pairs, above, below = [], set(), set()
    for _, i, j in sorted(gaps):
        if i not in above and j not in below:
            above.add(i)
            below.add(j)
            pairs.append((rows[i], rows[j]))
    return pairs


def _gap(a: _Place, b: _Place) -> float | None:
    """The distance from row `a` down to row `b` where b can continue it, else None."""
    if a is b or not a.alike(b):
        return None
    start, end, _, bottom = a.extent(a)
    other_start, other_end, top, _ = a.extent(b)
    gap = top - bottom
    if not -_OVERLAP * a.height < gap < _LINE_GAP * a.height:
        return None
    if min(end, other_end) <= max(start, other_start):
        return None
    shifts = (other_start - start, other_end - end, (other_start + other_end - start - end) / 2)
    return gap if min(map(abs, shifts)) < _ALIGNED * a.height else None


def _in_order(groups: list[list[_Place]]) -> list[list[_Place]]:
    """Columns from the right, then rows from above, each from the left."""
    columns = [group for group in groups if group[0].line.vertical]
    rest = [group for group in groups if not group[0].line.vertical]
    columns.sort(key=lambda group: -_middle(group)[0])
    bands: list[list[list[_Place]]] = []
    for group in sorted(rest, key=lambda group: _middle(group)[1]):
        first = bands[-1][0] if bands else None
        if first and _middle(group)[1] - _middle(first)[1] < first[0].height / 2:
            bands[-1].append(group)
        else:
            bands.append([group])
    return columns + [group for band in bands for group in sorted(band, key=lambda group: _middle(group)[0])]


def _middle(group: list[_Place]) -> tuple[float, float]:
    """The centre of a paragraph's first row in the picture."""
    x, y = group[0].quad.mean(axis=0)
    return float(x), float(y)
