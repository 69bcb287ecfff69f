"""Letters with an outline: which colour is theirs, and which lies around them.

What differs from the ground is parted into two colours (Otsu 1979, along the principal axis). An outline is
the one that lies all around the other and is no mixture of that and the ground, as the rims of letters are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.imaging.attached import Words, dilated
from shared.imaging.colour import Pixels
from shared.imaging.ground import Floats
from shared.imaging.ink import Ground, Ink, lengths, otsu
from shared.imaging.samples import Mask

Vector = NDArray[np.float32]

_LEAST_EM = 20.0  # pixels below which a rim cannot be told from anti-aliasing
_FEW = 60
_REACH = 0.12  # ems around the ink in which its rim is looked for
_APART = 60.0  # RGB between the two colours
_SEEN = 30.0  # RGB between a rim and the ground
_GRAINS = 10.0  # RGB for each CIELAB of the ground's noise that are no grain of it
_ALL_AROUND = 0.85  # share of the letters' edge that is a rim's
_MIXED = 32.0  # RGB from the line between ground and ink, from which a colour is no mixture of them
_OPPOSITE = -0.2  # of the ink's difference from the ground: beyond the ground no mixture lies
_THINNEST, _THICKEST = 0.015, 0.2  # ems of a rim
_EVEN = 1.3  # pixels, and twice the thickness, by which a rim may be uneven


@dataclass(frozen=True)
class Outlined:
    """`ink` are the letters alone, of `colour`; around them lies `rim`, `width` pixels thick."""

    ink: Ink
    colour: tuple[int, int, int]
    rim: tuple[int, int, int]
    width: float


def outlined(crop: Pixels, ground: Ground, ink: Ink, words: Words) -> Outlined | None:
    """The letters and the outline of a line's ink, None where it has none."""
    if words.em < _LEAST_EM:
        return None
    near = dilated(ink.core, max(2, round(_REACH * words.em))) & words.wide & ~ink.strange
    change = crop.astype(np.float32) - ground.smooth
    mass = near & ((lengths(change) > max(_SEEN, _GRAINS * ground.noise)) | ink.core)
    found = _two_colours(change[mass])
    if found is None:
        return None
    for letters, rim in (found, found[::-1]):
        if np.linalg.norm(rim) < _SEEN or not _is_no_mixture(rim, letters):
            continue
        inner, outer = _nearest(change, near, letters, rim)
        width = _thickness(inner, outer, words.em)
        if width is not None:
            alone = replace(ink, core=inner, halo=inner)
            colours = _shade(crop, change, inner, letters), _shade(crop, change, outer, rim)
            return Outlined(alone, *colours, width)
    return None


def _two_colours(values: Floats) -> tuple[Vector, Vector] | None:
    """The two colours of some pixels, as differences from the ground; None where they have but one."""
    if len(values) < _FEW:
        return None
    centred = values - values.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    along = np.asarray(centred @ axes[:, -1], dtype=np.float32)
    above = along - along.min() > otsu(along - along.min())
    if min(above.sum(), (~above).sum()) < _FEW / 4:
        return None
    one, other = _middle(values[above]), _middle(values[~above])
    return (one, other) if np.linalg.norm(one - other) > _APART else None


def _middle(values: Floats) -> Vector:
    """The colour of a part, without the mixtures at its edge that are nearer to the ground."""
    far = np.linalg.norm(values, axis=1)
    return np.asarray(np.median(values[far >= np.median(far)], axis=0), dtype=np.float32)


def _is_no_mixture(colour: Vector, ink: Vector) -> bool:
    """Whether a colour, as a difference from the ground, lies off the line from the ground to the ink."""
    share = float(colour @ ink) / max(1.0, float(ink @ ink))
    off = float(np.linalg.norm(colour - min(1.0, max(0.0, share)) * ink))
    return off > _MIXED and (share < _OPPOSITE or off > 0.35 * float(np.linalg.norm(colour)))


def _nearest(change: Floats, near: Mask, letters: Vector, rim: Vector) -> tuple[Mask, Mask]:
    """The pixels that are nearest to the letters' colour, and those to the rim's, of both and the ground."""
    away = [lengths(change - colour) for colour in (np.zeros(3, np.float32), letters, rim)]
    choice = np.argmin(np.stack(away), axis=0)
    return near & (choice == 1), near & (choice == 2)


def _thickness(letters: Mask, rim: Mask, em: float) -> float | None:
    """How thick in pixels the rim is, None where it does not lie all around the letters."""
    if min(letters.sum(), rim.sum()) < _FEW / 2:
        return None
    # Where the ground's colour lies between both, the mixture of both looks like ground.
    kernel = np.ones((3, 3), np.uint8)
    mass = cv2.morphologyEx((letters | rim).astype(np.uint8), cv2.MORPH_CLOSE, kernel).astype(bool)
    edge = mass & dilated(~mass, 1)
    if not edge.any() or (edge & letters).sum() > (1 - _ALL_AROUND) * edge.sum():
        return None
    away = cv2.distanceTransform((~letters).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[edge]
    low, middle, high = np.percentile(away, (15, 50, 85))
    is_even = high - low < _EVEN + 2 * middle and low > 0
    return float(middle) if is_even and _THINNEST * em < middle < _THICKEST * em else None


def _shade(crop: Pixels, change: Floats, part: Mask, colour: Vector) -> tuple[int, int, int]:
    """The colour of a part in the picture, from those of its pixels that are nearest to `colour`."""
    away = np.linalg.norm(change[part] - colour, axis=1)
    red, green, blue = np.rint(np.median(crop[part][away <= np.median(away)], axis=0)).astype(int)
    return int(red), int(green), int(blue)
