"""What lies under a text: the even part of its ground, learnt from the pixels around and between the letters.

It changes slowly, so it is worked out for cells of some pixels and spread over them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.imaging.ink.attached import Words
from shared.imaging.pixels import Floats, Mask, Pixels, Reals

SAMPLE = 1200  # pixels that tell enough of a crop
_TELLING = 500  # and those that tell how its ground rises
_FEW, _BESIDE = 30, 0.1  # samples that tell of what is beside the words, and how much a ground shows there
_ROUNDS, _SETTLED = 4, 0.4  # of a fit, and the change in RGB that needs no other
_RIDGE = np.diag([1e-12, 5e-4, 5e-4])  # of a fit: without a reason it does not rise
_CELL = 8  # pixels over which a plane's colour may be interpolated
_FINE = 0.18  # ems: cells of the local mean, not much more than half of its Gaussian's deviation
_CUBE = 18  # cells of 16 levels along each axis of the colours, with one more around them
_STEPS = np.array([_CUBE * _CUBE, _CUBE, 1])
_AROUND = np.concatenate([_STEPS, -_STEPS])[:, None]
_REACH = 0.3  # ems, that deviation


@dataclass(frozen=True)
class Plane:
    """A colour that rises or falls evenly over a crop of `shape`: rows of `fit` are RGB in its middle, and
    the change over its width and over its height."""

    fit: Reals
    shape: tuple[int, int]

    def cells(self, side: int) -> Floats:
        """RGB in the middles of cells of `side` pixels, with one more cell around the crop."""
        height, width = self.shape
        xs = _middles(width, side) / width - 0.5
        ys = _middles(height, side) / height - 0.5
        first, right, down = self.fit.astype(np.float32)
        colour = (first + right * xs[:, None])[None] + (down * ys[:, None])[:, None]
        return np.asarray(np.clip(colour, 0, 255), dtype=np.float32)

    def lab(self) -> Floats:
        """CIELAB of each pixel."""
        return spread(to_lab(self.cells(_CELL)), _CELL, self.shape)


def _middles(length: int, side: int) -> Floats:
    """Places of the middles of a row's cells, from one before its start to one behind its end."""
    return (np.arange(-(-length // side) + 2, dtype=np.float32) - np.float32(0.5)) * side - np.float32(0.5)


def to_lab(rgb: Pixels | Floats) -> Floats:
    """CIELAB (L 0-100) of RGB 0-255."""
    scaled = rgb * np.float32(1 / 255)
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB), dtype=np.float32)


def spread(cells: Floats, side: int, shape: tuple[int, int]) -> Floats:
    """The values of each pixel, from cells of `side` pixels that reach one beyond the crop."""
    height, width = shape
    size = (cells.shape[1] * side, cells.shape[0] * side)
    whole = cv2.resize(cells, size, interpolation=cv2.INTER_LINEAR) if side > 1 else cells
    return np.asarray(whole[side : side + height, side : side + width], dtype=np.float32)


def robust_plane(rgb: Pixels, where: Mask, words: Words) -> Plane:
    """Per channel a + bx + cy, fitted by iteratively reweighted least squares (Tukey's biweight).

    It starts from the commonest colour in and closely around the words: further out anything may lie.
    """
    height, width = where.shape
    places = np.flatnonzero(where)
    if len(places) == 0:
        middle = np.median(rgb.reshape(-1, 3), axis=0)
        return Plane(np.vstack([middle, np.zeros((2, 3))]), (height, width))
    places = places[:: max(1, len(places) // _TELLING)]
    ys, xs = np.divmod(places, width)
    values = rgb[ys, xs]
    within, beside = words.tight[ys, xs], words.wide[ys, xs] & ~words.tight[ys, xs]
    votes = np.where(within, 1.0, np.where(beside, 2.0, 0.05))
    near = near_mode(values, votes)
    if beside.sum() > _FEW and near[beside].mean() < _BESIDE * near[within].mean():
        # What is common in the words alone are letters that leave little of a ground of many colours.
        votes[within] = 0.0
        near = near_mode(values, votes)
    weights = near * votes
    design = np.column_stack([np.ones(len(xs)), xs / width - 0.5, ys / height - 0.5])
    values = values.astype(np.float64)
    fit = np.zeros((3, 3))
    for _ in range(_ROUNDS):
        last = fit
        scaled = design.T * weights
        fit = np.linalg.solve(scaled @ design + _RIDGE * weights.sum(), scaled @ values)
        if np.abs(fit - last).max() < _SETTLED:
            break
        error = largest(values - design @ fit)
        trusted = weights > 0.1 * votes
        reach = 4.7 * max(1.5, 1.48 * _weighted_median(error[trusted], votes[trusted]))
        weights = np.square(np.maximum(0.0, 1 - np.square(error / reach))) * votes
        if weights.sum() < 8:
            weights = votes
    return Plane(fit, (height, width))


def largest(channels: NDArray[Any]) -> NDArray[Any]:
    """The largest absolute value of three channels, which stand last."""
    values = np.abs(channels)
    return np.asarray(np.maximum(np.maximum(values[..., 0], values[..., 1]), values[..., 2]))


def _weighted_median(values: Reals, weights: Reals) -> float:
    """The value with half the weight below it; 2 without any values."""
    if not values.size:
        return 2.0
    order = np.argsort(values)
    share = np.cumsum(weights[order])
    return float(values[order[int(np.searchsorted(share, share[-1] / 2))]])


def near_mode(values: Pixels, votes: Reals) -> Reals:
    """Weights 1 near the commonest colour of an n x 3 sample with n votes, fading out around it."""
    keys = np.asarray((values >> 4) @ _STEPS + _STEPS.sum(), dtype=np.intp)
    counts = np.bincount(keys, weights=votes, minlength=_CUBE**3)
    # Neighbouring cells count too, so that a colour on the edge between cells is not halved.
    near = counts.take(keys + _AROUND).sum(axis=0) * 0.5 + counts.take(keys)
    best = values[keys == keys[np.argmax(near)]]
    centre = np.sort(best, axis=0)[len(best) // 2].astype(np.float64)
    away = largest(values - centre)
    return np.asarray(np.exp(-np.square(away / 40)), dtype=np.float64)


def local_mean(rgb: Pixels, known: Mask, plane: Plane, em: float) -> tuple[Floats, Floats]:
    """Plane plus the known pixels' own deviation from it, blurred: normalised convolution. RGB and CIELAB."""
    side = max(1, int(_FINE * em))
    weight = known.view(np.uint8)
    flat = plane.cells(side)
    share = _shares(weight, side)
    deviation = _shares(cv2.copyTo(rgb, weight), side) - flat * share[..., None]
    sigma = max(1.5, _REACH * em) / side
    top = cv2.GaussianBlur(deviation, (0, 0), sigma)
    bottom = cv2.GaussianBlur(share, (0, 0), sigma)[..., None]
    # The small constant leads to the plane where no known pixel is near.
    cells = np.clip(flat + top / (bottom + 1e-3), 0, 255)
    cells = np.asarray(cells, dtype=np.float32)
    return spread(cells, side, known.shape), spread(to_lab(cells), side, known.shape)


def _shares(values: NDArray[Any], side: int) -> Floats:
    """The mean of each cell of `side` pixels, with one more cell around the crop; beyond it all is 0."""
    height, width = values.shape[:2]
    bottom, right = side + -height % side, side + -width % side
    padded = cv2.copyMakeBorder(values, side, bottom, side, right, cv2.BORDER_CONSTANT)
    size = (padded.shape[1] // side, padded.shape[0] // side)
    means = cv2.resize(padded.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(means, dtype=np.float32)
