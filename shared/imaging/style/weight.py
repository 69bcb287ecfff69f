"""Weight on the scale of CSS from the width of stems."""

from __future__ import annotations

import numpy as np

from shared.imaging.typesetting.scripts import is_east_asian

# What `measure` finds for Noto Sans, its Chinese, Japanese and Korean faces, and Noto Serif at these weights.
_WEIGHTS = (300, 400, 500, 600, 700, 800)
_STEMS = (0.041, 0.069, 0.083, 0.097, 0.114, 0.126)
_STEMS_OF_MANY_STROKES = (0.039, 0.062, 0.081, 0.093, 0.105, 0.118)
_STEMS_OF_SERIF = (0.042, 0.064, 0.073, 0.085, 0.098, 0.11)


def weight_of(stroke: float, text: str, family: str = "sans") -> int:
    """The weight, in steps of 100, of letters whose mean stroke is `stroke` ems."""
    stems = _STEMS_OF_SERIF if family == "serif" else _STEMS
    if is_east_asian(text):
        stems = _STEMS_OF_MANY_STROKES
    return int(min(800, max(300, 100 * round(float(np.interp(stroke, stems, _WEIGHTS)) / 100))))
