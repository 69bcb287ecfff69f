"""Where Unicode Standard Annex 14 lets a line end: at once where few of its rules apply, else by `uniseg`.

`uniseg` goes over a text once for each rule, which takes most of the time of breaking a line of Chinese or
Thai. Among letters, digits and squares (ideographs, kana, syllables of Hangul) with their brackets and stops
each pair of characters says all: rules LB9, LB13, LB14, LB21, LB22, LB23, LB28, LB30 and LB31.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from itertools import pairwise

_LETTERS = {"AL", "HL", "NU"}
_SQUARES = {"ID", "H2", "H3"}
_ENDS = {"CL", "EX", "IN", "NS"}
_TOLD = _LETTERS | _SQUARES | _ENDS | {"OP", "CM"}
_STOPS = {"CL", "CP", "EX", "IS"}
_RESOLVED = {"AI": "AL", "SG": "AL", "XX": "AL", "CJ": "NS"}


def opportunities(text: str) -> set[int]:
    """Indices within `text` before which a line may begin."""
    kinds = [_kind(char) for char in text]
    # Nothing ever parts from a stop that follows it.
    while len(kinds) > 1 and kinds[-1] in _STOPS:
        kinds.pop()
    if not kinds or kinds[0] == "CM" or not _TOLD.issuperset(kinds):
        return by_all_rules(text)
    marks = {i for i, kind in enumerate(kinds) if kind == "CM"}
    for i in sorted(marks):
        kinds[i] = kinds[i - 1]
    return {i for i, (a, b) in enumerate(pairwise(kinds), 1) if i not in marks and _part(a, b)}


def _part(before: str, after: str) -> bool:
    """Whether a line may end between two kinds."""
    if after in _ENDS or before == "OP":
        return False
    return not (before in _LETTERS and after in _LETTERS)


@lru_cache(maxsize=1 << 14)
def _kind(char: str) -> str:
    """The class of a character, as rule LB1 resolves it; a bracket that is not wide is of no kind."""
    from uniseg.linebreak import line_break

    found = str(line_break(char).value)
    if found == "SA":
        return "CM" if unicodedata.category(char) in {"Mn", "Mc"} else "AL"
    if found == "OP" and unicodedata.east_asian_width(char) not in {"F", "W", "H"}:
        return ""
    return _RESOLVED.get(found, found)


def by_all_rules(text: str) -> set[int]:
    """The same for any text, as `uniseg` tells it."""
    from uniseg.linebreak import line_break_boundaries

    return set(line_break_boundaries(text)) - {0, len(text)}
