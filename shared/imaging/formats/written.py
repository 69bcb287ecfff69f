"""New texts line by line, as renderers with live text need them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.imaging.fit.layouts import SetText
from shared.imaging.fit.placing import PlacedLine
from shared.imaging.frame import Points
from shared.imaging.geometry import Box
from shared.imaging.typesetting.scripts import is_rtl
from shared.imaging.typesetting.shape import Run, ink_of

Affine = tuple[float, float, float, float, float, float]


Vector = NDArray[np.float64]


class Part(NamedTuple):
    """A piece of a line: its text, its runs, where it begins after the line does, and its advance."""

    text: str
    runs: Sequence[Run]
    start: float
    length: float


@dataclass(frozen=True)
class WrittenLine:
    """One line of a block's new text. `placed` counts in the coordinates of the block's frame."""

    of: SetText
    placed: PlacedLine
    rtl: bool

    @property
    def text(self) -> str:
        """The line in the order it is read."""
        return self.placed.shaped.text

    @property
    def vertical(self) -> bool:
        """Whether the line is a column."""
        return self.placed.shaped.vertical

    @property
    def size(self) -> float:
        """The em height in the block's frame."""
        return self.of.layout.size

    @property
    def length(self) -> float:
        """The advance in the block's frame: the width of a line, the height of a column."""
        return self.placed.shaped.width * self.size

    def affine(self, start: float = 0.0, length: float | None = None) -> Affine:
        """a, b, c, d, e, f of the map (ax + cy + e, bx + dy + f) from the frame to the picture, for a part.

        The part begins at `start`; by default it is the line. Where the frame stands in perspective, the map
        is exact at both ends of the part's baseline, and as large across as the letters in its middle.
        """
        length = self.length if length is None else length
        along = np.array((0.0, 1.0) if self.vertical else (1.0, 0.0))
        first = np.array((self.placed.x, self.placed.y)) + start * along
        ends = self.of.frame.to_picture(np.array((first, first + length * along)))
        slope = self._slope(first + length / 2 * along)
        if length:
            slope[:, int(self.vertical)] = (ends[1] - ends[0]) / length
        (a, c), (b, d) = slope.tolist()
        e, f = (ends[0] - slope @ first).tolist()
        return a, b, c, d, e, f

    def _slope(self, point: Vector) -> Vector:
        """The derivative of the frame's map at a point."""
        matrix = self.of.frame.matrix
        (place,) = self.of.frame.to_picture(point[np.newaxis])
        return np.asarray((matrix[:2, :2] - np.outer(place, matrix[2, :2])) / (matrix[2] @ (*point, 1.0)))

    @property
    def parts(self) -> list[Part]:
        """The pieces that one affine map each suits: the whole line, in perspective its words."""
        whole = Part(self.text, self.placed.shaped.runs, 0.0, self.length)
        if self.of.frame.is_affine or self.vertical:
            return [whole]
        found = [_part(runs, self.size) for spaced, runs in _grouped(self.placed) if not spaced]
        ordered = found[::-1] if self.rtl else found
        # Where directions or pieces mix, the line is not torn at all.
        return ordered if [part.text for part in ordered] == self.text.split() else [whole]

    def corners(self, box: Box) -> Points:
        """A box of the line's own ems as a polygon in the picture."""
        size, x, y = self.size, self.placed.x, self.placed.y
        scaled = Box(box.left * size + x, box.top * size + y, box.right * size + x, box.bottom * size + y)
        return self.of.frame.corners(scaled)

    def words(self) -> list[tuple[str, Points]]:
        """The words in the order they are read, each with its polygon in the picture."""
        found = [
            ("".join(run.word.text for run in runs), self.corners(box))
            for spaced, runs in _grouped(self.placed)
            if not spaced and (box := ink_of(runs)) is not None
        ]
        ordered = found[::-1] if self.rtl else found
        ink = self.placed.shaped.ink
        if [text for text, _ in ordered] == self.text.split() or ink is None:
            return ordered
        # Where directions or pieces mix, the line is not torn at all.
        return [(self.text, self.corners(ink))]


def _grouped(placed: PlacedLine) -> Iterator[tuple[bool, list[Run]]]:
    for spaced, runs in groupby(placed.shaped.runs, key=lambda run: not run.word.text.strip()):
        yield spaced, list(runs)


def _part(runs: Sequence[Run], size: float) -> Part:
    """Runs that stand beside each other."""
    start = min(run.x for run in runs)
    end = max(run.x + run.word.advance for run in runs)
    return Part("".join(run.word.text for run in runs), runs, start * size, (end - start) * size)


def lines_of(text: SetText, target: str) -> list[WrittenLine]:
    """The lines of one block, first to last."""
    rtl = is_rtl(target)
    return [WrittenLine(text, placed, rtl and not placed.shaped.vertical) for placed in text.layout.lines]


def upright(polygon: Points) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the upright rectangle around a polygon, in whole pixels."""
    low, high = np.floor(polygon.min(axis=0)), np.ceil(polygon.max(axis=0))
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def all_lines(texts: Sequence[SetText], target: str) -> list[WrittenLine]:
    """The lines of all blocks, in reading order."""
    return [line for text in texts for line in lines_of(text, target)]
