"""Columns: which signs stand upright, which lie on their side, and which share a cell.

The rules are those of Unicode Standard Annex 50 as far as they can be told from width and category, with
tate-chu-yoko for short numbers; the faces' own `vert` glyphs do the rest.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from shared.imaging.typesetting.fonts import Typeface
from shared.imaging.typesetting.words import UPRIGHT, Manner, Matrix2, Word, clusters, word

MIDDLE = 0.36
"""Half the height of capitals and digits, in ems: what lies on the middle line of a column."""
_ON_ITS_SIDE: Matrix2 = (0.0, -1.0, 1.0, 0.0)
_CELL = 1.0
_NUMBER = re.compile(r"[0-9]+(?:[.,:/-][0-9]+)*%?|[!?]{2}")
_IN_ONE_CELL = 3
_UPRIGHT_SIGNS = set("…‥—―〜～・·※℃№℡☎★☆●○◎■□▲△▼▽◆◇→←↑↓〒〇")


class Cell(NamedTuple):
    """A word of a column. `turn` says how it stands."""

    word: Word
    turn: Literal["upright", "side", "cell"]


class Standing(NamedTuple):
    """A cell's word at its place: x from the column's middle, y down from its start."""

    word: Word
    x: float
    y: float
    matrix: Matrix2


def cells(text: str, face: Typeface, manner: Manner, script: str, language: str) -> Iterator[Cell]:
    """The cells of a piece of one face and script."""
    for piece, turn in _tokens(text):
        direction = "ttb" if turn == "upright" else "ltr"
        yield Cell(word(piece, face, manner, script, language, direction), turn)


def stood(column: Iterable[Cell]) -> tuple[list[Standing], float]:
    """The cells below each other, and the column's length."""
    found: list[Standing] = []
    y = 0.0
    for piece, turn in column:
        if turn == "upright":
            found.append(Standing(piece, 0.0, y, UPRIGHT))
            y += piece.down
        elif turn == "side":
            found.append(Standing(piece, -MIDDLE, y, _ON_ITS_SIDE))
            y += piece.advance
        else:
            share = min(1.0, _CELL / piece.advance) if piece.advance else 1.0
            left = -piece.advance * share / 2
            found.append(Standing(piece, left, y + _CELL / 2 + MIDDLE, (share, 0.0, 0.0, 1.0)))
            y += _CELL
    return found, y


def _tokens(text: str) -> Iterator[tuple[str, Literal["upright", "side", "cell"]]]:
    last = 0
    for match in _NUMBER.finditer(text):
        yield from _letters(text[last : match.start()])
        number = match.group()
        short = len(number) <= _IN_ONE_CELL and (number.isdigit() or number[0] in "!?")
        yield number, "cell" if short else "side"
        last = match.end()
    yield from _letters(text[last:])


def _letters(text: str) -> Iterator[tuple[str, Literal["upright", "side"]]]:
    """Maximal pieces that stand alike."""
    piece, upright = "", False
    for cluster in clusters(text):
        stands = _stands(cluster[0])
        if piece and stands != upright:
            yield piece, "upright" if upright else "side"
            piece = ""
        piece, upright = piece + cluster, stands
    if piece:
        yield piece, "upright" if upright else "side"


def _stands(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF" or char in _UPRIGHT_SIGNS
