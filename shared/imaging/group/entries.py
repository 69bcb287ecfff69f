"""Entries of lists, tables and price lists: lines below each other that are texts of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from shared.imaging.group.placed import Placed
from shared.imaging.typesetting.scripts import runs_on

_BULLET = re.compile(
    r"^([•·‣▪●○◦∙■□◆★☆✓✔✗✘→►▶*–—-]\s?(?=\S)"
    r"|[(（]?\d{1,3}[.)．）、]\s?(?=\D)|[(（]?[^\W\d_][.)）]\s|[①-⑳㈠-㈩❶-❿])"
)
_ENTRY = re.compile(r"^[^\W\d_][^:：]{0,30}[:：]\s*[^\s:：/]")
_LETTERS_IN_AMOUNT = 3  # such as a currency's code
_CELL = 8.0  # ems; the mean width of cells, above which columns side by side are running text
_CELL_PITCH = 1.5  # ems between the baselines of a table's rows, unless the cells show where they end
_ROW = 0.35  # ems between the baselines of two cells of one row
_SPACE = 0.25  # ems
_LONGEST_WORD = 5.0  # ems of a script without spaces: a wider "word" of the engine is a whole phrase
_FEW = 3  # words
_SHORT_ENTRY = 9.0  # ems
_EVIDENT = 0.3  # share of entries whose end shows: then all of them end
_EVIDENT_ROOM = 1.35  # times what the next word needs
_LIST_PITCH, _LIST_PITCH_OF_WORDS, _LIST_PITCH_OF_TWO = 1.6, 1.45, 1.75
"""Ems between the baselines of short lines that are no text, of three or more single words, of just two."""
_LEAST = 3  # lines whose ends and capitals tell something


def pitch(a: Placed, b: Placed) -> float:
    """From the baseline of line `a` to that of `b` below it."""
    return b.baseline - a.baseline


def is_amount(words: str) -> bool:
    """Whether a line is a number: a price, a time, a quantity with its unit."""
    letters = sum(char.isalpha() for char in words)
    return any(char.isdigit() for char in words) and letters <= _LETTERS_IN_AMOUNT


def begins_entry(a: Placed, b: Placed) -> bool:
    """Whether line `b` has a bullet or a number, or is a label with its value as the line above it is."""
    if _BULLET.match(b.words):
        return True
    return bool(_ENTRY.match(a.words) and _ENTRY.match(b.words))


def room_left(a: Placed, b: Placed, column: Sequence[Placed]) -> tuple[float, float]:
    """How many pixels of the column line `a` leaves free, and how many the first word of `b` would need."""
    left, right = min(line.left for line in column), max(line.right for line in column)
    before, after = a.left - left, right - a.right
    centred = abs(before - after) < 1.2 * a.size and min(before, after) > 0.6 * a.size
    spare = before + after if centred else before if a.leftward else after
    first = b.word_widths[0] if b.word_widths else b.right - b.left
    unspaced = runs_on(b.words)
    return spare, min(first, _LONGEST_WORD * b.size) if unspaced else first + _SPACE * b.size


def is_listed(column: Sequence[Placed]) -> bool:
    """Whether a column of lines is a list of short entries, each a text of its own.

    So it is when a good part of them evidently ends, or when all begin with a capital that their other words
    do not have, or when they stand farther apart than lines of a text do.
    """
    pairs = list(pairwise(column))
    if not pairs or not all(_is_short(line) for line in column):
        return False
    if any(b.words[:1].islower() or a.words[-1] in ",-" for a, b in pairs):
        return False
    if _is_open(column):
        return True
    if len(column) < _LEAST:
        return False
    ends = [spare > _EVIDENT_ROOM * needed for spare, needed in (room_left(a, b, column) for a, b in pairs)]
    if sum(ends) >= _EVIDENT * len(pairs):
        return True
    inner = [word for line in column for word in line.words.split()[1:] if word[0].isalpha()]
    capitals = all(line.words[:1].isupper() for line in column)
    return capitals and not any(word[0].isupper() for word in inner) and not _is_centred(column)


def _is_open(column: Sequence[Placed]) -> bool:
    """Whether the lines stand farther apart than those of a text. Columns of vertical writing always may."""
    apart = float(np.median([pitch(a, b) for a, b in pairwise(column)]))
    words = all(len(line.words.split()) == 1 and not runs_on(line.words) for line in column)
    least = _LIST_PITCH_OF_WORDS if words else _LIST_PITCH
    if len(column) < _LEAST:
        least = _LIST_PITCH_OF_TWO
    return not column[0].text.vertical and apart > least * float(np.median([line.size for line in column]))


def _is_short(line: Placed) -> bool:
    few = len(line.words.split()) <= _FEW and not runs_on(line.words)
    return few or line.right - line.left < _SHORT_ENTRY * line.size


def _is_centred(column: Sequence[Placed]) -> bool:
    """Whether the middles of the lines agree better than either of their edges."""
    left, right = (float(np.ptp([getattr(line, side) for line in column])) for side in ("left", "right"))
    return float(np.ptp([(line.left + line.right) / 2 for line in column])) < 0.6 * min(left, right)


def are_cells(a: Placed, b: Placed, beside_a: Sequence[Placed], beside_b: Sequence[Placed]) -> bool:
    """Whether `a` and `b`, one above the other, are entries of a table because of what stands beside them."""
    goes_on = b.words[:1].islower()
    if any(is_amount(mate.words) for mate in beside_b):
        return bool(beside_a) or not goes_on
    if not beside_a or not beside_b or goes_on:
        return False
    return any(_are_rows(a, b, first, second) for first in beside_a for second in beside_b)


def _are_rows(a: Placed, b: Placed, first: Placed, second: Placed) -> bool:
    """Whether the rows of `a` with `first` and `b` with `second` are level and of short cells."""
    level = max(abs(a.baseline - first.baseline), abs(b.baseline - second.baseline)) < _ROW * a.size
    edges = min(abs(first.left - second.left), abs(first.right - second.right))
    middles = abs(first.left + first.right - second.left - second.right) / 2
    cells = (a, b, first, second)
    short = float(np.mean([line.right - line.left for line in cells])) < _CELL * a.size
    few = all(_is_short(line) for line in cells)
    open_rows = pitch(a, b) > _CELL_PITCH * a.size
    return level and min(edges, middles) < 0.8 * a.size and short and few and open_rows
