"""Ink and ground: which pixels of a crop are text, and what the picture would be without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.imaging.attached import Mask, Words, attached, dilated, roughly_attached
from shared.imaging.colour import Pixels
from shared.imaging.palette import evidence

Floats = NDArray[np.float32]

_SAMPLE = 2000  # pixels that tell enough of a crop
_LARGEST_EM = 56.0
_BUSY = 2.0  # texture of a ground, from which distance from its smooth part says little
_SURE, _LIKELY = 0.9, 0.3  # evidence of the palette for ink and for its rim
_STANDS_OUT = 0.25  # least share of the ink's contrast for a finding to be preferred to it
_AGREE = 0.45  # least share of the palette's ink that the ground's distance must have found too
_UNEVEN, _USUAL_COVER = 1.2, 0.1  # texture that hides ink, and the share of the words that ink takes up
_LEAST_COVER = 0.03  # of the words' area: less is no text
_LIGHTNESS = 15.0  # least difference of lightness whose edges can be measured


@dataclass(frozen=True)
class Ground:
    """What lies under the text of a crop.

    `smooth` is the ground's low-frequency part, in RGB 0-255 over the whole crop, `noise` the robust
    standard deviation around it, `texture` that of its structure that noise does not explain, both in
    CIELAB units. `known` are the pixels it was learnt from.
    """

    smooth: Floats
    noise: float
    texture: float
    known: Mask


@dataclass(frozen=True)
class Ink:
    """Text pixels of a crop: `core` surely ink, `halo` core plus every pixel the ink has touched.

    `foreign` are all pixels of the crop that are as far from the ground as ink is, text or not; `strange`
    those of them that touch or reach into the words without being theirs.
    """

    core: Mask
    halo: Mask
    foreign: Mask
    strange: Mask
    contrast: float


def to_lab(rgb: Pixels | Floats) -> Floats:
    """CIELAB (L 0-100) of RGB 0-255."""
    scaled = np.asarray(rgb, dtype=np.float32) / np.float32(255)
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB), dtype=np.float32)


def lightness(rgb: NDArray[Any]) -> Floats:
    """L of CIELAB of bytes, to within a fifth of a unit, in a third of a picture's memory."""
    whole = cv2.extractChannel(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB), 0)
    return np.asarray(whole * np.float32(100 / 255), dtype=np.float32)


def distance(lab: Floats, other: Floats) -> Floats:
    """Euclidean distance in CIELAB, pixel by pixel."""
    return lengths(lab - other)


def lengths(vectors: Floats) -> Floats:
    """The length of the vector at each pixel."""
    return np.asarray(np.sqrt(np.einsum("ijk,ijk->ij", vectors, vectors)), dtype=np.float32)


def largest(channels: NDArray[Any]) -> NDArray[Any]:
    """The largest absolute value of three channels, which stand last."""
    values = np.abs(channels)
    return np.asarray(np.maximum(np.maximum(values[..., 0], values[..., 1]), values[..., 2]))


def separate(rgb: Pixels, words: Words) -> tuple[Ground, Ink]:
    """Tell ink from ground in a crop.

    Method: a robust plane through ring and words, Otsu's threshold (1979) on the CIELAB distance from it,
    then a second look at the ground without the ink, and hysteresis for the anti-aliased rim. Large text is
    looked at from further away.
    """
    shrink = words.em / _LARGEST_EM
    if shrink > 1.5:
        return _separate_reduced(rgb, words, shrink)
    lab = to_lab(rgb)
    learn = words.usable | words.wide
    plane = _robust_plane(rgb, learn, words)
    far = distance(lab, to_lab(plane))
    ink = _threshold(far, words, np.ones_like(words.tight), first=True)
    known = _known(learn, ink)
    smooth = _local_mean(rgb, known, plane, words.em)
    away = lab - to_lab(smooth)
    far = lengths(away)
    ink = _threshold(far, words, _same_side(rgb, away, far, ink.core))
    known = _known(learn, ink)
    noise, texture = _residuals(lab, smooth, far, known)
    # What lies beyond the letters' own ground, such as a sign's edge, does not make that busy.
    if texture > _BUSY and _residuals(lab, smooth, far, known & words.wide)[1] > _BUSY:
        other = _by_palette(lab, far, words)
        if other is not None and _is_better(other, ink):
            known = _known(learn, other)
            return Ground(_local_mean(rgb, known, plane, words.em), noise, texture, known), other
    if texture > _UNEVEN:
        ink = with_whole_words(ink, words)
    return Ground(smooth, noise, texture, known), ink


