"""The rule under a line of text, told from table lines and frames by where it ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from shared.imaging.frame import Frame, Points, filled
from shared.imaging.geometry import Box
from shared.imaging.ink.region import Region
from shared.imaging.ink.separate import Ink
from shared.imaging.typesetting.scripts import script_of

_JOINED, _LETTERS = frozenset({"Arab", "Syrc", "Mong", "Nkoo"}), 3
_ROWS = 48  # of the line's polygon laid flat
_MARGIN = 22  # rows and columns around it
_RULED = 0.8  # least share of a row that an underline fills
_FREE = 0.45  # share that letters fill between their baseline and the rule
_THICKEST, _GAP = 7, 7  # rows of a rule, and over and under it where it is free
_FROM = 0.72  # of the polygon's height: higher up rules strike text through, or are strokes of letters
_BEYOND = 0.35  # share of the margin at either end that a rule which is no underline fills


def underlined(
    text: str, ink: Ink, region: Region, frame: Frame, others: Sequence[Points] = ()
) -> tuple[float, float] | None:
    """Where the underline of a line begins and ends across it, in its frame; None where it has none.

    `others` are polygons of other text, whose strokes are no underline of this. Of scripts whose letters join
    along the baseline and so fill its row, and of numbers alone, none is told.
    """
    letters = [char for char in text if char.isalpha()]
    if len(letters) < _LETTERS or 2 * sum(script_of(char) in _JOINED for char in letters) > len(letters):
        return None
    scale = _ROWS / frame.height
    columns = max(4, min(6000, math.ceil(frame.width * scale)))
    place = np.array([[columns / frame.width, 0, _MARGIN], [0, scale, _MARGIN], [0, 0, 1]])
    corner = np.array([[1, 0, region.left], [0, 1, region.top], [0, 0, 1]], dtype=np.float64)
    theirs = filled(ink.core.shape, others, region.left, region.top)
    found = ((ink.core | (ink.foreign & ~theirs)) * np.float32(255)).astype(np.uint8)
    size = (columns + 2 * _MARGIN, _ROWS + 2 * _MARGIN)
    flat = cv2.warpPerspective(found, place @ frame.inverse @ corner, size) > 127
    shares = flat[:, _MARGIN:-_MARGIN].mean(axis=1)
    ruled = np.nonzero(shares >= _RULED)[0]
    ruled = ruled[ruled > _MARGIN + _FROM * _ROWS]
    if not len(ruled) or ruled[-1] - ruled[0] >= _THICKEST:
        return None
    top, bottom = int(ruled[0]), int(ruled[-1]) + 1
    above, below = shares[top - _GAP : top], shares[bottom : bottom + _GAP]
    ends = flat[top:bottom, : _MARGIN // 2].mean(), flat[top:bottom, -_MARGIN // 2 :].mean()
    if above.min() > _FREE or (len(below) and below.min() > _FREE) or max(ends) > _BEYOND:
        return None
    return (top - _MARGIN - 1) / scale, (bottom - _MARGIN + 1) / scale


def without_rule(ink: Ink, region: Region, frame: Frame, rule: tuple[float, float]) -> Ink:
    """The ink without the rows of the rule, and what of the letters lies in them."""
    strip = frame.corners(Box(-frame.height, rule[0], frame.width + frame.height, rule[1]))
    shape = ink.core.shape
    away = ~filled(shape, [strip], region.left, region.top)
    return replace(ink, core=ink.core & away, halo=ink.halo & away)
