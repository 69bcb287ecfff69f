"""Lines to paragraphs: what is read as one text, and in which order the texts are read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from shared.imaging.frame import Points
from shared.imaging.ink import to_lab
from shared.imaging.lines import TextLine
from shared.imaging.measure import Look
from shared.imaging.scripts import is_unspaced

_PRICE = re.compile(r"^[^\w]*\d[\d.,:' ]*\s*\W{0,2}\w{0,3}$")
_BULLET = re.compile(r"^([•·‣▪●○◦*–—-]\s|\(?\d{1,2}[.)]\s|\(?[a-zA-Z][.)]\s)")
_ENTRY = re.compile(r"^[^\W\d_][^:：]{0,30}[:：]\s*[^\s:：/]")
_HYPHENS = "-\u2010\u00ad"


@dataclass(frozen=True)
class Placed:
    """A measured line in the axes of the picture's main text direction: its box there, and its size."""

    text: TextLine
    look: Look | None
    left: float
    right: float
    top: float
    bottom: float

    @property
    def size(self) -> float:
        """Em height in pixels, measured or guessed from the polygon."""
        return max(1.0, self.look.size if self.look else 0.8 * self.text.height)

    @property
    def words(self) -> str:
        """The line's text."""
        return self.text.line.text


def placed(lines: list[TextLine], looks: list[Look | None]) -> list[Placed]:
    """Each line in axes turned by its own group's angle, so that rows and columns are straight."""
    found = []
    for line, look in zip(lines, looks, strict=True):
        points = turned(np.array(line.line.polygon), main_angle(lines, line))
        low, high = points.min(axis=0), points.max(axis=0)
        middle, half = (low[1] + high[1]) / 2, line.height / 2
        found.append(
            Placed(line, look, float(low[0]), float(high[0]), float(middle - half), float(middle + half))
        )
    return found


def main_angle(lines: list[TextLine], line: TextLine) -> float:
    """The common direction of the long lines that run about as `line` does, in degrees."""
    alike = [other for other in lines if abs((other.angle - line.angle + 180) % 360 - 180) < 10]
    weights = [max(1.0, len(other.line.text)) ** 2 for other in alike]
    turns = [(other.angle - line.angle + 180) % 360 - 180 for other in alike]
    return line.angle + float(np.average(turns, weights=weights))


def turned(points: Points, degrees: float) -> Points:
    """Points in axes whose x runs at `degrees` clockwise."""
    angle = np.radians(degrees)
    axes = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray(points @ axes, dtype=np.float64)


def paragraphs(lines: list[Placed]) -> list[list[Placed]]:
    """Join lines that go on below each other, each list from its first line to its last, in reading order."""
    rows = _row_mates(lines)
    following: dict[int, int] = {}
    taken: set[int] = set()
    pairs = [
        (lines[b].top - lines[a].bottom, a, b)
        for a in range(len(lines))
        for b in range(len(lines))
        if a != b and _stacked(lines[a], lines[b])
    ]
    for _, a, b in sorted(pairs):
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
    return in_reading_order([[lines[i] for i in part] for part in parts])


def _row_mates(lines: list[Placed]) -> dict[int, list[int]]:
    """For each line the others that stand on the same row."""
    mates: dict[int, list[int]] = {i: [] for i in range(len(lines))}
    for a, first in enumerate(lines):
        for b, second in enumerate(lines):
            shared = min(first.bottom, second.bottom) - max(first.top, second.top)
            least = min(first.bottom - first.top, second.bottom - second.top)
            apart = first.right <= second.left or second.right <= first.left
            if a != b and apart and shared > 0.5 * least:
                mates[a].append(b)
    return mates


def _stacked(a: Placed, b: Placed) -> bool:
    """Whether `b` may be the line under `a` in the same text: place, direction, size and look agree."""
    turn = (a.text.angle - b.text.angle + 180) % 360 - 180
    short = min(a.right - a.left, b.right - b.left) < 3 * max(a.size, b.size)
    if abs(turn) > (12 if short else 5) or max(a.size, b.size) > 1.28 * min(a.size, b.size):
        return False
    size = max(a.size, b.size)
    gap, pitch = b.top - a.bottom, (b.top + b.bottom - a.top - a.bottom) / 2
    if pitch < 0.6 * size or gap > 0.75 * size or pitch > 2.05 * size:
        return False
    return _aligned(a, b, size) and _alike(a.look, b.look, size)


def _aligned(a: Placed, b: Placed, size: float) -> bool:
    if abs(a.left - b.left) < 0.9 * size or abs(a.right - b.right) < 0.6 * size:
        return True
    if abs((a.left + a.right) - (b.left + b.right)) / 2 < 0.9 * size:
        return True
    shared = min(a.right, b.right) - max(a.left, b.left)
    indented = 0 < a.left - b.left < 4 * size
    return indented and shared > 0.6 * min(a.right - a.left, b.right - b.left)


def _alike(a: Look | None, b: Look | None, size: float) -> bool:
    """Same ink and ground as far as light allows, and both bold or both not."""
    if a is None or b is None:
        return True
    inks = to_lab(np.array([[a.ink, b.ink, a.ground, b.ground]], dtype=np.uint8))[0]
    same_ink = float(np.linalg.norm(inks[0] - inks[1])) < 26
    same_ground = float(np.linalg.norm(inks[2] - inks[3])) < 22
    strokes = sorted((a.stroke, b.stroke))
    return (
        same_ink
        and same_ground
        and (strokes[1] < 1.45 * strokes[0] or strokes[1] - strokes[0] < 0.02 + 0.35 / size)
    )


