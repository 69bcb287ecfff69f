"""One way of setting a text, broken into one line, two lines, three: each as even as it can be."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

from shared.imaging.geometry import Box
from shared.imaging.typesetting.decoration import dressed
from shared.imaging.typesetting.linebreak import Cut, Strain, cuts
from shared.imaging.typesetting.shape import HYPHEN, Paragraph, Shaped, Shaper
from shared.scenes.schemas import Style

TIGHTEST = 1.12
"""Least distance of two baselines, in ems; lines whose ink reaches further are set further apart."""
TIGHTEST_COLUMNS = 1.06
_APART = 0.02  # left between the ink of two lines, in ems

Lines = list[tuple[int, int]]


@dataclass(frozen=True)
class Broken:
    """Lines with the boxes of all that is drawn of them. Lengths are ems.

    Boxes are turned where the text is vertical, so that lines always follow each other downwards.
    """

    lines: tuple[Shaped, ...]
    inks: tuple[Box | None, ...]

    @cached_property
    def across(self) -> float:
        """Width of the widest line's ink."""
        return max((ink.width for ink in self.inks if ink), default=0.0)

    @cached_property
    def rise(self) -> float:
        """How far the ink of the first line reaches above its baseline."""
        return max(0.0, -self.inks[0].top) if self.inks and self.inks[0] else 0.0

    @cached_property
    def fall(self) -> float:
        """How far the ink of the last line reaches below its baseline."""
        return max(0.0, self.inks[-1].bottom) if self.inks and self.inks[-1] else 0.0

    @cached_property
    def pitch(self) -> float:
        """The least distance of baselines at which no two lines touch."""
        tightest = TIGHTEST_COLUMNS if self.lines and self.lines[0].vertical else TIGHTEST
        neighbours = pairwise(self.inks)
        return max([tightest, *(a.bottom - b.top + _APART for a, b in neighbours if a and b)])

    @cached_property
    def down(self) -> float:
        """Height of all lines at the least pitch."""
        return self.rise + self.fall + (len(self.lines) - 1) * self.pitch

    def largest(self, box: Box) -> float:
        """The size in pixels at which the ink just fills `box`."""
        sizes = [
            room / need for room, need in ((box.width, self.across), (box.height, self.down)) if need > 0
        ]
        return max(0.0, min(sizes, default=float("inf")))


class Setting:
    """A text in one face, with one set of places where lines may end."""

    def __init__(self, text: str, shaper: Shaper, strain: Strain, style: Style) -> None:
        """Measure the pieces of `text`; lines are shaped when they are asked for."""
        self.style = style
        self.paragraph: Paragraph = shaper.paragraph(text)
        self.cuts: tuple[Cut, ...] = cuts(self.paragraph.text, shaper.language, strain)
        bounds = [0, *(cut.at for cut in self.cuts), len(self.paragraph.text)]
        widths = [self._width(a, b) for a, b in pairwise(bounds)]
        self._starts = [0.0, *accumulate(widths)]
        hyphen = shaper.shape(HYPHEN).width if any(cut.hyphen for cut in self.cuts) else 0.0
        extra = [hyphen if cut.hyphen else 0.0 for cut in self.cuts] + [0.0]
        bare = [self._bare(a, b, width) for (a, b), width in zip(pairwise(bounds), widths, strict=True)]
        ends = [start + width + more for start, width, more in zip(self._starts, bare, extra, strict=False)]
        self._ends = list(accumulate(ends, max))
        self._known: dict[int, Broken | None] = {}
        self._shaped: dict[tuple[int, int], tuple[Shaped, Box | None]] = {}

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
            lines = self._even(count)
            self._known[count] = self._made(lines) if len(lines) == count else None
        return self._known[count]

    def filled(self, limit: float) -> Broken:
        """Every line as full as `limit` ems allow, as running text is set."""
        return self._made(self._greedy(limit + 1e-6))

    def _even(self, count: int) -> Lines:
        total = self._ends[-1]
        best = self._greedy(total)
        if count <= 1:
            return best
        low, high = total / count, total
        for _ in range(16):
            middle = (low + high) / 2
            lines = self._greedy(middle)
            # A piece wider than the limit stands alone and tells nothing about it.
            if len(lines) <= count and self._longest(lines) <= middle * (1 + 1e-9):
                best, high = lines, middle
            else:
                low = middle
        return best

    def _longest(self, lines: Lines) -> float:
        return max(self._ends[b - 1] - self._starts[a] for a, b in lines)

    def _greedy(self, limit: float) -> Lines:
        lines: Lines = []
        start, count = 0, len(self._ends)
        while start < count:
            end = bisect_right(self._ends, self._starts[start] + limit, start, count)
            end = max(end, start + 1)
            lines.append((start, end))
            start = end
        return lines

    def _made(self, lines: Sequence[tuple[int, int]]) -> Broken:
        shaped = [self._line(a, b) for a, b in lines]
        return Broken(tuple(line for line, _ in shaped), tuple(ink for _, ink in shaped))

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
