"""How different two colours look: CIEDE2000 (Sharma, Wu, Dalal 2005)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from bench.pictures.truth import Mask, Pixels


def lab(rgb: Sequence[float]) -> tuple[float, float, float]:
    """CIELAB of an sRGB colour 0-255."""
    pixel = np.array([[rgb]], np.float32) / np.float32(255)
    lightness, a, b = cv2.cvtColor(pixel, cv2.COLOR_RGB2LAB)[0, 0]
    return float(lightness), float(a), float(b)


def ciede2000(one: Sequence[float], other: Sequence[float]) -> float:
    """The distance of two CIELAB colours."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(mean**7 / (mean**7 + 25**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    turn = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2)
    lightness, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    middle = h1 + h2 if c1 * c2 == 0 else (h1 + turn / 2) % 360
    t = (
        1
        - 0.17 * np.cos(np.radians(middle - 30))
        + 0.24 * np.cos(np.radians(2 * middle))
        + 0.32 * np.cos(np.radians(3 * middle + 6))
        - 0.20 * np.cos(np.radians(4 * middle - 63))
    )
    sl = 1 + 0.015 * (lightness - 50) ** 2 / np.sqrt(20 + (lightness - 50) ** 2)
    sc, sh = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    spread = 30 * np.exp(-(((middle - 275) / 25) ** 2))
    rt = -2 * np.sqrt(chroma**7 / (chroma**7 + 25**7)) * np.sin(np.radians(2 * spread))
    dl, dc, dh = (l2 - l1) / sl, (c2 - c1) / sc, hue / sh
    return float(np.sqrt(dl**2 + dc**2 + dh**2 + rt * dc * dh))


def drawn_colour(result: Pixels, erased: Pixels, where: Mask) -> tuple[float, float, float] | None:
    """The colour of what was drawn in `where`: the median of the pixels that changed the most, or None."""
    change = np.abs(result.astype(np.int16) - erased).sum(axis=2)
    change = np.where(where, change, 0)
    most = int(change.max(initial=0))
    if most == 0:
        return None
    red, green, blue = np.median(result[change >= 0.9 * most], axis=0)
    return float(red), float(green), float(blue)