def _is_better(other: Ink, ink: Ink) -> bool:
    """Whether another finding shows much that was missed, and stands out from the ground as well."""
    missed = (ink.core & other.core).sum() < _AGREE * other.core.sum()
    return bool(missed and other.contrast >= _STANDS_OUT * ink.contrast)


def with_whole_words(ink: Ink, words: Words) -> Ink:
    """The ink; where less of it was found than any text has, all of the words may be touched by it."""
    if (ink.core & words.tight).sum() >= _USUAL_COVER * words.tight.sum():
        return ink
    return replace(ink, halo=ink.halo | (dilated(words.tight, 1) & words.wide & ~ink.strange))


def _by_palette(lab: Floats, far: Floats, words: Words) -> Ink | None:
    """Ink told from a busy ground by its colours; None where it has none of its own."""
    found = evidence(lab, words)
    core, strange = attached(np.asarray(found > _SURE, dtype=bool), words)
    core &= words.wide
    if core.sum() < _LEAST_COVER * words.tight.sum():
        return None
    free = words.wide & ~strange
    halo = core | (dilated(core, max(2, round(0.09 * words.em))) & (found > _LIKELY) & free)
    contrast = float(np.percentile(far[core], 80))
    return Ink(core, dilated(halo, 1) & free, core | strange, strange, contrast)


