"""The colour of some pixels, and how a scene writes colours down."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shared.imaging.ink.ground import near_mode
from shared.imaging.ink.samples import of
from shared.imaging.pixels import Mask, Pixels


def median_colour(rgb: Pixels, where: Mask) -> tuple[int, int, int] | None:
    """Per-channel median of the pixels, or None where there are none."""
    if not where.any():
        return None
    r, g, b = np.rint(np.median(of(rgb, where), axis=0)).astype(int)
    return int(r), int(g), int(b)


def commonest_colour(rgb: Pixels, where: Mask) -> tuple[int, int, int] | None:
    """Median of the pixels near the commonest colour, or None where there are no pixels."""
    if not where.any():
        return None
    values = of(rgb, where)
    weights = near_mode(values, np.ones(len(values)))
    r, g, b = np.rint(np.median(values[weights > 0.4], axis=0)).astype(int)
    return int(r), int(g), int(b)


def to_hex(colour: Sequence[int]) -> str:
    """A colour as #rrggbb."""
    return "#" + "".join(f"{int(c):02x}" for c in colour)


def from_hex(colour: str) -> tuple[int, int, int]:
    """The three numbers of #rrggbb."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
