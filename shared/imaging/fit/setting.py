"""One way of setting a text, broken into one line, two lines, three: each as even as it can be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

from shared.imaging.fit.breaking import Lines, Pieces
from shared.imaging.geometry import Box
from shared.imaging.typesetting.decoration import dressed
from shared.imaging.typesetting.linebreak import Cut, Strain, cuts
from shared.imaging.typesetting.shape import HYPHEN, Paragraph, Shaped
from shared.scenes.schemas import Style

TIGHTEST = 1.12
"""Least distance of two baselines, in ems; lines whose ink reaches further are set further apart."""
TIGHTEST_COLUMNS = 1.06
_APART = 0.02  # left between the ink of two lines, in ems


@dataclass(frozen=True)
class Broken:
    """Lines with the boxes of all that is drawn of them. Lengths are ems.

    Boxes are turned where the text is vertical, so that lines always follow each other downwards. `across` is
    the width of the widest line's ink, `rise` how far that of the first line reaches above its baseline,
    `fall` how far that of the last one below; at the least `pitch` of baselines no two lines touch.
    """

    lines: tuple[Shaped, ...]
    inks: tuple[Box | None, ...]
    across: float
    rise: float
    fall: float
    pitch: float

    @classmethod
    def of(cls, lines: tuple[Shaped, ...], inks: tuple[Box | None, ...]) -> Broken:
        """Measure lines, of which there may be none."""
        across = max((ink.width for ink in inks if ink), default=0.0)
        rise = max(0.0, -inks[0].top) if inks and inks[0] else 0.0
        fall = max(0.0, inks[-1].bottom) if inks and inks[-1] else 0.0
        tightest = TIGHTEST_COLUMNS if lines and lines[0].vertical else TIGHTEST
        pitch = max([tightest, *(a.bottom - b.top + _APART for a, b in pairwise(inks) if a and b)])
        return cls(lines, inks, across, rise, fall, pitch)

    @property
    def down(self) -> float:
        """Height of all lines at the least pitch."""
        return self.rise + self.fall + (len(self.lines) - 1) * self.pitch

    def largest(self, box: Box) -> float:
        """The size in pixels at which the ink just fills `box`."""
        down = self.down
        wide = box.width / self.across if self.across > 0 else math.inf
        high = box.height / down if down > 0 else math.inf
        return max(0.0, min(wide, high))


class Setting:
    """A text in one face, with one set of places where lines may end."""

    def __init__(self, paragraph: Paragraph, strain: Strain, style: Style) -> None:
        """Find the places; the pieces between them are measured when lines are asked for."""
        self.style = style
        self.paragraph = paragraph
        self.cuts: tuple[Cut, ...] = cuts(paragraph.text, paragraph.shaper.language, strain)
        self._known: dict[int, Broken | None] = {}
        self._shaped: dict[tuple[int, int], tuple[Shaped, Box | None]] = {}

    @property
    def way(self) -> tuple[object, ...]:
        """What tells this setting from others of the same text."""
        manner = self.paragraph.shaper.manner
        width = manner.width if self.paragraph.seen.varies_in_width else 0
        return self.cuts, width, manner.spacing

    @cached_property
    def _pieces(self) -> Pieces:
        bounds = [0, *(cut.at for cut in self.cuts), len(self.paragraph.text)]
        widths = [self._width(a, b) for a, b in pairwise(bounds)]
        starts = [0.0, *accumulate(widths)]
        hyphened = any(cut.hyphen for cut in self.cuts)
        hyphen = self.paragraph.shaper.shape(HYPHEN).width if hyphened else 0.0
        extra = [hyphen if cut.hyphen else 0.0 for cut in self.cuts] + [0.0]
        bare = [self._bare(a, b, width) for (a, b), width in zip(pairwise(bounds), widths, strict=True)]
        ends = [start + width + more for start, width, more in zip(starts, bare, extra, strict=False)]
        return Pieces(starts, list(accumulate(ends, max)))

    def _width(self, start: int, end: int) -> float:
        return self.paragraph.width(start, end)

    def _bare(self, start: int, end: int, width: float) -> float:
        trimmed = self.paragraph.trimmed(start, end)
        return width if trimmed == (start, end) else self._width(*trimmed)

    @property
    def most_lines(self) -> int:
        """With every place used."""
        return len(self.cuts) + 1

    def broken(self, count: int) -> Broken | None:
        """The text in exactly `count` lines, the longest as short as it can be; None where that is no use."""
        if count not in self._known:
            lines = self._pieces.even(count)
            self._known[count] = self._made(lines) if len(lines) == count else None
        return self._known[count]

    def filled(self, limit: float) -> Broken:
        """Every line as full as `limit` ems allow, as running text is set."""
        return self._made(self._pieces.filled(limit + 1e-6))

    def _made(self, lines: Lines) -> Broken:
        shaped = [self._line(a, b) for a, b in lines]
        return Broken.of(tuple(line for line, _ in shaped), tuple(ink for _, ink in shaped))

    def _line(self, first: int, last: int) -> tuple[Shaped, Box | None]:
        key = (first, last)
        if key not in self._shaped:
            start = self.cuts[first - 1].at if first else 0
            hyphen = last <= len(self.cuts) and self.cuts[last - 1].hyphen
            end = self.cuts[last - 1].at if last <= len(self.cuts) else len(self.paragraph.text)
            line = self.paragraph.line(*self.paragraph.trimmed(start, end), hyphen)
            ink = dressed(line, self.style)
            self._shaped[key] = line, ink.turned() if ink and line.vertical else ink
        return self._shaped[key]
