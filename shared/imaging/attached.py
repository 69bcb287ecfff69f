"""Which pixels that differ from the ground belong to the words, and which to things that touch them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Reals = NDArray[np.float64]

_INSIDE = 0.35  # least share of a part's area that lies in the words, when it is theirs
_LONGEST_STROKE = 1.1  # in ems: longer straight runs are rules and frames
_LETTERS = 0.4  # least share that is left of letters when straight runs are cut off
_LONG_SIDE = 1.6  # of the words' rectangle over its other side, when it is surely along the words
_FRAME = 1.35  # extent across the line over the usual one, from which a part is no letter
_MANY = 6  # other parts that must be there before one that stays within the words is taken for a frame
_OUT = 0.12  # share of a part's area from which it does not stay within them
_TALLER = 1.05  # times the words' height: no stroke is that long
_BEYOND = 0.12  # of the usual extent: how far such a part reaches further than all others, on both sides


@dataclass(frozen=True)
class Words:
    """The words of a line in a crop, as masks of the crop's size.

    `tight` covers them as recognised, `wide` a margin more, `usable` the pixels that may teach the ground (no
    other text). `em` is the text's size in pixels; `bracketed` tells that it has brackets or bars,
    `rim` how far an outline reaches beyond the letters, in pixels.
    """

    tight: Mask
    wide: Mask
    usable: Mask
    em: float
    bracketed: bool = False
    rim: float = 0.0

    @cached_property
    def direction(self) -> tuple[float, float, bool]:
        """The angle of the words' longer side, the shorter one in pixels, and whether the angle is sure."""
        ys, xs = np.nonzero(self.tight)
        if not len(xs):
            return 0.0, 0.0, False
        # The ends of each row say as much of the shape as all of its pixels.
        first = np.flatnonzero(np.diff(ys, prepend=-1))
        ends = np.concatenate([first, np.append(first[1:], len(ys)) - 1])
        points = np.column_stack([xs[ends], ys[ends]]).astype(np.float32)
        _, (width, height), degrees = cv2.minAreaRect(points)
        along = float(np.radians(degrees)) + (0 if width >= height else np.pi / 2)
        return along, min(width, height), max(width, height) > _LONG_SIDE * min(width, height)


def attached(found: Mask, words: Words) -> tuple[Mask, Mask]:
    """What lies mostly inside the words; and the borders, icons and neighbours that reach into them.

    Where letters touch a rule or a frame, straight runs longer than any stroke of theirs are cut off first.
    """
    along, thick, clear = words.direction
    across = along + np.pi / 2
    rules = _rules(found, words, along) if clear else np.zeros_like(found)
    inside, outside = _parted(found & ~rules, words.tight)
    whole = inside.copy()
    if outside.any():
        runs = [_runs(outside, way, _LONGEST_STROKE * words.em) for way in (along, across)]
        torn = outside & ~(runs[0] | runs[1])
        # A frame leaves no more than its corners; letters leave most of what is theirs.
        if (torn & words.tight).sum() >= _LETTERS * (outside & words.tight).sum():
            inside |= _parted(torn, words.tight)[0]
    if clear:
        # A stroke may be as long as the words are high, whatever the size is taken for.
        inside &= ~_runs(inside, across, max(_LONGEST_STROKE * words.em, _TALLER * thick))
        if not words.bracketed:
            inside &= ~_frames(inside, words.tight, across)
    return inside, (outside | whole | rules) & ~inside


def roughly_attached(found: Mask, words: Words) -> tuple[Mask, Mask]:
    """What lies mostly inside the words, and what else reaches into them, with nothing cut off either."""
    return _parted(found, words.tight)


def _rules(found: Mask, words: Words, along: float) -> Mask:
    """Straight runs along the line that go on beyond the words; an underline ends with them."""
    runs = _runs(found, along, _LONGEST_STROKE * words.em) & found
    count, labels = cv2.connectedComponents(runs.astype(np.uint8), connectivity=8)
    beyond = np.bincount(labels[~words.wide], minlength=count) > 0
    beyond[0] = False
    return np.asarray(beyond[labels], dtype=bool)


def _frames(inside: Mask, tight: Mask, across: float) -> Mask:
    """Parts that reach well beyond all others on both sides of the line, as of letters only brackets do."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=8)
    if count < 5:
        return np.zeros_like(inside)
    ys, xs = np.nonzero(inside)
    part = labels[ys, xs]
    raised = xs * np.cos(across) + ys * np.sin(across)
    # Each part's bounds are taken from the line's own slope, which a line across the whole crop shows.
    place = ys * np.cos(across) - xs * np.sin(across)
    height: Reals = raised - np.polyval(np.polyfit(place, raised, 1), place)
    low: Reals = np.full(count, np.inf)
    high: Reals = np.full(count, -np.inf)
    np.minimum.at(low, part.astype(np.intp), height)
    np.maximum.at(high, part.astype(np.intp), height)
    letters = stats[:, cv2.CC_STAT_AREA] >= 4
    letters[0] = False
    extents = np.where(letters, high - low, 0.0)
    outside = np.bincount(labels[~tight], minlength=count) > _OUT * stats[:, cv2.CC_STAT_AREA]
    own = np.bincount(labels[tight], minlength=count)
    tallest = int(np.argmax(extents))
    frames = np.zeros(count, dtype=bool)
    order = [int(i) for i in np.argsort(-extents)[:2]]
    for i in order if letters[tallest] else []:
        others = letters.copy()
        others[order] = False
        if others.sum() < (3 if outside[i] else _MANY):
            break
        # What has most of the ink is the text, its letters joined by a headline, a hand, or a busy ground.
        if own[i] > own[others].sum():
            break
        usual = float(np.percentile(extents[others], 90))
        beyond = min(low[others].min() - low[i], high[i] - high[others].max())
        frames[i] = extents[i] > _FRAME * usual and beyond > _BEYOND * usual
    return np.asarray(dilated(frames[labels], 1), dtype=bool)


def _parted(found: Mask, tight: Mask) -> tuple[Mask, Mask]:
    """Connected parts with enough of their area in `tight`, and those others that reach into it."""
    count, labels = cv2.connectedComponents(found.astype(np.uint8), connectivity=8)
    total = np.bincount(labels.ravel(), minlength=count)
    within = np.bincount(labels[tight], minlength=count)
    inside, outside = within >= _INSIDE * total, (within > 0) & (within < _INSIDE * total)
    inside[0] = outside[0] = False
    return np.asarray(inside[labels], dtype=bool), np.asarray(outside[labels], dtype=bool)


def _runs(found: Mask, angle: float, length: float) -> Mask:
    """Straight runs of at least `length` pixels in the direction of `angle`, with their rims."""
    reach = max(2, round(length / 2))
    dx, dy = reach * np.cos(angle), reach * np.sin(angle)
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.uint8)
    ends = [(round(reach + side * dx), round(reach + side * dy)) for side in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1)
    opened = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_OPEN, kernel).astype(bool)
    return dilated(opened, 1) if opened.any() else opened


def dilated(mask: Mask, radius: int) -> Mask:
    """The mask with a margin of `radius` pixels."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), kernel), dtype=bool)
