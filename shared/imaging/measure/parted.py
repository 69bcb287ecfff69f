"""Text of two colours: what differs from the ground is parted into the letters and what lies beside them.

The two are told apart by Otsu's threshold (1979) along the principal axis of how they differ from the ground.
Which of them the letters are is for the caller to find.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.imaging.ink.attached import Words, dilated
from shared.imaging.ink.separate import Ground, Ink, lengths, otsu
from shared.imaging.pixels import Floats, Mask, Pixels

Vector = NDArray[np.float32]

FEW = 60
"""Pixels that are too few to tell a colour of."""
SEEN = 30.0
"""Least RGB between the ground and what is told from it."""
_GRAINS = 10.0  # RGB for each CIELAB of the ground's noise that are no grain of it
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


def middle(values: Floats) -> Vector:
    """The colour of a part, without the mixtures at its edge that are nearer to the ground."""
    far = np.linalg.norm(values, axis=1)
    return np.asarray(np.median(values[far >= np.median(far)], axis=0), dtype=np.float32)
