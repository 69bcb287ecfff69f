"""Lines to paragraphs: which lines are read as one text.

Lines that stand below each other, look alike and share an edge or the middle make a column; a column is cut
where its pitch widens, where a list, a table or a price list begins its next entry, and where a line ends
although the next one's first word would have had room on it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from shared.imaging.group.entries import are_cells, begins_entry, is_amount, is_listed, pitch, room_left
from shared.imaging.group.placed import Placed
from shared.imaging.ink.ground import to_lab
from shared.imaging.typesetting.scripts import runs_on

_LARGER, _LARGER_BY_FAR = 1.28, 1.34
"""Times that sizes of one text's lines may differ. Measuring misses by more where letters of one em are as
unlike in height as Arabic's are, and in short lines, whose words may tell that they go on."""
_TURN, _TURN_OF_SHORT = 5.0, 12.0  # degrees between neighbouring lines
_SHORT = 3.0  # ems; the direction of a shorter line is not known well
_CLOSEST, _WIDEST = 0.6, 2.05  # ems between baselines
_LOOSER, _LOOSER_BY = 0.27, 0.15  # by which share of the column's closest pitch, and by how many ems
_EVEN, _OUTLIER, _LOOSER_OF_EVEN = 4, 6.0, 0.18
"""Pitches that tell how even a column is; a step that many times less even, and that wider, is meant."""
_EDGE, _FAR_EDGE, _MIDDLE, _INDENT = 0.9, 0.6, 0.9, 4.0  # ems
_ONE_SIZE = 1.15  # times
_SAME_INK, _SAME_INK_ON, _SAME_GROUND = 26.0, 42.0, 22.0  # CIELAB
_BOLDER, _THICKER = 1.45, 0.02  # times, and ems, that stems may differ
_CLEAR = 10.0  # times the ground's noise: stems of ink that stands out less tell nothing
_RIM = 0.35  # pixels that anti-aliasing hides of a stem
_CONTINUES = ",;&、，،؛"
_FINISHED = ".!?:…。！？؟।۔"
_HYPHENS = "-\u2010\u00ad"
_FINISHED_ROOM, _ROOM, _CAPITALS_ROOM = 1.0, 1.35, 1.9  # times what the next word needs
_APART, _APART_ROOM = 0.15, 0.8  # share of the closest pitch from which it is wider, and such room then
_OPEN = 1.95  # ems between the baselines of a column whose lines go on only where their words say so


def paragraphs(lines: Sequence[Placed]) -> list[list[Placed]]:
    """Join lines that go on below each other, each list from its first line to its last."""
    rows = _row_mates(lines)
    following: dict[int, int] = {}
    taken: set[int] = set()
    pairs = [
        (pitch(lines[a], lines[b]), abs(lines[a].left - lines[b].left), a, b)
        for a in range(len(lines))
        for b in range(len(lines))
        if a != b and _stacked(lines[a], lines[b])
    ]
    for _, _, a, b in sorted(pairs):
        if a not in following and b not in taken:
            following[a] = b
            taken.add(b)
    columns = []
    for start in range(len(lines)):
        if start not in taken:
            column = [start]
            while column[-1] in following:
                column.append(following[column[-1]])
            columns.append(column)
    parts = [part for column in columns for part in _split(column, lines, rows)]
    return [[lines[i] for i in part] for part in parts]


def _row_mates(lines: Sequence[Placed]) -> dict[int, list[int]]:
    """For each line the others that stand on the same row."""
    mates: dict[int, list[int]] = {i: [] for i in range(len(lines))}
    for a, first in enumerate(lines):
        for b, second in enumerate(lines):
            shared = min(first.bottom, second.bottom) - max(first.top, second.top)
            least = min(first.bottom - first.top, second.bottom - second.top)
            apart = first.right <= second.left or second.right <= first.left
            if a != b and first.axes == second.axes and apart and shared > 0.5 * least:
                mates[a].append(b)
    return mates


def _stacked(a: Placed, b: Placed) -> bool:
    """Whether `b` may be the line under `a` in the same text: place, direction, size and look agree."""
    turn = (a.angle - b.angle + 180) % 360 - 180
    short = min(a.right - a.left, b.right - b.left) < _SHORT * max(a.size, b.size)
    if abs(turn) > (_TURN_OF_SHORT if short else _TURN) or a.text.vertical != b.text.vertical:
        return False
    size = max(a.size, b.size)
    larger = _LARGER_BY_FAR if a.leftward or goes_on(a.words, b.words) else _LARGER
    if not a.is_as_large_as(b, larger) or not _CLOSEST * size <= pitch(a, b) <= _WIDEST * size:
        return False
    return _aligned(a, b, size) and (not a.is_measured or not b.is_measured or _alike(a, b))


