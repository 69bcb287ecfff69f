"""Measures of text: errors of characters, and characters that were left over."""

from __future__ import annotations

import difflib
import unicodedata

LEFT_OVER = 3


def normal(text: str, spaced: bool = True) -> str:
    """A text as it is compared: composed, without case, with single spaces or with none."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    shown = "".join(char for char in folded if unicodedata.category(char) != "Cf")
    return (" " if spaced else "").join(shown.split())


def distance(one: str, other: str) -> int:
    """Levenshtein's edit distance."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def left_over(source: str, seen: str, blank: str = "") -> int:
    """Characters of `source` in runs of three or more that are in `seen` and not as much in `blank`."""
    return max(0, _runs(source, seen) - _runs(source, blank))


def _runs(source: str, seen: str) -> int:
    one, other = normal(source, spaced=False), normal(seen, spaced=False)
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    return sum(size for _, _, size in matcher.get_matching_blocks() if size >= LEFT_OVER)
