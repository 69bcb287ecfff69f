"""From text to positioned glyphs: bidi levels, script runs, font runs, words, and the lines made of them."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from shared.imaging.geometry import Box, around
from shared.imaging.typesetting.bidi import visual_runs
from shared.imaging.typesetting.fonts import FontLibrary, Typeface
from shared.imaging.typesetting.itemise import Seen, seen_of
from shared.imaging.typesetting.scripts import is_rtl
from shared.imaging.typesetting.vertical import Cell, cells, stood
from shared.imaging.typesetting.words import (
    UPRIGHT,
    Glyph,
    Manner,
    Matrix2,
    Word,
    transformed,
    word,
)

__all__ = ["Box", "Glyph", "Paragraph", "Run", "Shaped", "Shaper"]

HYPHEN = "-"


class Run(NamedTuple):
    """Glyphs of one face on a line. Its word starts at `x`, `y`, turned or squeezed by `matrix`."""

    word: Word
    x: float
    y: float
    matrix: Matrix2 = UPRIGHT

    @property
    def outlines(self) -> Box | None:
        """The box of the run's outlines about the start of its word."""
        ink = self.word.ink
        return ink if ink is None or self.matrix == UPRIGHT else transformed(ink, self.matrix)

    def glyphs(self) -> Iterator[Glyph]:
        """The run's glyphs in the line's coordinates."""
        a, b, c, d = self.matrix
        upem = self.word.face.upem
        for index, along, across, _ in self.word.places:
            x, y = self.x + a * along + b * across, self.y + c * along + d * across
            yield Glyph(self.word.font, upem, index, x, y, self.matrix)


def ink_of(runs: Iterable[Run]) -> Box | None:
    """The box of the outlines of runs of one line, in its coordinates."""
    return around((run.outlines, run.x, run.y) for run in runs)


@dataclass(frozen=True)
class Shaped:
    """A line of glyphs, in ems. `width` is its advance, `ink` the box of what is really drawn, or None.

    A `vertical` line is a column: its runs go down from 0, its x counts from the column's middle, and
    `width` is its length. Runs stand in the order they are seen, from left to right or down.
    """

    runs: tuple[Run, ...]
    width: float
    ink: Box | None
    missing: frozenset[str] = frozenset()
    text: str = ""
    vertical: bool = False

    @cached_property
    def glyphs(self) -> tuple[Glyph, ...]:
        """Every glyph, in the order it is drawn."""
        return tuple(glyph for run in self.runs for glyph in run.glyphs())


@dataclass(frozen=True)
class Shaper:
    """Shapes text in one style for one language. `width` is the percentage of the width axis.

    `spacing` is added after each letter, in ems; `vertical` sets columns from top to bottom.
    """

    faces: tuple[Typeface, ...]
    language: str
    weight: int = 400
    width: int = 100
    italic: bool = False
    spacing: float = 0.0
    vertical: bool = False

    @classmethod
    def of(
        cls, fonts: FontLibrary, language: str, family: str = "sans", weight: int = 400, italic: bool = False
    ) -> Shaper:
        """A shaper whose typefaces suit `language`, `family` and `italic`, in order of preference."""
        return cls(fonts.candidates(family, italic, language), language, weight, italic=italic)

    def condensed(self, width: int) -> Shaper:
        """The same at another percentage of the width axis."""
        return replace(self, width=width)

    def spaced(self, spacing: float) -> Shaper:
        """The same with other space between letters, in ems."""
        return replace(self, spacing=spacing)

    def upright(self, vertical: bool) -> Shaper:
        """The same for columns, or for lines."""
        return replace(self, vertical=vertical)

    @property
    def rtl(self) -> bool:
        """Whether the language is written from right to left."""
        return is_rtl(self.language) and not self.vertical

    @property
    def writes_columns(self) -> bool:
        """Whether the language is written from top to bottom as readily as across."""
        return re.split("[-_]", self.language.lower())[0] in {"ja", "zh", "yue"}

    @property
    def may_write_columns(self) -> bool:
        """Whether readers are used to columns where there is no room for lines."""
        return self.writes_columns or re.split("[-_]", self.language.lower())[0] == "ko"

    @property
    def manner(self) -> Manner:
        """How each letter is set."""
        return Manner(self.weight, self.width, self.italic, round(self.spacing, 4))

    def paragraph(self, text: str) -> Paragraph:
        """Choose faces and levels for a text that is going to be broken into lines."""
        return Paragraph.of(self, text)

    def shape(self, text: str) -> Shaped:
        """Shape one line. Characters that no font has are left out and named in `missing`."""
        paragraph = self.paragraph(text)
        return paragraph.line(0, len(paragraph.text))


