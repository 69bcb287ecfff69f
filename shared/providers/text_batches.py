"""Texts cut and packed into what one translation call may carry. Pure; limits are in Unicode code points."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

MAX_STRINGS: Final = 1_024
MAX_POINTS: Final = 30_000

# A sentence's end: Latin punctuation needs white space after it, CJK punctuation does not.
_SENTENCE: Final = re.compile(r"""[.!?…؟।]["'”’»)\]]*(?=\s)|[。！？][」』”’）]*|[^\s](?=\s*\n)""")
_WORD: Final = re.compile(r"\S(?=\s)")
_GAP: Final = re.compile(r"\s*")


class Piece(NamedTuple):
    """A part of a text, and the white space between it and the next part."""

    text: str
    gap: str


def split_text(text: str, limit: int = MAX_POINTS) -> list[Piece]:
    """Cut `text` into pieces of at most `limit` code points: at a sentence's end, or a space, or anywhere.

    `"".join(p.text + p.gap for p in pieces) == text`. A text within the limit stays whole.
    """
    pieces: list[Piece] = []
    rest = text
    while len(rest) > limit:
        cut = _cut(rest, limit)
        gap = _GAP.match(rest, cut)
        end = gap.end() if gap else cut
        pieces.append(Piece(rest[:cut], rest[cut:end]))
        rest = rest[end:]
    if rest or not pieces:
        pieces.append(Piece(rest, ""))
    return pieces


def batches(
    texts: Iterable[str], max_strings: int = MAX_STRINGS, max_points: int = MAX_POINTS
) -> Iterator[list[str]]:
    """Pack texts, in order, into lists within both limits. Each text is within `max_points` already."""
    batch: list[str] = []
    points = 0
    for text in texts:
        if batch and (len(batch) == max_strings or points + len(text) > max_points):
            yield batch
            batch, points = [], 0
        batch.append(text)
        points += len(text)
    if batch:
        yield batch


def _cut(text: str, limit: int) -> int:
    """Where to cut the first piece, between 1 and `limit`. Sentences that leave it under half full do not
    count: each piece more is a call more.
    """
    for boundary, least in ((_SENTENCE, limit // 2), (_WORD, 1)):
        ends = [m.end() for m in boundary.finditer(text, 0, limit + 1) if least <= m.end() <= limit]
        if ends:
            return ends[-1]
    cut = limit
    while cut > 1 and (
        unicodedata.combining(text[cut]) or text[cut - 1] == "\u200d" or text[cut] == "\u200d"
    ):
        cut -= 1
    return cut if cut > 1 else limit
