"""Colours of ink on a ground: how much they stand out, and one that stands out by a given ratio."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.pictures.backgrounds import colour

Random = np.random.Generator


def luminance(rgb: NDArray[np.float32]) -> float:
    """Relative luminance of sRGB 0-255, as WCAG 2 defines it."""
    linear = np.where(rgb <= 10.31, rgb / 255 / 12.92, ((rgb / 255 + 0.055) / 1.055) ** 2.4)
    return float(linear @ np.array([0.2126, 0.7152, 0.0722]))


def ratio(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Contrast ratio of two colours, as WCAG 2 defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def ink_on(rng: Random, ground: NDArray[np.float32], contrast: float) -> NDArray[np.float32]:
    """A random colour whose contrast with `ground` is `contrast`, or as near as there is."""
    hue = colour(rng, 0.3, 1.0, 0.9)
    light = luminance(ground) + 0.05
    up, down = 1.05 / light, light / 0.05
    darker = down >= contrast if rng.random() < 0.5 or up < contrast else False
    if max(up, down) < contrast:
        darker = down > up
    shades = [hue * share for share in np.linspace(0, 1, 65)]
    tints = [hue + (255 - hue) * share for share in np.linspace(0, 1, 65)]
    side = [c for c in [*shades, *tints] if (luminance(c) < luminance(ground)) == darker]
    best = min(side or shades, key=lambda c: abs(ratio(c, ground) - contrast))
    return np.rint(best).astype(np.float32)
