"""Measured lines in the axes of the text around them: where each stands, and how large it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shared.imaging.frame import Frame, Points
from shared.imaging.group.lines import TextLine
from shared.imaging.group.mismeasured import corrected, is_plausible, sizes_by_boxes
from shared.imaging.measure.look import Look
from shared.imaging.typesetting.reach import reach
from shared.imaging.typesetting.scripts import RTL, script_of

_RISE, _FALL = 0.8, 0.2  # ems above and below the baseline that count as the line's own
_TOGETHER = 8.0  # degrees between lines of one direction; those of a thing seen aslant differ a little


@dataclass(frozen=True)
class Placed:
    """A measured line in axes turned by `axes` degrees, the main direction of the lines that run as it does.

    `top` and `bottom` lie around its baseline by its size, whichever letters it has. `expected` is the em
    height in pixels that its box tells, if any.
    """

    text: TextLine
    look: Look | None
    axes: float
    left: float
    right: float
    top: float
    bottom: float
    expected: float | None = None

    @cached_property
    def size(self) -> float:
        """Em height in pixels, measured, or guessed from the polygon where that cannot be right."""
        if self.look is not None and self.is_measured:
            return max(1.0, self.look.size)
        return max(1.0, self.expected or self._guessed)

    @property
    def _guessed(self) -> float:
        """What the box tells if it is tight, or as high as any line; what is measured leans to one."""
        ways = (self.em_of_box, self.text.height)
        if self.look is None:
            return min(ways)
        return min(ways, key=lambda size: abs(np.log(size / self.look.size)) if self.look else size)

    @cached_property
    def em_of_box(self) -> float:
        """The em of its letters in pixels, if they fill its polygon from top to bottom."""
        return self.text.height / sum(reach(self.words))

    @cached_property
    def is_measured(self) -> bool:
        """Whether what was measured of its ink can be: neither faint nor beyond its box."""
        return self.look is not None and is_plausible(self.text, self.look)

    def is_as_large_as(self, other: Placed, times: float) -> bool:
        """Whether the sizes of both differ by no more than a factor, by their ink or by their boxes."""
        pairs = [(self.em_of_box, other.em_of_box), (self.text.height, other.text.height)]
        if self.is_measured and other.is_measured:
            pairs = [(self.size, other.size), *pairs[:1]]
        return any(max(pair) <= times * min(pair) for pair in pairs)

    @property
    def words(self) -> str:
        """The line's text."""
        return self.text.line.text

    @property
    def angle(self) -> float:
        """The direction of its own polygon, in degrees clockwise."""
        return self.text.angle

    @property
    def baseline(self) -> float:
        """The place of the baseline between `top` and `bottom`."""
        return self.bottom - _FALL * self.size

    @cached_property
    def leftward(self) -> bool:
        """Whether most letters are of a script that runs from right to left."""
        letters = [char for char in self.words if char.isalpha()]
        return sum(script_of(char) in RTL for char in letters) * 2 > len(letters)

    @cached_property
    def word_widths(self) -> list[float]:
        """The lengths of its words in reading order, in pixels."""
        words = self.text.line.words
        side = 3 if self.text.vertical else 0
        return [float(np.hypot(*np.subtract(word[1 + side - 4], word[side]))) for word in words]


def placed(lines: Sequence[TextLine], looks: Sequence[Look | None]) -> list[Placed]:
    """Each line in axes turned by the direction of those like it, so that rows and columns are straight."""
    parts = zip(lines, looks, _directions(lines), sizes_by_boxes(lines, looks), strict=True)
    return [_placed(line, corrected(line, look, size), angle, size) for line, look, angle, size in parts]


def _placed(line: TextLine, look: Look | None, axes: float, expected: float | None) -> Placed:
    points = turned(np.array(line.line.polygon), axes)
    low, high = points.min(axis=0), points.max(axis=0)
    rise, fall = reach(line.line.text)
    em = line.height / (rise + fall)
    baseline = float((low[1] + high[1]) / 2) + line.height / 2 - fall * em
    top, bottom = baseline - _RISE * em, baseline + _FALL * em
    if look is not None and is_plausible(line, look):
        frame = Frame.of(line.line.polygon)
        baseline = float(turned(frame.to_picture([(frame.width / 2, look.baseline)]), axes)[0, 1])
        top, bottom = baseline - _RISE * look.size, baseline + _FALL * look.size
    return Placed(line, look, axes, float(low[0]), float(high[0]), top, bottom, expected)


def _directions(lines: Sequence[TextLine]) -> list[float]:
    """For each line the mean direction, in degrees, of the long lines that run about as it does."""
    found: list[float | None] = [None] * len(lines)
    while None in found:
        free = [i for i, angle in enumerate(found) if angle is None]
        lead = max(free, key=lambda i: (len(lines[i].line.text), -i))
        alike = [i for i in free if abs(_turn(lines[i].angle, lines[lead].angle)) < _TOGETHER]
        weights = [max(1.0, len(lines[i].line.text)) ** 2 for i in alike]
        turns = [_turn(lines[i].angle, lines[lead].angle) for i in alike]
        angle = lines[lead].angle + float(np.average(turns, weights=weights))
        for i in alike:
            found[i] = angle
    return [float(angle) for angle in found if angle is not None]


def _turn(angle: float, other: float) -> float:
    """The turn from `other` to `angle`, above -180 and up to 180 degrees."""
    return (angle - other + 180) % 360 - 180


def turned(points: Points, degrees: float) -> Points:
    """Points in axes whose x runs at `degrees` clockwise."""
    angle = np.radians(degrees)
    axes = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray(points @ axes, dtype=np.float64)
