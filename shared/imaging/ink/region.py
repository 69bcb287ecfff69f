"""Where a line of text is looked at: its crop of the picture, its words there, who stands near by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from shared.imaging.frame import Points, bounds, filled, grown, lengthened
from shared.imaging.ink.attached import Words
from shared.imaging.pixels import Pixels
from shared.scenes.schemas import Line

_TALL_SIGNS = frozenset("()[]{}|/\\（）「」『』【】｜")


@dataclass(frozen=True)
class Region:
    """A line's crop in the picture, and where its words are in the crop."""

    left: int
    top: int
    right: int
    bottom: int
    words: Words

    def cut(self, pixels: Pixels) -> Pixels:
        """The crop as a view of the picture."""
        return pixels[self.top : self.bottom, self.left : self.right]


def region_of(
    line: Line,
    em: float,
    width: int,
    height: int,
    others: Sequence[Points],
    rim: float = 0.0,
    rule: float = 0.0,
) -> Region | None:
    """The crop of `line` in a picture of `width` x `height`; None when it lies outside the picture.

    `others` are polygons of other text, which must not pass for ground. `rim` is what an outline or a shadow
    adds to the letters, and `rule` how far below them an underline reaches, in pixels.
    """
    words = [np.array(line.polygon), *(np.array(word) for word in line.words)]
    if rule:
        words.append(lengthened(line.polygon, rule))
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
    bracketed = not _TALL_SIGNS.isdisjoint(line.text)
    return Region(
        left, top, right, bottom, Words(filled(shape, words, left, top), wide, usable, em, bracketed, rim)
    )


def reaches_of(quads: Sequence[Points]) -> Points:
    """The upright bounds of polygons, n x 4: the least x and y, and the largest negated."""
    corners = np.array([(*quad.min(axis=0), *-quad.max(axis=0)) for quad in quads])
    return corners.reshape(-1, 4)


def neighbours(reaches: Points, i: int, margin: float) -> list[int]:
    """Indices of the bounds that come within `margin` of those of polygon `i`, with `i`; see `reaches_of`."""
    gap = (reaches + reaches[i][[2, 3, 0, 1]]).max(axis=1)
    return [int(j) for j in np.flatnonzero(gap < margin)]