def _aligned(a: Placed, b: Placed, size: float) -> bool:
    starts, ends = a.left - b.left, a.right - b.right
    if a.leftward:
        starts, ends = -ends, -starts
    if abs(starts) < _EDGE * size or abs(ends) < _FAR_EDGE * size:
        return True
    if abs(starts + ends) / 2 < _MIDDLE * size:
        return True
    shared = min(a.right, b.right) - max(a.left, b.left)
    return 0 < starts < _INDENT * size and shared > 0.6 * min(a.right - a.left, b.right - b.left)


def _alike(a: Placed, b: Placed) -> bool:
    """Same ink and ground as far as light allows, and both bold or both not."""
    if a.look is None or b.look is None:
        return True
    colours = [a.look.ink, b.look.ink, a.look.ground, b.look.ground]
    lab = to_lab(np.array([colours], dtype=np.uint8))[0]
    goes = goes_on(a.words, b.words)
    # A name may be followed by what describes it, smaller and paler: then words say nothing.
    is_one_size = max(a.size, b.size) < _ONE_SIZE * min(a.size, b.size)
    same_ink = _SAME_INK_ON if goes and is_one_size else _SAME_INK
    if np.linalg.norm(lab[0] - lab[1]) > same_ink or np.linalg.norm(lab[2] - lab[3]) > _SAME_GROUND:
        return False
    # Stems of a short line, or of one in noise, are measured worse than its words or its place tell.
    if goes or min(a.look.clarity, b.look.clarity) < _CLEAR:
        return True
    thin, thick = sorted((a.look.stroke * a.look.size, b.look.stroke * b.look.size))
    return thick < _BOLDER * thin or thick - thin < _THICKER * max(a.size, b.size) + _RIM


def _split(column: list[int], lines: Sequence[Placed], rows: dict[int, list[int]]) -> list[list[int]]:
    """Cut a column of lines where one text ends and the next begins."""
    members = [lines[i] for i in column]
    ending = _Endings(members)
    parts = [[column[0]]]
    for a, b in pairwise(column):
        mates = ([lines[i] for i in rows[a]], [lines[i] for i in rows[b]])
        if ending.between(lines[a], lines[b]) or are_cells(lines[a], lines[b], *mates):
            parts.append([b])
        else:
            parts[-1].append(b)
    return parts


class _Endings:
    """Where the texts of a column of lines end."""

    def __init__(self, column: Sequence[Placed]) -> None:
        self._column = column
        self._listed = is_listed(column)
        self._capitals = all(line.words[:1].isupper() for line in column)
        steps = sorted(pitch(a, b) for a, b in pairwise(column))
        # Measured baselines miss by a tenth of an em: the closest single pair would say too little.
        self._closest = float(np.median(steps[: (len(steps) + 1) // 2])) if steps else 0.0
        self._unevenness = float(np.median(np.abs(np.subtract(steps, np.median(steps))))) if steps else 0.0
        self._even = len(steps) >= _EVEN
        open_pitch = self._closest > _OPEN * float(np.median([line.size for line in column]))
        self._open = open_pitch and not column[0].text.vertical

    def between(self, a: Placed, b: Placed) -> bool:
        """Whether a text ends with line `a`, because `b` begins another."""
        step = pitch(a, b) - self._closest
        looser = max(_LOOSER_OF_EVEN * self._closest, _OUTLIER * self._unevenness) if self._even else math.inf
        if step > max(min(_LOOSER * self._closest, looser), _LOOSER_BY * a.size):
            return True
        if begins_entry(a, b) or is_amount(a.words) or is_amount(b.words):
            return True
        if goes_on(a.words, b.words):
            return False
        return self._listed or self._open or self._shows(a, b, step > _APART * self._closest)

    def _shows(self, a: Placed, b: Placed, apart: bool) -> bool:
        """Whether the first word of `b` would have had room after `a`, nearly so if they stand `apart`."""
        finished = a.words[-1] in _FINISHED
        if centred_lines(a, b) and not finished:
            return self._capitals and _plain(a.words) and _plain(b.words)
        spare, needed = room_left(a, b, self._column)
        most = _FINISHED_ROOM if finished else _CAPITALS_ROOM if a.words.isupper() else _ROOM
        return spare > (min(most, _APART_ROOM) if apart else most) * needed


def goes_on(words: str, following: str) -> bool:
    """Whether a line's end or the next one's beginning tells that the text goes on."""
    if words[-1] in _HYPHENS or words[-1] in _CONTINUES:
        return True
    return following[:1].islower() and not runs_on(words)


def centred_lines(a: Placed, b: Placed) -> bool:
    """Whether two lines of unlike length stand around one middle."""
    off = abs((a.left + a.right) - (b.left + b.right)) / 2
    return abs(a.left - b.left) > 0.25 * a.size and off < 0.12 * a.size + 0.5 * abs(a.left - b.left)


def _plain(words: str) -> bool:
    """Sentence case of several words: a capital inside it would say nothing about a line's beginning."""
    rest = [word for word in words.split()[1:] if word[0].isalpha()]
    return len(rest) >= 1 and not any(word[0].isupper() for word in rest)