@dataclass(frozen=True)
class Paragraph:
    """A text whose characters have their face, script and bidi level, to be set by one shaper."""

    shaper: Shaper
    seen: Seen

    @classmethod
    def of(cls, shaper: Shaper, text: str) -> Paragraph:
        """Look at every cluster of `text` once; ways of setting the same text share what was seen."""
        return cls(shaper, seen_of(shaper.faces, text, shaper.rtl, shaper.vertical))

    @property
    def text(self) -> str:
        """What is shown: the text without the characters that no face has."""
        return self.seen.text

    @property
    def missing(self) -> frozenset[str]:
        """The characters that no face has."""
        return self.seen.missing

    def width(self, start: int, end: int) -> float:
        """The advance of `line(start, end)`, without its glyphs and ink."""
        if self.shaper.vertical:
            return self.line(start, end).width
        return sum(piece.advance for piece in self._words(start, end, ""))

    def line(self, start: int, end: int, hyphen: bool = False) -> Shaped:
        """The characters from `start` to `end` as one line; with `hyphen` one is set behind the last."""
        if self.shaper.vertical:
            standing, width = stood(self._cells(start, end))
            runs = [Run(*place) for place in standing]
        else:
            runs, width = [], 0.0
            for piece in self._words(start, end, HYPHEN if hyphen and end > start else ""):
                runs.append(Run(piece, width, 0.0))
                width += piece.advance
        ink = ink_of(runs)
        text = self.text[start:end] + (HYPHEN if hyphen else "")
        return Shaped(tuple(runs), width, ink, self.missing, text, self.shaper.vertical)

    def trimmed(self, start: int, end: int) -> tuple[int, int]:
        """The range without white space at its ends."""
        while start < end and self.text[start] in " \u3000":
            start += 1
        while end > start and self.text[end - 1] in " \u3000":
            end -= 1
        return start, end

    def _words(self, start: int, end: int, hyphen: str) -> Iterator[Word]:
        """The line's words in the order they are seen."""
        for first, last, rtl in self._runs(start, end):
            pieces = self._pieces(first, last)
            for a, b in reversed(pieces) if rtl else pieces:
                yield self._word(a, b, hyphen if b == end else "", "rtl" if rtl else "ltr")

    def _word(self, start: int, end: int, hyphen: str, direction: str) -> Word:
        key = (start, end, hyphen)
        found = self._known.get(key)
        if found is None:
            seen, shaper = self.seen, self.shaper
            text, face, script = seen.text[start:end] + hyphen, seen.faces[start], seen.scripts[start]
            found = self._known[key] = word(text, face, self._manner, script, shaper.language, direction)
        return found

    @cached_property
    def _known(self) -> dict[tuple[int, int, str], Word]:
        """The words of this text: each stands in several lines that are tried."""
        return {}

    @cached_property
    def _manner(self) -> Manner:
        return self.shaper.manner

    def _runs(self, start: int, end: int) -> Iterable[tuple[int, int, bool]]:
        """Ranges of one direction as they are seen, from left to right, and whether it is right to left."""
        levels = self.seen.levels
        if self.seen.runs_right:
            return [(start, end, False)]
        return [
            (start + first, start + last, bool(levels[start + first] % 2))
            for first, last in visual_runs(list(levels[start:end]))
        ]

    def _cells(self, start: int, end: int) -> Iterator[Cell]:
        """The cells of a column, downwards."""
        seen = self.seen
        for a, b in self._pieces(start, end):
            yield from cells(
                self.text[a:b], seen.faces[a], self._manner, seen.scripts[a], self.shaper.language
            )

    def _pieces(self, start: int, end: int) -> list[tuple[int, int]]:
        """Ranges of one face and script, cut where white space begins and ends."""
        starts = self.seen.starts
        inner = starts[bisect_right(starts, start) : bisect_left(starts, end)]
        return list(pairwise([start, *inner, end])) if start < end else []
