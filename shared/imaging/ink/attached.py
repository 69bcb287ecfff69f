"""Which pixels that differ from the ground belong to the words, and which to things that touch them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from shared.imaging.frame import Points
from shared.imaging.ink.samples import Parts, count, quantile
from shared.imaging.pixels import Indices, Mask, Reals

_INSIDE = 0.35  # least share of a part's area that lies in the words, when it is theirs
_LONGEST_STROKE = 1.1  # in ems: longer straight runs are rules and frames
_LETTERS = 0.4  # least share that is left of letters when straight runs are cut off
_DEEP = 0.2  # of the words' height, from their edges: how far inside they have letters and few other things
_RULE, _RIMS = 0.3, 2  # ems and pixels: what is thicker is a streak of the ground and no rule
_UNDER = 0.5  # least share of an underline that lies in the words
_LEVER = 2.0  # ems of a rule beyond the words that tell its direction
_LONG_SIDE = 1.6  # of the words' rectangle over its other side, when it is surely along the words
_SPANNED, _LEAST_SIDE = 0.8, 4.0  # share of a part's extent, and pixels, between two rules it touches
_TALLER = 1.05  # times the words' height: no stroke is that long


@dataclass(frozen=True)
class Lie:
    """How lines lie in a crop: the angle `along` them, how `thick` one is, whether the angle is `clear`.

    `rows` are their middles. These and the thickness are in pixels across them.
    """

    along: float
    thick: float
    clear: bool
    rows: tuple[float, ...]

    @classmethod
    def of(cls, lines: Sequence[Points]) -> Lie:
        """The lie of the longest of the lines, given by their corners in the crop, in which all lie."""
        rectangles = [cv2.minAreaRect(points.astype(np.float32)) for points in lines]
        _, (width, height), degrees = max(rectangles, key=lambda rectangle: max(rectangle[1]))
        along = float(np.radians(degrees)) + (0 if width >= height else np.pi / 2)
        across = np.array([-np.sin(along), np.cos(along)])
        rows = sorted(float(np.dot(middle, across)) for middle, _, _ in rectangles)
        clear = max(width, height) > _LONG_SIDE * min(width, height)
        return cls(along, min(width, height), clear, tuple(rows))

    def shrunk(self, by: float) -> Lie:
        """The same in a crop so many times smaller."""
        return Lie(self.along, self.thick / by, self.clear, tuple(row / by for row in self.rows))


@dataclass(frozen=True)
class Words:
    """The words of some lines in a crop, as masks of the crop's size.

    `tight` covers them as recognised, `wide` a margin more, `usable` the pixels that may teach the ground (no
    other text). `em` is the text's size in pixels, `rim` how far an outline reaches beyond the letters.
    """

    tight: Mask
    wide: Mask
    usable: Mask
    em: float
    lie: Lie
    rim: float = 0.0


def attached(found: Mask, words: Words) -> tuple[Mask, Mask]:
    """What lies mostly inside the words; and the borders, icons and neighbours that reach into them.

    Where letters touch a rule or a frame, straight runs longer than any stroke of theirs are cut off first.
    """
    along, thick, clear = words.lie.along, words.lie.thick, words.lie.clear
    across = along + np.pi / 2
    rules = _rules(found, words, along) if clear else np.zeros_like(found)
    if rules.any():
        rules |= _sides(found & ~rules, rules, across)
    inside, outside = _parted(found & ~rules, words.tight)
    strange = inside | outside | rules
    if outside.any():
        runs = [_runs(outside, way, _LONGEST_STROKE * words.em) for way in (along, across)]
        torn = outside & ~(runs[0] | runs[1])
        # A frame leaves no more than its corners; letters leave most of what is theirs.
        if count(torn & words.tight) >= _LETTERS * count(outside & words.tight):
            inside |= _parted(torn, words.tight)[0]
            inside |= _deep(torn & words.tight & ~inside, words.tight, thick)
    if clear:
        # A stroke may be as high as the words, whatever their size is taken for, and touch the next line's.
        longest = max(_LONGEST_STROKE * words.em, _TALLER * thick)
        inside &= ~_runs(inside, across, longest + words.lie.rows[-1] - words.lie.rows[0])
    return inside, strange & ~inside


def _rules(found: Mask, words: Words, along: float) -> Mask:
    """Straight runs along the line that go on beyond the words; an underline ends with them."""
    runs = _runs(found, along, _LONGEST_STROKE * words.em) & found
    if not (runs & ~words.wide).any():
        return np.zeros_like(found)
    parts = Parts.of(runs)
    # An underline may end a little behind the words, as it does below a full stop of full width.
    ended = (parts.within(words.tight) > _UNDER * parts.sizes()) & (parts.within(_border(found.shape)) == 0)
    beyond = (parts.within(~words.wide) > 0) & ~ended
    rules = parts.of_those(beyond)
    ys, xs = np.divmod(parts.places, parts.shape[1])
    for i in np.flatnonzero(beyond & (parts.within(words.tight) > 0)):
        y, x = ys[parts.part == i], xs[parts.part == i]
        letters = _beside_rule(y, x, words.wide[y, x], along, words.em)
        rules[y[letters], x[letters]] = False
    return rules


def _border(shape: tuple[int, ...]) -> Mask:
    """The outermost pixels of a crop."""
    border = np.ones(shape, dtype=bool)
    border[1:-1, 1:-1] = False
    return border


def _beside_rule(ys: Indices, xs: Indices, within: Mask, along: float, em: float) -> Mask:
    """Which pixels of a run are letters that lie on a rule: those `within` the words, off the rule's line.

    Its line and how thick it is are told by what lies beyond the words. What is thick there is no rule but a
    streak of the ground.
    """
    beyond = np.column_stack([xs, ys])[~within].astype(np.float32)
    middle, way = beyond.mean(axis=0), np.array([np.cos(along), np.sin(along)])
    if np.ptp(beyond @ way) > _LEVER * em:
        line = cv2.fitLine(beyond, cv2.DIST_L2, 0, 0.01, 0.01).ravel()
        way, middle = line[:2].astype(np.float64), line[2:]
    away = np.abs((ys - middle[1]) * way[0] - (xs - middle[0]) * way[1])
    reach = quantile(away[~within], 0.95) + 0.5
    return np.asarray(within & ((away > reach) | (2 * reach > _RULE * em + _RIMS)), dtype=bool)


def _deep(found: Mask, tight: Mask, thick: float) -> Mask:
    """Parts that lie in the middle of the words, as letters do, and not along their edges."""
    away = cv2.distanceTransform(tight.view(np.uint8), cv2.DIST_L2, 3)
    parts = Parts.of(found)
    return parts.of_those(parts.within(away > _DEEP * thick) >= _INSIDE * parts.sizes())


def _sides(found: Mask, rules: Mask, across: float) -> Mask:
    """Parts that lead from one rule to another: the sides of a frame. Letters that touch two are rare."""
    parts = Parts.of(found)
    low, high = _reaches(parts, np.flatnonzero(dilated(rules, 1).ravel()[parts.places]), across)
    bottom, top = _reaches(parts, np.arange(len(parts.places)), across)
    return parts.of_those(high - low > np.maximum(_SPANNED * (top - bottom), _LEAST_SIDE))


def _reaches(parts: Parts, some: Indices, across: float) -> tuple[Reals, Reals]:
    """The lowest and the highest of some pixels of each part, in the direction of `across`."""
    ys, xs = np.divmod(parts.places[some], parts.shape[1])
    height = xs * np.cos(across) + ys * np.sin(across)
    low: Reals = np.full(parts.count, np.inf)
    high: Reals = np.full(parts.count, -np.inf)
    np.minimum.at(low, parts.part[some], height)
    np.maximum.at(high, parts.part[some], height)
    return low, high


def _parted(found: Mask, tight: Mask) -> tuple[Mask, Mask]:
    """Connected parts with enough of their area in `tight`, and those others that reach into it."""
    parts = Parts.of(found)
    within = parts.within(tight)
    inside = within >= _INSIDE * parts.sizes()
    return parts.of_those(inside), parts.of_those((within > 0) & ~inside)


def _runs(found: Mask, angle: float, length: float) -> Mask:
    """Straight runs of at least `length` pixels in the direction of `angle`, with their rims."""
    reach = max(2, round(length / 2))
    dx, dy = reach * np.cos(angle), reach * np.sin(angle)
    # No larger than the run: along the rows or the columns OpenCV is much quicker with a full kernel.
    right, down = abs(round(dx)), abs(round(dy))
    kernel = np.zeros((2 * down + 1, 2 * right + 1), np.uint8)
    ends = [(round(right + side * dx), round(down + side * dy)) for side in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1)
    # An opening whose first half seldom leaves anything for the second.
    middles = cv2.erode(found.view(np.uint8), kernel)
    return dilated(cv2.dilate(middles, kernel).view(bool), 1) if middles.any() else middles.view(bool)


def dilated(mask: Mask, radius: int) -> Mask:
    """The mask with a margin of `radius` pixels."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.dilate(mask.view(np.uint8), kernel).view(bool))
