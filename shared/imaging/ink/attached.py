"""Which pixels that differ from the ground belong to the words, and which to things that touch them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from shared.imaging.ink.samples import count, of, of_parts, parts_of
from shared.imaging.pixels import Indices, Labels, Mask, Reals

_INSIDE = 0.35  # least share of a part's area that lies in the words, when it is theirs
_LONGEST_STROKE = 1.1  # in ems: longer straight runs are rules and frames
_LETTERS = 0.4  # least share that is left of letters when straight runs are cut off
_LONG_SIDE = 1.6  # of the words' rectangle over its other side, when it is surely along the words
_SPANNED, _LEAST_SIDE = 0.8, 4.0  # share of a part's extent, and pixels, between two rules it touches
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
    if rules.any():
        rules |= _sides(found & ~rules, rules, across)
    inside, outside = _parted(found & ~rules, words.tight)
    whole = inside.copy()
    if outside.any():
        runs = [_runs(outside, way, _LONGEST_STROKE * words.em) for way in (along, across)]
        torn = outside & ~(runs[0] | runs[1])
        # A frame leaves no more than its corners; letters leave most of what is theirs.
        if count(torn & words.tight) >= _LETTERS * count(outside & words.tight):
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
    if not (runs & ~words.wide).any():
        return np.zeros_like(found)
    parts, labels = parts_of(runs)
    beyond = np.bincount(of(labels, ~words.wide), minlength=parts) > 0
    beyond[0] = False
    return of_parts(beyond, labels)


def _sides(found: Mask, rules: Mask, across: float) -> Mask:
    """Parts that lead from one rule to another: the sides of a frame. Letters that touch two are rare."""
    parts, labels = parts_of(found)
    ys, xs = np.nonzero(found & dilated(rules, 1))
    low, high = _reaches(ys, xs, labels, parts, across)
    ys, xs = np.nonzero(found)
    bottom, top = _reaches(ys, xs, labels, parts, across)
    sides = high - low > np.maximum(_SPANNED * (top - bottom), _LEAST_SIDE)
    sides[0] = False
    return of_parts(sides, labels)


def _frames(inside: Mask, tight: Mask, across: float) -> Mask:
    """Parts that reach well beyond all others on both sides of the line, as of letters only brackets do."""
    parts, labels = parts_of(inside)
    if parts < 5:
        return np.zeros_like(inside)
    area = np.bincount(labels.ravel(), minlength=parts)
    own = np.bincount(of(labels, tight), minlength=parts)
    low, high = _extents(inside, labels, parts, across)
    letters = area >= 4
    letters[0] = False
    extents = np.where(letters, high - low, 0.0)
    outside = area - own > _OUT * area
    tallest = int(np.argmax(extents))
    frames = np.zeros(parts, dtype=bool)
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
    return dilated(of_parts(frames, labels), 1) if frames.any() else np.zeros_like(inside)


def _extents(inside: Mask, labels: Labels, parts: int, across: float) -> tuple[Reals, Reals]:
    """The lowest and the highest place of each part, in the direction of `across`.

    They are taken from the line's own slope, which a line across the whole crop shows.
    """
    cos, sin = np.cos(across), np.sin(across)
    all_of = cv2.moments(inside.view(np.uint8), binaryImage=True)
    xx, yy, xy = all_of["mu20"], all_of["mu02"], all_of["mu11"]
    slope = (xy * (cos**2 - sin**2) + (yy - xx) * sin * cos) / (
        yy * cos**2 + xx * sin**2 - 2 * xy * sin * cos
    )
    # A part reaches furthest at an end of one of its rows.
    ends = inside.copy()
    ends[:, 1:-1] &= ~(inside[:, :-2] & inside[:, 2:])
    ys, xs = np.nonzero(ends)
    return _reaches(ys, xs, labels, parts, across, slope)


def _reaches(
    ys: Indices, xs: Indices, labels: Labels, parts: int, across: float, slope: float = 0.0
) -> tuple[Reals, Reals]:
    """The lowest and the highest of some pixels of each part, in the direction of `across`."""
    cos, sin = np.cos(across), np.sin(across)
    part = labels[ys, xs].astype(np.intp)
    height = xs * (cos + slope * sin) + ys * (sin - slope * cos)
    low: Reals = np.full(parts, np.inf)
    high: Reals = np.full(parts, -np.inf)
    np.minimum.at(low, part, height)
    np.maximum.at(high, part, height)
    return low, high


def _parted(found: Mask, tight: Mask) -> tuple[Mask, Mask]:
    """Connected parts with enough of their area in `tight`, and those others that reach into it."""
    parts, labels = parts_of(found)
    total = np.bincount(labels.ravel(), minlength=parts)
    within = np.bincount(of(labels, tight), minlength=parts)
    inside, outside = within >= _INSIDE * total, (within > 0) & (within < _INSIDE * total)
    inside[0] = outside[0] = False
    return of_parts(inside, labels), of_parts(outside, labels)


def _runs(found: Mask, angle: float, length: float) -> Mask:
    """Straight runs of at least `length` pixels in the direction of `angle`, with their rims."""
    reach = max(2, round(length / 2))
    dx, dy = reach * np.cos(angle), reach * np.sin(angle)
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.uint8)
    ends = [(round(reach + side * dx), round(reach + side * dy)) for side in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1)
    opened = cv2.morphologyEx(found.view(np.uint8), cv2.MORPH_OPEN, kernel).view(bool)
    return dilated(opened, 1) if opened.any() else opened


def dilated(mask: Mask, radius: int) -> Mask:
    """The mask with a margin of `radius` pixels."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.dilate(mask.view(np.uint8), kernel).view(bool))