def _separate_reduced(rgb: Pixels, words: Words, shrink: float) -> tuple[Ground, Ink]:
    """`separate` at a `shrink`-th of the size, its findings brought back to the full one."""
    height, width = words.tight.shape
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    tight, wide, usable = (_scaled(mask, size) for mask in (words.tight, words.wide, words.usable))
    ground, ink = separate(
        small, Words(tight, wide, usable, words.em / shrink, words.bracketed, words.rim / shrink)
    )
    full = (width, height)
    smooth = _resized(ground.smooth, full, cv2.INTER_LINEAR)
    known = _scaled(ground.known, full)
    ys, xs = np.nonzero(known)
    step = max(1, len(xs) // _SAMPLE)
    ys, xs = ys[::step], xs[::step]
    noise = ground.noise
    if len(xs):
        # Averaging has taken the noise away, so it is measured again on single pixels.
        away = to_lab(rgb[ys, xs][None]) - to_lab(smooth[ys, xs][None])
        noise = 1.48 * float(np.median(np.linalg.norm(away, axis=2)))
    return Ground(smooth, noise, ground.texture, known), Ink(
        _scaled(ink.core, full),
        _scaled(ink.halo, full) & words.wide,
        _scaled(ink.foreign, full),
        _scaled(ink.strange, full),
        ink.contrast,
    )


def _scaled(mask: Mask, size: tuple[int, int]) -> Mask:
    values = cv2.resize(mask * np.uint8(255), size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(values > 96, dtype=bool)


def _same_side(rgb: Pixels, away: Floats, far: Floats, core: Mask) -> Mask:
    """Pixels that differ from the ground as the text does: a dark line is no part of light text."""
    if core.sum() < 12:
        return np.ones_like(core)
    strong = core & (far >= np.percentile(far[core], 60))
    ys, xs = np.nonzero(strong)
    step = max(1, len(xs) // _SAMPLE)
    ys, xs = ys[::step], xs[::step]
    weights = _near_mode(rgb[ys, xs].astype(np.float64), np.ones(len(xs)))
    towards = np.average(away[ys, xs], axis=0, weights=weights + 1e-6)
    towards = towards / max(1e-6, float(np.linalg.norm(towards)))
    return np.asarray(away @ towards.astype(np.float32) > 0.25 * far, dtype=bool)


def _known(learn: Mask, ink: Ink) -> Mask:
    """Pixels that show the ground, and nothing of the text or of things beside it."""
    known = learn & ~dilated(ink.halo | ink.foreign, 1)
    return known if known.sum() >= 12 else learn & ~ink.core


def _robust_plane(rgb: Pixels, where: Mask, words: Words) -> Floats:
    """Per channel a + bx + cy, fitted by iteratively reweighted least squares (Tukey's biweight).

    It starts from the commonest colour in and closely around the words: further out anything may lie.
    """
    height, width = where.shape
    ys, xs = np.nonzero(where)
    if len(xs) == 0:
        return np.broadcast_to(np.median(rgb, axis=(0, 1)), rgb.shape).astype(np.float32)
    step = max(1, len(xs) // _SAMPLE)
    ys, xs = ys[::step], xs[::step]
    values = rgb[ys, xs].astype(np.float64)
    votes = np.where(words.wide[ys, xs], np.where(words.tight[ys, xs], 1.0, 2.0), 0.05)
    design = np.column_stack([np.ones(len(xs)), xs / width - 0.5, ys / height - 0.5])
    weights = _near_mode(values, votes) * votes
    fit = np.zeros((3, 3))
    for _ in range(4):
        root = np.sqrt(weights)[:, None]
        ridge = np.diag([1e-9, 0.5, 0.5]) * weights.sum() * 1e-3
        scaled = design * root
        fit = np.linalg.solve(scaled.T @ scaled + ridge, scaled.T @ (values * root))
        error = largest(values - design @ fit)
        trusted = weights > 0.1 * votes
        reach = 4.7 * max(1.5, 1.48 * _weighted_median(error[trusted], votes[trusted]))
        weights = np.where(error < reach, (1 - (error / reach) ** 2) ** 2, 0.0) * votes
        if weights.sum() < 8:
            weights = votes
    grid_x = (np.arange(width) / width - 0.5)[None, :, None]
    grid_y = (np.arange(height) / height - 0.5)[:, None, None]
    return np.asarray(np.clip(fit[0] + fit[1] * grid_x + fit[2] * grid_y, 0, 255), dtype=np.float32)


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """The value with half the weight below it; 2 without any values."""
    if not values.size:
        return 2.0
    order = np.argsort(values)
    share = np.cumsum(weights[order])
    return float(values[order][int(np.searchsorted(share, share[-1] / 2))])


def _near_mode(values: NDArray[np.float64], votes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights 1 near the commonest colour of an n x 3 sample with n votes, fading out around it."""
    bins = (values // 16).astype(np.int64)
    keys = bins[:, 0] * 256 + bins[:, 1] * 16 + bins[:, 2]
    counts = np.bincount(keys, weights=votes, minlength=4096)
    # Neighbouring cells count too, so that a colour on the edge between cells is not halved.
    cube = counts.reshape(16, 16, 16).astype(np.float32)
    spread = sum(np.roll(cube, step, axis) for axis in range(3) for step in (-1, 1)) * 0.5 + cube
    centre = np.median(values[keys == int(np.argmax(np.where(cube > 0, spread, 0)))], axis=0)
    away = largest(values - centre)
    return np.asarray(np.exp(-((away / 40) ** 2)), dtype=np.float64)


def _threshold(far: Floats, words: Words, same: Mask, *, first: bool = False) -> Ink:
    """Ink by its distance from the ground; a `first` look need not know what touches it."""
    inside = far[words.tight]
    if inside.size == 0:
        none = np.zeros_like(words.tight)
        return Ink(none, none, none, none, 0.0)
    between = otsu(inside)
    calm = far[words.wide & (far <= between)]
    noise = 1.48 * float(np.median(calm)) if calm.size else 1.0
    cut = max(between, 3 * noise, 4.0)
    foreign = np.asarray(far > cut, dtype=bool)
    core, strange = roughly_attached(foreign, words) if first else attached(foreign & same, words)
    core, free = core & words.wide, words.wide & ~strange
    contrast = float(np.percentile(far[core], 80)) if core.any() else 0.0
    # A rim pixel carries a share of the ink; below an eighth it cannot be told from noise.
    low = max(2.5 * noise, 0.1 * contrast, 1.2)
    reach = max(2, round(0.09 * words.em + words.rim))
    halo = core | (dilated(core, reach) & (far > low) & free)
    return Ink(core, dilated(halo, 1) & free, foreign, strange, contrast)


def otsu(values: Floats) -> float:
    """Otsu's threshold of a sample of distances."""
    top = float(values.max())
    if top <= 0:
        return 0.0
    counts, edges = np.histogram(values, bins=128, range=(0, top))
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    mass = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = below * above * (mass / below - (mass[-1] - mass) / above) ** 2
    return float(centres[int(np.nanargmax(np.nan_to_num(spread)))])


def _local_mean(rgb: Pixels, known: Mask, plane: Floats, em: float) -> Floats:
    """Plane plus the known pixels' own deviation from it, blurred: normalised convolution."""
    height, width = known.shape
    shrink = max(1.0, em / 20)
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    weight = known.astype(np.float32)
    deviation = (rgb.astype(np.float32) - plane) * weight[..., None]
    if shrink > 1:
        deviation = _resized(deviation, size, cv2.INTER_AREA)
        weight = _resized(weight, size, cv2.INTER_AREA)
    sigma = max(1.5, 0.3 * em / shrink)
    top = cv2.GaussianBlur(deviation, (0, 0), sigma)
    bottom = cv2.GaussianBlur(weight, (0, 0), sigma)[..., None]
    # The small constant leads to the plane where no known pixel is near.
    smooth = np.asarray(top / (bottom + 1e-3), dtype=np.float32)
    if shrink > 1:
        smooth = _resized(smooth, (width, height), cv2.INTER_LINEAR)
    return np.asarray(np.clip(plane + smooth, 0, 255), dtype=np.float32)


def _resized(values: Floats, size: tuple[int, int], how: int) -> Floats:
    return np.asarray(cv2.resize(values, size, interpolation=how), dtype=np.float32)


def _residuals(lab: Floats, smooth: Floats, far: Floats, known: Mask) -> tuple[float, float]:
    if known.sum() < 12:
        return 0.0, 0.0
    noise = 1.48 * float(np.median(far[known]))
    weight = known.astype(np.float32)
    light = (lab[..., 0] - to_lab(smooth)[..., 0]) * weight
    share = np.maximum(cv2.GaussianBlur(weight, (0, 0), 1.5), 1e-3)
    structure = cv2.GaussianBlur(light, (0, 0), 1.5) / share
    return noise, float(np.percentile(np.abs(structure[known]), 80))


def softness(rgb: Pixels, ground: Ground, ink: Ink) -> float:
    """Blur of the text's edges as a Gaussian's standard deviation in pixels, from the steepest of them.

    About 0.4, the anti-aliasing of a sharp edge, is the least, also where lightness says too little: colour
    alone is blurred by coding already.
    """
    if ink.core.sum() < 12 or min(ink.core.shape) < 3:
        return 0.4
    far = cv2.absdiff(lightness(rgb), lightness(cv2.convertScaleAbs(ground.smooth)))
    full = float(np.percentile(far[ink.core], 85))
    if full < _LIGHTNESS:
        return 0.4
    across, down = np.diff(far, axis=1)[:-1], np.diff(far, axis=0)[:, :-1]
    steep = np.sqrt(across**2 + down**2)[ink.halo[:-1, :-1]]
    if steep.size == 0 or full <= 0:
        return 0.4
    return max(0.4, full / (2.507 * max(1e-3, float(np.percentile(steep, 97)))))


def median_colour(rgb: Pixels, where: Mask) -> tuple[int, int, int] | None:
    """Per-channel median of the pixels, or None where there are none."""
    if not where.any():
        return None
    r, g, b = np.rint(np.median(rgb[where], axis=0)).astype(int)
    return int(r), int(g), int(b)


def commonest_colour(rgb: Pixels, where: Mask) -> tuple[int, int, int] | None:
    """Median of the pixels near the commonest colour, or None where there are no pixels."""
    if not where.any():
        return None
    values = rgb[where].astype(np.float64)
    weights = _near_mode(values, np.ones(len(values)))
    r, g, b = np.rint(np.median(values[weights > 0.4], axis=0)).astype(int)
    return int(r), int(g), int(b)


def to_hex(colour: Sequence[int]) -> str:
    """A colour as #rrggbb."""
    return "#" + "".join(f"{int(c):02x}" for c in colour)


def from_hex(colour: str) -> tuple[int, int, int]:
    """The three numbers of #rrggbb."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
