"""Letters with a shadow: the copy of them that shows beside them, moved one way.

What lies beside the letters is fitted by the letters themselves, moved by each vector within reach and
blurred: least squares for all vectors at once, by the Fourier transform. A shadow is darker than the ground,
and a copy at one vector; what anti-aliasing, coding and outlines leave around letters is alike on opposite
sides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from shared.imaging.ink.attached import Words, dilated
from shared.imaging.ink.separate import Ground, Ink
from shared.imaging.measure.letters import Letters
from shared.imaging.measure.parted import FEW, SEEN, Parted, Vector, middle, parted
from shared.imaging.pixels import Floats, Mask, Pixels

_LEAST_EM = 14.0  # pixels below which a shadow is no wider than anti-aliasing
_REACH = 0.2  # ems around the ink in which its shadow is looked for
_FARTHEST = 0.14  # ems that a shadow is moved
_SHARP, _SOFT = 0.5, 0.03  # standard deviation of a sharp shadow in pixels, of a soft one in ems
_BESIDE = 0.04  # least share of the letters' pixels beside and not just around them
_EXPLAINED = 0.3  # least share of what lies beside the letters that a shadow explains
_ONE_SIDED = 0.5  # most that the opposite vector explains, as a share of that
_MIXED = 32.0  # RGB from the line between ground and shadow, within which a colour is a mixture of them
_NEAREST = 2  # pixels, both ways together, that a shadow is moved at least


@dataclass(frozen=True)
class Shadowed:
    """`ink` is that of the `letters` alone; their `shadow` lies `move` pixels (x, y) beside them.

    `blur` is its standard deviation in pixels.
    """

    ink: Ink
    letters: Letters
    shadow: tuple[int, int, int]
    move: tuple[float, float]
    blur: float


@dataclass(frozen=True)
class _Fit:
    """A copy of letters: what share it explains, where it lies (x, y) and how blurred it is, in pixels."""

    share: float
    move: tuple[float, float]
    blur: float


def shadowed(crop: Pixels, ground: Ground, ink: Ink, words: Words) -> Shadowed | None:
    """The letters and the shadow of a line's ink, None where it has none."""
    if words.em < _LEAST_EM:
        return None
    text = parted(crop, ground, ink, words, _REACH)
    if text is None:
        return None
    found = [
        _cast(text, ink, letters, shade, words.em)
        for letters, shade in (text.colours, text.colours[::-1])
        if shade.sum() < -SEEN and not _is_mixture(letters, shade)
    ]
    best = max((one for one in found if one is not None), key=lambda one: one[0], default=None)
    return None if best is None else best[1]


def _cast(text: Parted, ink: Ink, letters: Vector, shade: Vector, em: float) -> tuple[float, Shadowed] | None:
    """The shadow of letters, and what share of all that lies beside them it explains."""
    inner, outer = text.nearest(letters, shade)
    if inner.sum() < FEW or (outer & ~dilated(inner, 1)).sum() < _BESIDE * inner.sum():
        return None
    fit = _fitted(text, inner, shade, em)
    if fit is None:
        return None
    under = _under(inner, fit) & outer
    # Close to the letters lie mixtures with them, too: a second look is for the shadow's own colour.
    clear = under & ~dilated(inner, 1)
    if clear.sum() >= FEW / 4:
        under, shade = clear, middle(text.change[clear])
        inner, _ = text.nearest(letters, shade)
        fit = _fitted(text, inner, shade, em) or fit
    if min(4 * under.sum(), inner.sum()) < FEW:
        return None
    alone = replace(ink, core=inner, halo=inner)
    letters_alone = text.alone(inner, letters, shade)
    return fit.share, Shadowed(alone, letters_alone, text.shade(under, shade), fit.move, fit.blur)


def _under(letters: Mask, fit: _Fit) -> Mask:
    """Where a copy of the letters lies."""
    shift = np.array([[1, 0, round(fit.move[0])], [0, 1, round(fit.move[1])]], dtype=np.float64)
    return np.asarray(cv2.warpAffine(letters.astype(np.uint8), shift, letters.shape[::-1]), dtype=bool)


def _fitted(text: Parted, letters: Mask, shade: Vector, em: float) -> _Fit | None:
    """The copy of the letters that explains best what is as dark as `shade` beside them; None for none."""
    darker = np.asarray(np.maximum(text.change @ (shade / np.linalg.norm(shade)), 0), dtype=np.float32)
    blurs, reach = (_SHARP, _SOFT * em), math.ceil(_FARTHEST * em)
    shares = [_explained(darker, letters, text.near, blur, reach) for blur in blurs]
    soft = shares[1].max() > shares[0].max()
    best = shares[int(soft)]
    y, x = (int(k) for k in np.unravel_index(int(np.argmax(best)), best.shape))
    share, opposite = float(best[y, x]), float(best[2 * reach - y, 2 * reach - x])
    if share < _EXPLAINED or opposite > _ONE_SIDED * share or abs(y - reach) + abs(x - reach) < _NEAREST:
        return None
    move = x - reach + _peak(best[y], x), y - reach + _peak(best[:, x], y)
    return _Fit(share, move, blurs[1] if soft else 0.0)


def _explained(darker: Floats, letters: Mask, near: Mask, blur: float, reach: int) -> Floats:
    """What share of all that is `darker` beside letters a copy of them explains, for vectors up to `reach`.

    The result is (2 reach + 1) squared, its middle the vector 0.
    """
    size = tuple(cv2.getOptimalDFTSize(length + 2 * reach) for length in letters.shape)
    beside = (near & ~letters).astype(np.float32)
    values = darker * beside
    copy = cv2.GaussianBlur(letters.astype(np.float32), (0, 0), blur)

    def correlated(one: Floats, other: Any) -> Floats:
        product = np.fft.rfft2(one, size) * np.fft.rfft2(other, size).conj()
        whole = np.roll(np.fft.irfft2(product, size), (reach, reach), (0, 1))
        return np.asarray(whole[: 2 * reach + 1, : 2 * reach + 1], dtype=np.float32)

    power = np.maximum(correlated(beside, copy * copy), 1.0)
    total = 1.0 + float((values * values).sum())
    return np.asarray(np.maximum(correlated(values, copy), 0) ** 2 / power / total, dtype=np.float32)


def _peak(values: Floats, at: int) -> float:
    """How far from the highest of some values their parabola's top lies, in steps."""
    if not 0 < at < len(values) - 1:
        return 0.0
    low, middle, high = (float(value) for value in values[at - 1 : at + 2])
    bend = low - 2 * middle + high
    return 0.5 * (low - high) / bend if bend < 0 else 0.0


def _is_mixture(colour: Vector, shade: Vector) -> bool:
    """Whether a colour, as a difference from the ground, lies between that and a shadow."""
    share = float(colour @ shade) / float(shade @ shade)
    return 0 < share < 1 and float(np.linalg.norm(colour - share * shade)) < _MIXED
