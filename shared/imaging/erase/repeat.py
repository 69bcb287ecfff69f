"""Ground with a pattern, such as tiles or cloth: what covers it is painted over with its own repeats."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.imaging.ink.samples import count, of, put, quantile
from shared.imaging.pixels import Floats, Mask, Pixels

Shift = tuple[int, int]

_LARGEST = 400_000  # pixels of a crop in which repeats are looked for
_SHIFTS = 16
_OVERLAP = 0.3  # least share of the ground that must meet itself when shifted
_LIKE = 0.65  # correlation with itself from which a shifted ground is a repeat
_CLOSE = 3  # pixels: a ground is always like itself nearer than that
_FINE = 8.0  # pixels, of a Gaussian: what changes more slowly tells no repeats
_USUAL = 2.0  # times the median deviation: what deviates more counts as that much
_LEARN = 400  # pixels of ground that tell it
_MEAN, _SUM = np.full((1, 3), 1 / 3, dtype=np.float32), np.ones((1, 3), dtype=np.float32)


def by_repeats(crop: Pixels, covered: Mask, known: Mask, smooth: Floats) -> tuple[Pixels, Mask] | None:
    """The crop with what is `covered` taken from where the pattern repeats, and where that was possible.

    `known` are pixels that show nothing but ground, `smooth` is its mean light, which is kept. None where the
    ground is not like itself elsewhere. Method: the few shifts by which a picture matches itself best tell
    what belongs into a hole (He and Sun, Statistics of Patch Offsets, 2012); of those, each pixel takes the
    one that fits best around it.
    """
    known = known & ~covered
    if covered.size > _LARGEST or count(known) < _LEARN:
        return None
    detail = crop.astype(np.float32) - smooth
    shifts = _shifts(np.asarray(cv2.transform(detail, _MEAN), dtype=np.float32), known)
    if not shifts:
        return None
    window = _window(shifts)
    cheapest = np.full(covered.shape, np.inf, dtype=np.float32)
    chosen = np.zeros_like(detail)
    for shift in shifts:
        moved, there = _moved(detail, known, shift)
        cost = np.where(there & covered, _misfit(detail, moved, known & there, window), np.inf)
        better = (cost < cheapest).view(np.uint8)
        cv2.copyTo(cost, better, cheapest)
        cv2.copyTo(moved, better, chosen)
    painted = np.asarray(np.isfinite(cheapest), dtype=bool)
    result = crop.copy()
    put(result, np.clip(np.rint(chosen + smooth), 0, 255).astype(np.uint8), painted)
    return result, painted


def _shifts(detail: Floats, known: Mask) -> list[Shift]:
    """Shifts (down, right) by which the known ground matches itself best, each with its opposite."""
    height, width = known.shape
    size = (cv2.getOptimalDFTSize(2 * height), cv2.getOptimalDFTSize(2 * width))
    weight = known.astype(np.float32)
    # Few blobs are alike somewhere by chance; what is fine enough to be many is not.
    mean = cv2.GaussianBlur(detail * weight, (0, 0), _FINE)
    light = (detail - mean / np.maximum(cv2.GaussianBlur(weight, (0, 0), _FINE), 1e-3)) * weight
    # A rule is like itself all along and says nothing of the ground around it.
    usual = _USUAL * quantile(np.abs(of(light, known)), 0.5)
    light = np.clip(light, -usual, usual)
    there, value, square = (_spectrum(each, size) for each in (weight, light, light * light))
    pairs, both, product = (
        cv2.idft(cv2.mulSpectrums(one, other, 0, conjB=True), flags=cv2.DFT_SCALE)
        for one, other in ((there, there), (square, there), (value, value))
    )
    # Both ways, since a shift and its opposite meet the same pairs.
    both = both + _opposite(both)
    enough = pairs > _OVERLAP * weight.sum()
    likeness = np.where(enough, 2 * product / np.maximum(both, 1e-6), -1.0).astype(np.float32)
    likeness = np.fft.fftshift(likeness)
    # A repeat is a peak of its own: a ground that changes slowly is like itself all around.
    peaks = (likeness >= cv2.dilate(likeness, np.ones((5, 5), np.uint8))) & (likeness > _LIKE)
    middle = (size[0] // 2, size[1] // 2)
    peaks[: middle[0]] = False  # a shift and its opposite are alike
    near = (slice(middle[0], middle[0] + _CLOSE + 1), slice(middle[1] - _CLOSE, middle[1] + _CLOSE + 1))
    peaks[near] = False
    places = np.argwhere(peaks)
    order = np.argsort(-likeness[peaks])[: _SHIFTS // 2]
    found = [(int(y) - middle[0], int(x) - middle[1]) for y, x in places[order]]
    return [shift for y, x in found for shift in ((y, x), (-y, -x))]


def _spectrum(values: NDArray[Any], size: Shift) -> Floats:
    """The Fourier transform of values with zeros beyond them, packed as OpenCV does."""
    padded = np.zeros(size, dtype=np.float32)
    padded[: values.shape[0], : values.shape[1]] = values
    return np.asarray(cv2.dft(padded, nonzeroRows=values.shape[0]), dtype=np.float32)


def _opposite(values: NDArray[Any]) -> NDArray[Any]:
    """What stands at each shift's opposite."""
    return np.roll(values[::-1, ::-1], 1, axis=(0, 1))


def _window(shifts: list[Shift]) -> int:
    """The side of the square around a pixel that is compared: some of the pattern's smallest repeats."""
    nearest = min(max(abs(y), abs(x)) for y, x in shifts)
    return 2 * min(20, max(4, nearest)) + 1


def _moved(detail: Floats, known: Mask, shift: Shift) -> tuple[Floats, Mask]:
    """What stands at each pixel plus the shift, and whether that is known."""
    matrix = np.array([[1, 0, -shift[1]], [0, 1, -shift[0]]], dtype=np.float32)
    size = (known.shape[1], known.shape[0])
    moved = cv2.warpAffine(detail, matrix, size, flags=cv2.INTER_NEAREST)
    there = cv2.warpAffine(known.view(np.uint8), matrix, size, flags=cv2.INTER_NEAREST)
    return np.asarray(moved, dtype=np.float32), np.asarray(there).view(bool)


def _misfit(detail: Floats, moved: Floats, both: Mask, window: int) -> Floats:
    """Mean difference of the ground from its shifted self around each pixel; infinite without any."""
    away = cv2.transform(cv2.absdiff(detail, moved), _SUM) * both
    side = (window, window)
    weight = cv2.boxFilter(both.astype(np.float32), -1, side)
    off = cv2.boxFilter(np.asarray(away, dtype=np.float32), -1, side)
    return np.asarray(np.where(weight > 0.05, off / np.maximum(weight, 1e-6), np.inf), dtype=np.float32)
