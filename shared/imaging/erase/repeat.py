"""Ground with a pattern, such as tiles or cloth: what covers it is painted over with its own repeats."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.imaging.ink.samples import count, middle_of, of, put, quantile
from shared.imaging.pixels import Floats, Mask, Pixels

Shift = tuple[int, int]

_LARGEST = 400_000  # pixels of a crop in which repeats are looked for
_PART = 100_000  # pixels of its middle that tell them
_SHIFTS = 16
_OVERLAP = 0.3  # least share of the ground that must meet itself when shifted
_LIKE, _HARDLY = 0.63, 0.4  # correlation with itself from which a shifted ground is a repeat, and may be one
_WHOLE = 250  # of 255: what a mask must cover of a coarser pixel
_FAR = 0.05  # of likeness, for a shift as long as the ground
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
    """Shifts (down, right) by which the known ground matches itself best, each with its opposite.

    Most grounds repeat nowhere, which a quarter of the pixels tells.
    """
    detail, known = middle_of(detail, _PART), middle_of(known, _PART)
    height, width = known.shape
    size = (max(1, width // 2), max(1, height // 2))
    halved = cv2.resize(known * np.uint8(255), size, interpolation=cv2.INTER_AREA) > _WHOLE
    coarse = np.asarray(cv2.resize(detail, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    if count(halved) < _LEARN // 4 or not _peaks(_likeness(coarse, halved, _FINE / 2), _CLOSE // 2, _HARDLY):
        return []
    found = _peaks(_likeness(detail, known, _FINE), _CLOSE, _LIKE)[: _SHIFTS // 2]
    return [shift for y, x in found for shift in ((y, x), (-y, -x))]


def _likeness(detail: Floats, known: Mask, fine: float) -> Floats:
    """How well the known ground correlates with itself when shifted: down by the row's number, and right.

    The column in the middle stands for no shift to the right. What changes over more than `fine` pixels is
    left out: few blobs are alike somewhere by chance; what is fine enough to be many is not.
    """
    height, width = (max(1, int((1 - _OVERLAP) * side)) for side in known.shape)
    # No further apart than shifts may go, so that what is shifted out meets nothing at the other side.
    rows, columns = known.shape[0] + height, known.shape[1] + width
    size = (cv2.getOptimalDFTSize(rows), cv2.getOptimalDFTSize(columns))
    weight = known.astype(np.float32)
    mean = cv2.GaussianBlur(detail * weight, (0, 0), fine)
    light = (detail - mean / np.maximum(cv2.GaussianBlur(weight, (0, 0), fine), 1e-3)) * weight
    # A rule is like itself all along and says nothing of the ground around it.
    usual = _USUAL * quantile(np.abs(of(light, known)), 0.5)
    light = np.clip(light, -usual, usual)
    pairs, product = (_with_itself(each, size)[:height] for each in (weight, light))
    power = float(np.vdot(light, light)) / count(known)
    likeness = np.where(pairs > _OVERLAP * count(known), product / np.maximum(pairs * power, 1e-6), -1)
    return np.concatenate([likeness[:, -width + 1 :], likeness[:, :width]], axis=1)


def _with_itself(values: NDArray[Any], size: Shift) -> Floats:
    """The autocorrelation of values with zeros beyond them."""
    padded = np.zeros(size, dtype=np.float32)
    padded[: values.shape[0], : values.shape[1]] = values
    spectrum = cv2.dft(padded, nonzeroRows=values.shape[0])
    power = cv2.mulSpectrums(spectrum, spectrum, 0, conjB=True)
    return np.asarray(cv2.idft(power, flags=cv2.DFT_SCALE), dtype=np.float32)


def _peaks(likeness: Floats, close: int, least: float) -> list[Shift]:
    """The shifts of at least this likeness, the best first.

    A repeat is a peak of its own: a ground that changes slowly is like itself all around.
    """
    middle = likeness.shape[1] // 2
    peaks = (likeness >= cv2.dilate(likeness, np.ones((5, 5), np.uint8))) & (likeness > least)
    peaks[: close + 1, max(0, middle - close) : middle + close + 1] = False
    ys, xs = np.nonzero(peaks)
    xs -= middle
    # Of shifts that are as good, the shorter ones reach ground for more pixels.
    worth = likeness[peaks] - _FAR * (ys / len(likeness) + np.abs(xs) / max(1, middle))
    return [(int(ys[i]), int(xs[i])) for i in np.argsort(-worth)]


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
