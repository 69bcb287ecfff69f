"""What stands in the holes of a ground: the light of what is around them, and grain from elsewhere."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.imaging.ink.attached import dilated
from shared.imaging.ink.ground import largest
from shared.imaging.ink.samples import of, quantile
from shared.imaging.pixels import Floats, Mask, Pixels

_ENOUGH = 1 / 8  # share of a coarser pixel that must be known for it to stand for all of it
_SHIFTS = 32
_BLOCK = 8  # pixels: shifted by whole coding blocks, grain lies on their grid as it did
_SHARE = 0.6  # of its strength
_SEEN = 3.0  # of 255: standard deviation of grain from which it is missed where it is not
_USUAL = 3.0  # times that: more is a thing of its own
_LEARN = 200  # pixels that tell it


def interpolated(crop: Pixels, covered: Mask) -> Floats:
    """The crop without its finest detail and without what is `covered`, as RGB 0-255.

    Method: pull-push (Gortler et al., The Lumigraph, 1996). A pyramid of ever coarser means of what is not
    covered; from its top down each level fills the holes of the next finer one.
    """
    weight = np.subtract(1, covered, dtype=np.float32)
    level = np.dstack([crop * weight[..., None], weight])
    levels: list[Floats] = []
    while max(level.shape[:2]) > 1:
        levels.append(level)
        level = np.asarray(cv2.pyrDown(level), dtype=np.float32)
    found = _means(level)
    for finer in levels[:0:-1]:
        share = np.minimum(1, finer[..., 3:] / _ENOUGH)
        found = _means(finer) * share + _doubled(found, finer) * (1 - share)
    return _doubled(found, crop)


def _means(level: Floats) -> Floats:
    return np.asarray(level[..., :3] / np.maximum(level[..., 3:], 1e-6), dtype=np.float32)


def _doubled(values: Floats, like: NDArray[np.generic]) -> Floats:
    return np.asarray(cv2.pyrUp(values, dstsize=(like.shape[1], like.shape[0])), dtype=np.float32)


def grain(detail: Floats, known: Mask, covered: Mask, rng: np.random.Generator) -> Floats | None:
    """Grain for the `covered` pixels, n x 3: the known pixels' own `detail`, shifted. None where none shows.

    Neighbours come from neighbours, so it is as coarse as the ground's own: drawn pixel by pixel it would
    show where the letters stood. It is weaker, for it lies elsewhere than the true one, so that at full
    strength it would be wrong by twice as much as none.
    """
    near = dilated(covered, _BLOCK)
    # Ripples around letters, or around a rule beyond them, are no grain.
    level = min(_deviation(of(detail, known & near)), _deviation(of(detail, known & ~near)))
    if not _SEEN < level < np.inf:
        return None
    source = known & (largest(detail) < _USUAL * level)
    return _shifted(detail, source, covered, rng) * np.float32(_SHARE)


def _deviation(detail: Floats) -> float:
    """The robust standard deviation of a channel; infinite where too few pixels tell it."""
    return 1.48 * quantile(np.abs(detail.ravel()), 0.5) if len(detail) >= _LEARN else np.inf


def _shifted(detail: Floats, source: Mask, covered: Mask, rng: np.random.Generator) -> Floats:
    """For each covered pixel the detail at the first of many random shifts that leads to a source."""
    height, width = covered.shape
    ys, xs = np.nonzero(covered)
    found = np.zeros((len(ys), 3), np.float32)
    left = np.arange(len(ys))
    most = (-(-height // _BLOCK), -(-width // _BLOCK))
    for down, right in rng.integers(0, most, (_SHIFTS, 2)) * _BLOCK:
        # What is shifted out of the crop comes in again at its other side.
        y, x = (ys[left] + down) % height, (xs[left] + right) % width
        there = source[y, x]
        found[left[there]] = detail[y[there], x[there]]
        left = left[~there]
        if not len(left):
            break
    return found
