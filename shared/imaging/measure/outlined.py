"""Letters with an outline: which colour is theirs, and which lies around them.

An outline is that of a text's two colours which lies all around the other and is no mixture of that and the
ground, as the rims of letters are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from shared.imaging.ink.attached import Words, dilated
from shared.imaging.ink.separate import Ground, Ink
from shared.imaging.measure.letters import Letters
from shared.imaging.measure.parted import FEW, Vector, parted
from shared.imaging.pixels import Mask, Pixels

_LEAST_EM = 22.0  # pixels below which a rim cannot be told from anti-aliasing
_REACH = 0.12  # ems around the ink in which its rim is looked for
_SEEN = 60.0  # RGB between a rim and the ground: coding leaves colours that are no rim around strong ones
_LEAST_LETTERS = 0.2  # share of the mass that the letters are
_ALL_AROUND = 0.85  # share of the letters' edge that is a rim's
_MIXED = 32.0  # RGB from the line between ground and ink, from which a colour is no mixture of them
_OPPOSITE, _BEYOND = -0.2, 1.15  # of the ink's difference from the ground, past which no mixture lies
_THINNEST, _THICKEST = 0.015, 0.2  # ems of a rim
_SQUARE = np.ones((3, 3), np.uint8)
_EVEN, _PIXEL = 0.85, 1.3  # share of the thickness, and of what pixels add, by which a rim is uneven


@dataclass(frozen=True)
class Outlined:
    """`ink` is that of the `letters` alone; around them lies `rim`, `width` pixels thick."""

    ink: Ink
    letters: Letters
    rim: tuple[int, int, int]
    width: float


def outlined(crop: Pixels, ground: Ground, ink: Ink, words: Words, em: float) -> Outlined | None:
    """The letters and the outline of a line's ink, None where it has none.

    `em` is what the line's height says of its letters: without ascenders they fill half of it.
    """
    if em < _LEAST_EM:
        return None
    text = parted(crop, ground, ink, words, _REACH)
    if text is None:
        return None
    for letters, rim in (text.colours, text.colours[::-1]):
        if np.linalg.norm(rim) < _SEEN or not _is_no_mixture(rim, letters):
            continue
        letters, rim = text.settled(letters, rim)
        if np.linalg.norm(rim) < _SEEN:
            continue
        inner, outer = text.nearest(letters, rim)
        if not _is_no_mixture(letters, rim):
            inner = _peeled(inner, inner | outer)
        width = _thickness(inner, outer, words.em)
        if width is not None:
            alone = replace(ink, core=inner, halo=inner)
            return Outlined(alone, text.alone(inner, letters, rim), text.shade(outer, rim), width)
    return None


def _is_no_mixture(colour: Vector, ink: Vector) -> bool:
    """Whether a colour, as a difference from the ground, lies off the line from the ground to the ink."""
    share = float(colour @ ink) / max(1.0, float(ink @ ink))
    off = float(np.linalg.norm(colour - min(1.0, max(0.0, share)) * ink))
    is_past = share < _OPPOSITE or share > _BEYOND
    return off > _MIXED and (is_past or off > 0.35 * float(np.linalg.norm(colour)))


def _peeled(letters: Mask, mass: Mask) -> Mask:
    """The letters without the edge of a text, whose anti-aliasing has their colour where a rim does."""
    return letters & ~dilated(~_closed(mass), 1)


def _closed(mass: Mask) -> Mask:
    """A mass without the gaps where the mixture of both colours is that of the ground."""
    return np.asarray(cv2.morphologyEx(mass.astype(np.uint8), cv2.MORPH_CLOSE, _SQUARE), dtype=bool)


def _thickness(letters: Mask, rim: Mask, em: float) -> float | None:
    """How thick in pixels the rim is, None where it does not lie all around the letters."""
    mass = _closed(letters | rim)
    if min(letters.sum(), rim.sum()) < FEW / 2 or letters.sum() < _LEAST_LETTERS * mass.sum():
        return None
    edge = mass & dilated(~mass, 1)
    if not edge.any() or (edge & letters).sum() > (1 - _ALL_AROUND) * edge.sum():
        return None
    away = cv2.distanceTransform((~letters).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[edge]
    low, middle, high = np.percentile(away, (15, 50, 85))
    is_even = high - low < _EVEN * (_PIXEL + middle) and low > 0
    return float(middle) if is_even and _THINNEST * em < middle < _THICKEST * em else None
