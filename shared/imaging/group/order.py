"""In which order the texts of a picture are read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.imaging.group.entries import is_amount
from shared.imaging.group.placed import Placed, turned

Relation = NDArray[np.bool_]
Boxes = NDArray[np.float64]

_LEVEL = 0.5  # ems between the middles of texts of one row
_EDGE = 0.8  # ems between the edges of texts of one column
_MOST = 2  # lines of a cell


def in_reading_order(groups: Sequence[list[Placed]]) -> list[list[Placed]]:
    """Sort texts as one reads them: down a column, then the next column; a table and a price list by rows.

    Where most of the picture is written from right to left, or in columns, the right one comes first.
    """
    if not groups:
        return []
    boxes = _boxes(groups)
    rows = _rows(groups, boxes)
    around = np.array([[*boxes[row, :2].min(axis=0), *boxes[row, 2:].max(axis=0)] for row in rows])
    return [groups[i] for row in _sorted(around) for i in sorted(rows[row], key=lambda i: float(boxes[i, 0]))]


def _boxes(groups: Sequence[list[Placed]]) -> Boxes:
    """Left, top, right and bottom of each text along the picture's lines, mirrored if read leftward."""
    lines = [line for group in groups for line in group]
    lengths = np.array([max(1, len(line.words)) for line in lines])
    angles = np.radians([line.angle - 90 * line.text.vertical for line in lines])
    angle = float(np.degrees(np.arctan2(lengths @ np.sin(angles), lengths @ np.cos(angles))))
    leftward = sum(len(line.words) for line in lines if line.text.vertical or line.leftward)
    mirrored = 2 * leftward > sum(len(line.words) for line in lines if not is_amount(line.words))
    boxes = []
    for group in groups:
        points = turned(np.concatenate([np.array(line.text.line.polygon) for line in group]), angle)
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        boxes.append((-right, top, -left, bottom) if mirrored else (left, top, right, bottom))
    return np.array(boxes, dtype=np.float64)


def _rows(groups: Sequence[list[Placed]], boxes: Boxes) -> list[list[int]]:
    """The texts by rows of tables and price lists; every other text alone.

    Level short texts are a row when one is an amount, or when each has another above or below it and these
    are level, too.
    """
    em = np.array([np.median([line.size for line in group]) for group in groups])
    small = np.array([len(group) <= _MOST and not group[0].text.vertical for group in groups])
    size = np.maximum(em[:, None], em[None])
    left, top, right, bottom = boxes.T
    middle = (top + bottom) / 2
    both = small[:, None] & small[None]
    apart = (left[:, None] >= right[None]) | (left[None] >= right[:, None])
    level = both & apart & (np.abs(middle[:, None] - middle[None]) < _LEVEL * size)
    edges = np.minimum(np.abs(left[:, None] - left[None]), np.abs(right[:, None] - right[None]))
    column = both & (np.abs(middle[:, None] - middle[None]) >= _LEVEL * size) & (edges < _EDGE * size)
    amount = np.array([all(is_amount(line.words) for line in group) for group in groups])
    # Level with each other, each in a column with one of two others that are level, too.
    square = (column.astype(np.int64) @ level.astype(np.int64) @ column.astype(np.int64)) > 0
    together = level & (amount[:, None] | amount[None] | square)
    return _connected(together)


def _connected(together: Relation) -> list[list[int]]:
    rows: list[list[int]] = []
    free = set(range(len(together)))
    while free:
        row, reached = [], [min(free)]
        free.discard(reached[0])
        while reached:
            row.append(reached.pop())
            found = [i for i in np.flatnonzero(together[row[-1]]).tolist() if i in free]
            free.difference_update(found)
            reached += found
        rows.append(sorted(row))
    return rows


def _sorted(boxes: Boxes) -> list[int]:
    """Topological order of boxes (Breuel 2003).

    One comes before another below it that it overlaps sideways, and before one to its right unless something
    between them spans both.
    """
    left, top, right, bottom = boxes.T
    middle = (top + bottom) / 2
    over = (left[:, None] < right[None]) & (left[None] < right[:, None])
    above = middle[:, None] < middle[None]
    beside = right[:, None] <= left[None]
    spans = np.zeros_like(over)
    for i in range(len(boxes)):
        # Some text between the two in height overlaps both sideways.
        low, high = np.minimum(middle, middle[i]), np.maximum(middle, middle[i])
        between = (middle[None] > low[:, None]) & (middle[None] < high[:, None])
        spans[i] = (between & over[i][None] & over).any(axis=1)
    before = (over & above) | (beside & ~spans)
    rest = list(map(int, np.lexsort((left, top))))
    order: list[int] = []
    while rest:
        waiting = before[np.ix_(rest, rest)].any(axis=0)
        order.append(rest.pop(int(np.argmin(waiting))))
    return order
