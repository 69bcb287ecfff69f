"""Where lines of text are looked at: their crop of the picture, their words there, who stands near by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from shared.imaging.frame import Points, bounds, filled, grown, lengthened
from shared.imaging.ink.attached import Lie, Words
from shared.imaging.ink.colours import from_hex
from shared.imaging.pixels import Pixels
from shared.scenes.schemas import Line, Style

_MOST_AT_ONCE = 400_000  # pixels of a crop of several lines: what is learnt of it takes many times its memory
_COST = 10_000  # pixels that take as long as what is done once for a crop
_AROUND = 0.7  # ems around a line that its crop takes in
_SAME_COLOUR, _SAME_SIZE = 24, 1.15  # of 255, and times: what measuring makes of one look


@dataclass(frozen=True)
class Region:
    """The crop of some lines in the picture, and where their words are in the crop."""

    left: int
    top: int
    right: int
    bottom: int
    words: Words

    def cut(self, pixels: Pixels) -> Pixels:
        """The crop as a view of the picture."""
        return pixels[self.top : self.bottom, self.left : self.right]


def region_of(
    lines: Sequence[Line],
    em: float,
    width: int,
    height: int,
    others: Sequence[Points],
    rim: float = 0.0,
    rule: float = 0.0,
) -> Region | None:
    """The crop of `lines` in a picture of `width` x `height`; None when it lies outside the picture.

    `others` are polygons of other text, which must not pass for ground. `rim` is what an outline or a shadow
    adds to the letters, and `rule` how far below them an underline reaches, in pixels.
    """
    each = [_words(line, rule) for line in lines]
    words = [word for some in each for word in some]
    wide_polygons = [grown(word, 0.25 * em + 1.5 + rim, 0.18 * em + 1.5 + rim) for word in words]
    margin = max(4.0, 0.45 * em + rim)
    left, top, right, bottom = bounds(np.concatenate(wide_polygons), margin, width, height)
    if right - left < 2 or bottom - top < 2:
        return None
    shape = (bottom - top, right - left)
    wide = filled(shape, wide_polygons, left, top)
    if not wide.any():
        return None
    radius = round(margin)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (2 * radius + 1, 2 * radius + 1))
    near = cv2.dilate(wide.view(np.uint8), kernel).view(bool)
    usable = near & ~wide & ~filled(shape, others, left, top)
    lie = Lie.of([np.concatenate(some) - (left, top) for some in each])
    tight = filled(shape, words, left, top)
    return Region(left, top, right, bottom, Words(tight, wide, usable, em, lie, rim))


def _words(line: Line, rule: float) -> list[Points]:
    """The polygons that a line's letters, and a rule below them, lie in."""
    words = [np.array(line.polygon), *(np.array(word) for word in line.words)]
    return [*words, lengthened(line.polygon, rule)] if rule else words


def together(reaches: Points, styles: Sequence[Style]) -> list[range]:
    """Runs of lines that look alike and stand so close that one crop of them costs less than one for each.

    `reaches` are the lines' bounds (see `reaches_of`).
    """
    boxes = reaches - np.array([[_AROUND * style.size] for style in styles]).reshape(-1, 1)
    runs: list[range] = []
    for i, style in enumerate(styles):
        if runs and _alike(styles[runs[-1].start], style):
            run = range(runs[-1].start, i + 1)
            apart = sum(_area(boxes[j]) + _COST for j in run)
            if _area(boxes[run].min(axis=0)) + _COST < min(_MOST_AT_ONCE, apart):
                runs[-1] = run
                continue
        runs.append(range(i, i + 1))
    return runs


def _alike(one: Style, other: Style) -> bool:
    """Whether texts have one size, colours, ground and adornment, so that the same thresholds part them."""
    if (one.underline, one.outline, one.shadow) != (other.underline, other.outline, other.shadow):
        return False
    pairs = ((one.ink, other.ink), (one.ground, other.ground))
    off = max(abs(a - b) for pair in pairs for a, b in zip(*map(from_hex, pair), strict=True))
    return off < _SAME_COLOUR and max(one.size, other.size) < _SAME_SIZE * min(one.size, other.size)


def _area(box: Points) -> float:
    """Of bounds as `reaches_of` gives them."""
    return float((box[0] + box[2]) * (box[1] + box[3]))


def reaches_of(quads: Sequence[Points]) -> Points:
    """The upright bounds of polygons, n x 4: the least x and y, and the largest negated."""
    corners = np.array([(*quad.min(axis=0), *-quad.max(axis=0)) for quad in quads])
    return corners.reshape(-1, 4)


def neighbours(reaches: Points, i: int, margin: float) -> list[int]:
    """Indices of the bounds that come within `margin` of those of polygon `i`, with `i`; see `reaches_of`."""
    gap = (reaches + reaches[i][[2, 3, 0, 1]]).max(axis=1)
    return [int(j) for j in np.flatnonzero(gap < margin)]
