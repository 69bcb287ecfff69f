"""The letters of a line by themselves, without what they wear."""

from __future__ import annotations

from dataclasses import dataclass

from shared.imaging.pixels import Floats

SHARP = 0.4
"""Standard deviation in pixels of edges that were drawn with anti-aliasing and not blurred."""


@dataclass(frozen=True)
class Letters:
    """`colour` is what they were set in, `cover` (0-1) the share of each pixel of the crop that they take.

    `blur` is that of their edges, a Gaussian's standard deviation in pixels.
    """

    colour: tuple[int, int, int]
    cover: Floats
    blur: float
