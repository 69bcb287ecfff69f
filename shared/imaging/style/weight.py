"""Weight on the scale of CSS from the width of stems."""

from __future__ import annotations

import numpy as np

from shared.imaging.typesetting.scripts import is_east_asian

# What `measure` finds for Noto Sans, its Chinese, Japanese and Korean faces, and Noto Serif at these weights.
_WEIGHTS = (300, 400, 600, 700, 800)
_STEMS = (0.05, 0.075, 0.103, 0.119, 0.132)
_STEMS_OF_MANY_STROKES = (0.041, 0.065, 0.095, 0.107, 0.119)
_STEMS_OF_SERIF = (0.047, 0.067, 0.092, 0.105, 0.12)


def weight_of(stroke: float, text: str, family: str = "sans") -> int:
    """The weight, in steps of 100, of letters whose mean stroke is `stroke` ems."""
    stems = _STEMS_OF_SERIF if family == "serif" else _STEMS
    if is_east_asian(text):
        stems = _STEMS_OF_MANY_STROKES
    return int(min(800, max(300, 100 * round(float(np.interp(stroke, stems, _WEIGHTS)) / 100))))
