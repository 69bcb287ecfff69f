"""Measures of pixels: error against the blank page, what changed elsewhere, and ink where none may be."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.pictures.truth import Mask, Pixels

BEST_PSNR = 60.0


def psnr(picture: Pixels, truth: Pixels, where: Mask) -> float:
    """Peak signal-to-noise ratio in dB inside a mask, at most 60."""
    error = (picture[where].astype(np.float64) - truth[where]) ** 2
    mean = float(error.mean()) if error.size else 0.0
    return BEST_PSNR if mean < 1e-9 else min(BEST_PSNR, 10 * np.log10(255**2 / mean))


def ssim(picture: Pixels, truth: Pixels, where: Mask) -> float:
    """Structural similarity (Wang 2004) of lightness, the mean of its map inside a mask."""
    x, y = _grey(picture), _grey(truth)
    mx, my = _blur(x), _blur(y)
    vx, vy, xy = _blur(x * x) - mx * mx, _blur(y * y) - my * my, _blur(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similarity = (2 * mx * my + c1) * (2 * xy + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    return float(similarity[where].mean()) if where.any() else 1.0


def _grey(rgb: Pixels) -> NDArray[np.float64]:
    return rgb.astype(np.float64) @ np.array([0.299, 0.587, 0.114])


def _blur(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cv2.GaussianBlur(values, (11, 11), 1.5))


def changed(one: Pixels, other: Pixels) -> Mask:
    """Pixels in which two pictures differ at all."""
    return np.asarray((one != other).any(axis=2))


def ink(result: Pixels, erased: Pixels) -> Mask:
    """Pixels that drawing changed so much that one sees it: by more than 24 in a channel."""
    return np.asarray(np.abs(result.astype(np.int16) - erased).max(axis=2) > 24)


def remains(picture: Pixels, source: Pixels, blank: Pixels, where: Mask) -> float:
    """How much of the source's ink is still in a picture: 0 for none, 1 for all, by projection upon it."""
    ink_there = source[where].astype(np.float64) - blank[where]
    here = picture[where].astype(np.float64) - blank[where]
    power = float((ink_there**2).sum())
    return float((here * ink_there).sum()) / power if power > 0 else 0.0