def _split(column: list[int], lines: list[Placed], rows: dict[int, list[int]]) -> list[list[int]]:
    """Cut a column of lines where one text ends and the next begins."""
    right = max(lines[i].right for i in column)
    left = min(lines[i].left for i in column)
    pitches = [_pitch(lines[a], lines[b]) for a, b in pairwise(column)]
    parts = [[column[0]]]
    for i, (a, b) in enumerate(pairwise(column)):
        closest = min(pitches)
        loose = pitches[i] > 1.25 * closest and pitches[i] - closest > 0.15 * lines[a].size
        if loose or _ends(lines[a], lines[b], left, right) or _rows_part(a, b, lines, rows):
            parts.append([b])
        else:
            parts[-1].append(b)
    return parts


def _pitch(a: Placed, b: Placed) -> float:
    return (b.top + b.bottom - a.top - a.bottom) / 2


def _ends(a: Placed, b: Placed, left: float, right: float) -> bool:
    """Whether a text ends with line `a`, because `b` begins another."""
    if _BULLET.match(b.words) or _PRICE.match(b.words) or _PRICE.match(a.words):
        return True
    first = b.words.split()[0] if b.words.split() else ""
    if not first or is_unspaced(b.words):
        return is_unspaced(b.words) and right - a.right > 2.5 * a.size
    if a.words[-1] in _HYPHENS or a.words[-1] in ",;&" or first[0].islower():
        return False
    if _ENTRY.match(a.words) and _ENTRY.match(b.words):
        return True
    # The next line's first word would have had room on this one: its end is meant.
    centred = abs((a.left + a.right) - (left + right)) < 1.2 * a.size and a.left - left > 0.6 * a.size
    spare = right - a.right + (a.left - left if centred else 0)
    needed = (len(first) + 1) * (b.right - b.left) / max(1, len(b.words))
    finished = a.words[-1] in ".!?:…。"
    if centred_lines(a, b) and first[0].isupper() and (finished or (_plain(a.words) and _plain(b.words))):
        return True
    return spare > needed * (1.0 if finished else 1.9 if a.words.isupper() else 1.35)


def centred_lines(a: Placed, b: Placed) -> bool:
    """Whether two lines of unlike length stand around one middle."""
    off = abs((a.left + a.right) - (b.left + b.right)) / 2
    return abs(a.left - b.left) > 0.25 * a.size and off < 0.12 * a.size + 0.5 * abs(a.left - b.left)


def _plain(words: str) -> bool:
    """Sentence case of several words: a capital inside it would say nothing about a line's beginning."""
    rest = [word for word in words.split()[1:] if word[0].isalpha()]
    return len(rest) >= 1 and not any(word[0].isupper() for word in rest)


def _rows_part(a: int, b: int, lines: list[Placed], rows: dict[int, list[int]]) -> bool:
    """Whether `a` and `b` are entries of a list whose other column says so."""
    if not rows[b]:
        return False
    begins_low = lines[b].words[:1].islower()
    if any(_PRICE.match(lines[mate].words) for mate in rows[b]):
        return bool(rows[a]) or not begins_low
    return bool(rows[a]) and not begins_low and _same_column(rows[a], rows[b], lines)


def _same_column(mates_a: list[int], mates_b: list[int], lines: list[Placed]) -> bool:
    """Cells of a table stand under each other and are short; columns of running text are neither."""
    for i in mates_a:
        for j in mates_b:
            a, b = lines[i], lines[j]
            edges = min(abs(a.left - b.left), abs(a.right - b.right))
            if edges < 0.8 * a.size and max(len(a.words), len(b.words)) < 12:
                return True
    return False


def joined(texts: list[str]) -> str:
    """The lines of a paragraph as one text: hyphenated words closed, spaces where the script has them."""
    text = texts[0]
    for following in texts[1:]:
        broken = len(text) > 1 and text[-1] in _HYPHENS and text[-2].isalpha() and following[:1].islower()
        if broken:
            text = text[:-1] + following
        elif is_unspaced(text[-3:]) and is_unspaced(following[:3]):
            text += following
        else:
            text += " " + following
    return text


def in_reading_order(groups: list[list[Placed]]) -> list[list[Placed]]:
    """Sort texts as one reads them: down a column, then the next column (Breuel 2003, with boxes).

    A text comes before another below it that it overlaps sideways, and before one to its right unless
    something between them spans both.
    """
    boxes = np.array(
        [
            (
                min(p.left for p in g),
                min(p.top for p in g),
                max(p.right for p in g),
                max(p.bottom for p in g),
            )
            for g in groups
        ]
    ).reshape(-1, 4)
    left, top, right, bottom = boxes.T
    middle = (top + bottom) / 2
    over = (left[:, None] < right[None]) & (left[None] < right[:, None])
    above = middle[:, None] < middle[None]
    beside = right[:, None] <= left[None]
    spans = np.zeros_like(over)
    for i in range(len(groups)):
        # Some text between the two in height overlaps both sideways.
        low, high = np.minimum(middle, middle[i]), np.maximum(middle, middle[i])
        between = (middle[None] > low[:, None]) & (middle[None] < high[:, None])
        spans[i] = (between & over[i][None] & over).any(axis=1)
    before = (over & above) | (beside & ~spans)
    return [groups[i] for i in _sorted_topologically(before, list(map(int, np.lexsort((left, top)))))]


def _sorted_topologically(
    before: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], preference: list[int]
) -> list[int]:
    left = list(preference)
    order: list[int] = []
    while left:
        waiting = before[np.ix_(left, left)].any(axis=0)
        free = left[int(np.argmin(waiting))]
        order.append(free)
        left.remove(free)
    return order
