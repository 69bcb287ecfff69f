"""What stands in the holes of a ground: the light of what is around them, and grain from elsewhere."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.imaging.ink.ground import largest
from shared.imaging.ink.samples import count, places_in, quantile
from shared.imaging.pixels import Floats, Mask, Pixels

_ENOUGH = 1 / 8  # share of a coarser pixel that must be known for it to stand for all of it
_SHIFTS = 32
_BLOCK = 8  # pixels: shifted by whole coding blocks, grain lies on their grid as it did
_SHARE = 0.7  # of its strength
_SEEN = 3.0  # of 255: standard deviation of grain from which it is missed where it is not
_USUAL = 3.0  # times that: more is a thing of its own
_FEW, _EVEN = (
    8,
    0.7,
)  # blocks that tell nothing, and the share of the median that a calm one has of real grain
_LEARN, _SAMPLE = 200, 1400  # pixels that tell it, and those that are enough


def interpolated(crop: Pixels, covered: Mask) -> Floats:
    """The crop without its finest detail and without what is `covered`, as RGB 0-255.

    Method: pull-push (Gortler et al., The Lumigraph, 1996). A pyramid of ever coarser means of what is not
    covered; from its top down each level fills the holes of the next finer one.
    """
    shown = (~covered).view(np.uint8)
    # The finest level is seen by the next one only, so that colours and weights need not lie together there.
    finest = cv2.copyTo(crop, shown).astype(np.float32), shown.astype(np.float32)
    level: Floats = np.dstack([cv2.pyrDown(values) for values in finest]).astype(np.float32, copy=False)
    levels: list[Floats] = []
    while max(level.shape[:2]) > 1:
        levels.append(level)
        level = np.asarray(cv2.pyrDown(level), dtype=np.float32)
    found = _means(level)
    for finer in reversed(levels):
        share = np.minimum(1, finer[..., 3:] / _ENOUGH)
        found = _means(finer) * share + _doubled(found, finer) * (1 - share)
    return _doubled(found, crop)


def _means(level: Floats) -> Floats:
    return np.asarray(level[..., :3] / np.maximum(level[..., 3:], 1e-6), dtype=np.float32)


def _doubled(values: Floats, like: NDArray[np.generic]) -> Floats:
    return np.asarray(cv2.pyrUp(values, dstsize=(like.shape[1], like.shape[0])), dtype=np.float32)


def grain(
    crop: NDArray[Any], light: NDArray[Any], known: Mask, covered: Mask, rng: np.random.Generator
) -> Floats | None:
    """Grain for the `covered` pixels, n x 3: how known ones differ from the `light`, shifted.

    None where none shows. Neighbours come from neighbours, so it is as coarse as the ground's own: drawn
    pixel by pixel it would show where the letters stood. It is weaker, for it lies elsewhere than the true
    one, so that at full strength it would be wrong by twice as much as none.
    """
    near = cv2.dilate(covered.view(np.uint8), np.ones((2 * _BLOCK + 1,) * 2, np.uint8)).view(bool)
    # Ripples around letters, or around a rule beyond them, are no grain.
    level = min(_deviation(crop, light, known & side) for side in (near, ~near))
    if not _SEEN < level < np.inf or not _is_everywhere(crop, light, known):
        return None
    return _shifted(crop, light, known, _USUAL * level, covered, rng) * np.float32(_SHARE)


def _is_everywhere(crop: NDArray[Any], light: NDArray[Any], known: Mask) -> bool:
    """Whether the calmer coding blocks differ from the light as others do: ripples are where something is."""
    away = largest(crop - light.astype(np.float32)) * known
    size = (max(1, known.shape[1] // _BLOCK), max(1, known.shape[0] // _BLOCK))
    mean, share = (
        cv2.resize(values, size, interpolation=cv2.INTER_AREA) for values in (away, known.astype(np.float32))
    )
    blocks = mean[share > 0.5] / share[share > 0.5]
    return blocks.size < _FEW or quantile(blocks, 0.2) > _EVEN * quantile(blocks, 0.5)


def _deviation(crop: NDArray[Any], light: NDArray[Any], where: Mask) -> float:
    """The robust standard deviation of a channel; infinite where too few pixels tell it."""
    places = places_in(where, _SAMPLE)
    if len(places[0]) < _LEARN and count(where) < _LEARN:
        return np.inf
    return 1.48 * quantile(np.abs(crop[places] - light[places].astype(np.float32)).ravel(), 0.5)


def _shifted(
    crop: NDArray[Any],
    light: NDArray[Any],
    known: Mask,
    most: float,
    covered: Mask,
    rng: np.random.Generator,
) -> Floats:
    """For each covered pixel the grain at the first of many random shifts that leads to a known pixel.

    It must differ from the light by less than `most`.
    """
    height, width = covered.shape
    ys, xs = np.divmod(np.flatnonzero(covered), width)
    found = np.zeros((len(ys), 3), np.float32)
    left = np.arange(len(ys))
    colours, lights = crop.reshape(-1, 3), light.reshape(-1, 3)
    blocks = (-(-height // _BLOCK), -(-width // _BLOCK))
    for down, right in rng.integers(0, blocks, (_SHIFTS, 2)) * _BLOCK:
        # What is shifted out of the crop comes in again at its other side.
        places = (ys + down) % height * width + (xs + right) % width
        detail = colours.take(places, axis=0) - lights.take(places, axis=0).astype(np.float32)
        there = known.ravel()[places] & (largest(detail) < most)
        found[left[there]] = detail[there]
        ys, xs, left = ys[~there], xs[~there], left[~there]
        if not len(left):
            break
    return found
