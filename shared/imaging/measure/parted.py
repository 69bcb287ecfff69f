"""Text of two colours: what differs from the ground is parted into the letters and what lies beside them.

The two are told apart by Otsu's threshold (1979) along the principal axis of how they differ from the ground.
Which of them the letters are is for the caller to find.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.imaging.ink.attached import Words, dilated
from shared.imaging.ink.ground import near_mode
from shared.imaging.ink.samples import otsu
from shared.imaging.ink.separate import Ground, Ink, lengths
from shared.imaging.measure.letters import SHARP, Letters
from shared.imaging.pixels import Floats, Mask, Pixels

Vector = NDArray[np.float32]

FEW = 60
"""Pixels that are too few to tell a colour of."""
SEEN = 30.0
"""Least RGB between the ground and what is told from it."""
_GRAINS = 10.0  # RGB for each CIELAB of the ground's noise that are no grain of it
_LOOKS = 2  # after which two colours have settled
_OVER = 1.2  # most that a pixel may lie beyond the letters' colour while that is looked for
_ROUNDS = 3  # of finding the letters' colour
_FULL, _WHOLE = 85, 0.9  # percentile of the letters' cover that is whole, and what counts as whole
_APART = 60.0  # RGB between the two colours


@dataclass(frozen=True)
class Parted:
    """The pixels `near` a text, their `change` from the ground, and its two `colours`, as changes too."""

    crop: Pixels
    change: Floats
    near: Mask
    colours: tuple[Vector, Vector]

    def nearest(self, letters: Vector, beside: Vector) -> tuple[Mask, Mask]:
        """The pixels that are nearest to the one colour, and those to the other, of both and the ground."""
        away = [lengths(self.change - colour) for colour in (np.zeros(3, np.float32), letters, beside)]
        choice = np.argmin(np.stack(away), axis=0)
        return self.near & (choice == 1), self.near & (choice == 2)

    def settled(self, letters: Vector, beside: Vector) -> tuple[Vector, Vector]:
        """Both colours, from the middle of what each of them is nearest to."""
        for _ in range(_LOOKS):
            parts = self.nearest(letters, beside)
            if min(part.sum() for part in parts) < FEW / 2:
                break
            letters, beside = (self._pure(part) for part in parts)
        return letters, beside

    def alone(self, part: Mask, letters: Vector, beside: Vector) -> Letters:
        """The letters found in `part`, whose colour is about `letters`, by themselves.

        Each pixel is a mixture of their colour with the ground's, or with that of what lies `beside` them:
        whichever misses it by less.
        """
        around = dilated(part, 1) & self.near
        change, core = self.change[around], part[around]
        for _ in range(_ROUNDS):
            share = _shares(change, letters, beside)
            share = np.minimum(share / max(0.1, float(np.percentile(share[core], _FULL))), 1)
            letters = np.asarray(change[share > _WHOLE].mean(axis=0), dtype=np.float32)
        cover = np.zeros(part.shape, dtype=np.float32)
        cover[around] = share
        ground = np.median(self.crop[part] - self.change[part], axis=0)
        red, green, blue = np.rint(np.clip(ground + letters, 0, 255)).astype(int)
        return Letters((int(red), int(green), int(blue)), cover, SHARP)

    def _pure(self, part: Mask) -> Vector:
        """The commonest colour of a part, as a change from the ground; its mixed edges say least."""
        inside = cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[part]
        votes = np.square(inside, dtype=np.float64)
        weights = near_mode(self.crop[part], votes) * votes
        return np.asarray(np.average(self.change[part], axis=0, weights=weights), dtype=np.float32)

    def shade(self, part: Mask, colour: Vector) -> tuple[int, int, int]:
        """The colour of a part in the picture, from those of its pixels that are nearest to `colour`."""
        away = np.linalg.norm(self.change[part] - colour, axis=1)
        values = self.crop[part][away <= np.median(away)]
        red, green, blue = np.rint(np.median(values, axis=0)).astype(int)
        return int(red), int(green), int(blue)


def parted(crop: Pixels, ground: Ground, ink: Ink, words: Words, reach: float) -> Parted | None:
    """A text and what lies within `reach` ems around it in two colours; None where it has but one."""
    near = dilated(ink.core, max(2, round(reach * words.em))) & words.wide & ~ink.strange
    change = crop.astype(np.float32) - ground.smooth
    mass = near & ((lengths(change) > max(SEEN, _GRAINS * ground.noise)) | ink.core)
    colours = _two_colours(change[mass])
    return None if colours is None else Parted(crop, change, near, colours)


def _two_colours(values: Floats) -> tuple[Vector, Vector] | None:
    """The two colours of some pixels, as differences from the ground; None where they have but one."""
    if len(values) < FEW:
        return None
    centred = values - values.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    along = np.asarray(centred @ axes[:, -1], dtype=np.float32)
    above = along - along.min() > otsu(along - along.min())
    if min(above.sum(), (~above).sum()) < FEW / 4:
        return None
    one, other = middle(values[above]), middle(values[~above])
    return (one, other) if np.linalg.norm(one - other) > _APART else None


def _shares(change: Floats, letters: Vector, beside: Vector) -> Floats:
    """The share of the letters' colour in each of n pixels."""
    grounds = (np.zeros(3, np.float32), beside)
    shares, misses = [], []
    for under in grounds:
        step = letters - under
        share = np.clip((change - under) @ step / max(1.0, float(step @ step)), 0, _OVER)
        shares.append(share)
        misses.append(np.linalg.norm(change - under - share[:, None] * step, axis=1))
    nearer = misses[0] < misses[1]
    return np.where(nearer, *shares)


def middle(values: Floats) -> Vector:
    """The colour of a part, without the mixtures at its edge that are nearer to the ground."""
    far = np.linalg.norm(values, axis=1)
    return np.asarray(np.median(values[far >= np.median(far)], axis=0), dtype=np.float32)
