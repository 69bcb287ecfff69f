"""The ink of a new text, moved away from a ground so busy and so near to it that nobody could read it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from shared.imaging.ink.colours import from_hex, to_hex
from shared.imaging.ink.ground import to_lab
from shared.imaging.pixels import Floats, Pixels

LEAST_APART = 3.5
"""Standard deviations of a ground's lightness that ink must lie from its mean."""
_ENOUGH = 3.0  # contrast ratio that WCAG 2 asks of large text: what has it is not moved, and none beyond it
_STEP = 1.0  # CIELAB lightness
_FEW = 12


def readable(ink: str, ground: Pixels) -> str:
    """`ink` (#rrggbb) as it can be told from the n x 3 pixels of `ground` that letters are drawn on.

    Unchanged where its lightness lies LEAST_APART spreads from the ground's, as detection theory measures
    what can be told from noise, or where it has a contrast of 3:1 with the mean. Else a lighter ink gets
    lighter, a darker one darker, by as little as it takes; its hue stays.
    """
    if len(ground) < _FEW:
        return ink
    lightness, under = to_lab(ground[None])[0, :, 0], ground.mean(axis=0)
    mean, spread = float(lightness.mean()), float(lightness.std())
    start = to_lab(np.array([[from_hex(ink)]], dtype=np.uint8))[0, 0]
    way = _STEP if start[0] >= mean else -_STEP
    for steps in range(101):
        moved = start + np.array([steps * way, 0, 0], dtype=np.float32)
        colour = _rgb(moved) if steps else np.array(from_hex(ink), dtype=np.float32)
        stands_out = abs(moved[0] - mean) >= LEAST_APART * spread or _ratio(colour, under) >= _ENOUGH
        if stands_out or not 0 < moved[0] < 100:
            return to_hex([round(float(channel)) for channel in colour])
    return ink


def alike(inks: Sequence[tuple[str, str]]) -> list[str]:
    """Of some inks, each as it was and as it became, what they become if those moved alike stay alike.

    Those that were one ink, and all got lighter or all darker, get the one that was moved farthest.
    """
    moves = [(old, _light(new) - _light(old), new) for old, new in inks]
    farthest: dict[tuple[str, bool], tuple[float, str]] = {}
    for old, by, new in moves:
        key = old, by > 0
        farthest[key] = max(farthest.get(key, (0.0, old)), (abs(by), new))
    return [farthest[old, by > 0][1] if new != old else old for old, by, new in moves]


def _light(ink: str) -> float:
    """Lightness 0-100."""
    return float(to_lab(np.array([[from_hex(ink)]], dtype=np.uint8))[0, 0, 0])


def _rgb(lab: Floats) -> Floats:
    """RGB 0-255 of a colour in CIELAB, cut to what there is."""
    found = cv2.cvtColor(lab.astype(np.float32)[None, None], cv2.COLOR_LAB2RGB)[0, 0]
    return np.asarray(np.clip(found, 0, 1) * 255, dtype=np.float32)


def _ratio(one: Floats, other: Floats) -> float:
    """Contrast ratio of two colours, as WCAG 2 defines it."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(rgb: Floats) -> float:
    """Relative luminance of sRGB 0-255, as WCAG 2 defines it."""
    share = np.asarray(rgb, dtype=np.float64) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))
