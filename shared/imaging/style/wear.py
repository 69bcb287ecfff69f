"""What the lines of a paragraph have in common: their colour, the rim around them, the shadow beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shared.imaging.frame import Frame
from shared.imaging.ink.colours import to_hex
from shared.imaging.measure.look import Look
from shared.scenes.recognition import Point
from shared.scenes.schemas import Outline, Shadow

_THINNEST_RIM, _WIDEST_RIM = 0.01, 0.25  # ems
_FARTHEST, _SOFTEST = 0.5, 0.3  # ems that a shadow is moved and blurred

Looks = list[tuple[Look, int]]


def outline_of(looks: Looks, size: float) -> Outline | None:
    """The rim around the letters of most lines; `looks` count by their letters, `size` is the em."""
    rims = [(look.rim, look.rim_width, n) for look, n in looks if look.rim is not None]
    if not _are_most(sum(n for *_, n in rims), looks):
        return None
    width = weighted([(width, n) for _, width, n in rims]) / size
    colour = common_colour([(rim, n) for rim, _, n in rims], (0, 0, 0))
    return Outline(colour=colour, width=round(min(_WIDEST_RIM, max(_THINNEST_RIM, width)), 3))


def shadow_of(looks: Looks, polygon: Sequence[Point], size: float) -> Shadow | None:
    """The shadow of the letters of most lines, in the frame of the paragraph's `polygon`."""
    casts = [(look.shadow, look, n) for look, n in looks if look.shadow is not None]
    if not _are_most(sum(n for *_, n in casts), looks):
        return None
    move = np.array([weighted([(look.shadow_move[k], n) for _, look, n in casts]) for k in (0, 1)])
    middle = np.array(polygon, dtype=np.float64).mean(axis=0)
    here, there = Frame.of(polygon).to_local([middle, middle + move])
    along, across = np.clip((there - here) / size, -_FARTHEST, _FARTHEST)
    blur = min(_SOFTEST, weighted([(look.shadow_blur, n) for _, look, n in casts]) / size)
    return Shadow(
        colour=common_colour([(shade, n) for shade, _, n in casts], (0, 0, 0)),
        along=round(float(along), 3),
        across=round(float(across), 3),
        blur=round(blur, 3),
    )


def _are_most(count: int, looks: Looks) -> bool:
    return 2 * count > sum(n for _, n in looks)


def common_colour(colours: list[tuple[tuple[int, int, int], int]], otherwise: tuple[int, int, int]) -> str:
    """Per-channel median of the lines' colours, weighted by their length."""
    if not colours:
        return to_hex(otherwise)
    return to_hex([round(weighted([(float(c[k]), n) for c, n in colours])) for k in range(3)])


def weighted(values: list[tuple[float, int]]) -> float:
    """Weighted median."""
    ordered = sorted(values)
    half = sum(weight for _, weight in ordered) / 2
    total = 0.0
    for value, weight in ordered:
        total += weight
        if total >= half:
            return value
    return ordered[-1][0]
