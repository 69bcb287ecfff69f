"""Ink that a look at all of a line misses: where light is uneven it stands out less here than there."""

from __future__ import annotations

import numpy as np

from shared.imaging.ink.attached import Words
from shared.imaging.ink.samples import otsu, quantile
from shared.imaging.pixels import Floats, Mask

_STRETCH = 1.0  # ems of a line that are looked at alone
_POOR = 0.35  # share of the ink of the stretch that has most, below which one misses some
_STANDS_OUT, _LEAST = 4.5, 4.0  # median deviations of its ground, and CIELAB, that ink is away from it


def missed(along: Floats, core: Mask, words: Words) -> Mask:
    """Likely ink in stretches of the words that show much less of the `core` than others.

    `along` is how far pixels differ from the ground as the ink does, in CIELAB. What was missed has taught
    the ground its colour, so that ink and ground lie on both sides of that: each stretch has its own middle.
    """
    found = np.zeros_like(core)
    ys, xs = np.nonzero(words.tight)
    if not len(ys):
        return found
    cos, sin = np.cos(words.lie.along), np.sin(words.lie.along)
    row = np.abs((ys * cos - xs * sin)[:, None] - np.array(words.lie.rows)).argmin(axis=1)
    places = xs * cos + ys * sin
    place = ((places - places.min()) / (_STRETCH * words.em)).astype(np.intp)
    stretch = row * (place.max() + 1) + place
    total = np.bincount(stretch)
    share = np.bincount(stretch, core[ys, xs]) / np.maximum(total, 1)
    for i in np.flatnonzero((share < _POOR * share.max()) & (total > words.em)):
        y, x = ys[stretch == i], xs[stretch == i]
        values = along[y, x]
        found[y, x] = values > _cut(values)
    return found


def _cut(values: Floats) -> float:
    """From where on values stand out from most."""
    lowest = float(values.min())
    between = lowest + otsu(values - lowest)
    calm = values[values <= between]
    usual = quantile(calm, 0.5)
    return max(between, usual + _STANDS_OUT * quantile(np.abs(calm - usual), 0.5), usual + _LEAST)
