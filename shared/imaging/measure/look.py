"""How a line of text looks: colours, size, stroke width, baseline, all measured from its pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from shared.imaging.frame import Frame, Points, bounds, filled
from shared.imaging.ink.attached import dilated
from shared.imaging.ink.colours import commonest_colour, median_colour
from shared.imaging.ink.ground import to_lab
from shared.imaging.ink.region import Region, region_of
from shared.imaging.ink.samples import of, of_parts, parts_of
from shared.imaging.ink.separate import MEASURED_EM, Ground, Ink, distance, separate
from shared.imaging.ink.softness import softness
from shared.imaging.measure.letters import Letters
from shared.imaging.measure.outlined import Outlined, outlined
from shared.imaging.measure.shadowed import Shadowed, shadowed
from shared.imaging.measure.specimen import Flat, Specimen, laid_flat
from shared.imaging.measure.underlined import underlined, without_rule
from shared.imaging.pixels import Floats, Mask, Pixels
from shared.imaging.typesetting.reach import reach
from shared.scenes.schemas import Line

_BLUR_WIDENS = 2.2
_GRAIN = 0.2  # of a pixel's share of ink that may be noise
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_LEAST_LIGHT = 8.0  # change of luma, of 255, that tells how much of a pixel is covered
_TAILED, _TAIL, _ALONE = "J", 0.2, 0.4  # ems below the baseline, and the share of a usual row that it fills
_CALM = 20.0  # times the ground's noise that ink differs from it there
_LEAST_INK, _LEAST_CONTRAST = 6, 4.0  # pixels, and CIELAB
_WORKING_HEIGHT = 48
_BEYOND = 0.25  # line heights beyond its polygon where a line's own ink may stand
_LARGEST = 120.0  # height in pixels above which a line is measured on a smaller copy


@dataclass(frozen=True)
class Look:
    """A measured line. Lengths are pixels of the picture, places are in the line's own frame.

    `size` is the em height, `baseline` the v of the baseline, `left` and `right` the u of the first and
    last ink, `stroke` the stem width in ems, `slant` the shear dx/dy that sets the stems upright, `tilt` the
    slope dv/du of the baseline; `baseline` holds at the frame's middle. `specimen` is for telling typefaces.
    Around the letters of `ink` may lie a rim of a colour and a width, or beside them a shadow: its colour,
    how far it is moved in the picture (x, y), and its blur. `calm` tells that the ground has neither grain
    nor pattern that could be taken for ink, `clarity` how far the ink is from it over its noise.
    """

    ink: tuple[int, int, int]
    ground: tuple[int, int, int]
    size: float
    baseline: float
    left: float
    right: float
    stroke: float
    slant: float
    tilt: float
    specimen: Specimen | None = None
    rim: tuple[int, int, int] | None = None
    rim_width: float = 0.0
    underlined: bool = False
    shadow: tuple[int, int, int] | None = None
    shadow_move: tuple[float, float] = (0.0, 0.0)
    shadow_blur: float = 0.0
    calm: bool = False
    clarity: float = 100.0

    def enlarged(self, by: float) -> Look:
        """The look of a line that was measured on a copy smaller by a factor."""
        return replace(
            self,
            size=self.size * by,
            baseline=self.baseline * by,
            left=self.left * by,
            right=self.right * by,
            rim_width=self.rim_width * by,
            shadow_move=(self.shadow_move[0] * by, self.shadow_move[1] * by),
            shadow_blur=self.shadow_blur * by,
            specimen=self.specimen and replace(self.specimen, scale=self.specimen.scale / by),
        )


@dataclass(frozen=True)
class _Extent:
    """Bounds of a line's ink in its frame, the baseline's slope, and the ink laid flat.

    The flat mask spans the frame with half its height more above and below, and a little more at both ends;
    its baseline is level.
    """

    top: float
    bottom: float
    left: float
    right: float
    tilt: float
    flat: Mask


def measure(rgb: Pixels, line: Line, others: Sequence[Points]) -> Look | None:
    """Measure `line`; None where no ink can be told from its ground. `others` are polygons of other text."""
    frame = Frame.of(line.polygon)
    if frame.height > _LARGEST:
        return _measured_reduced(rgb, line, others, frame.height / _LARGEST * 1.5)
    region = region_of([line], frame.height * 0.8, rgb.shape[1], rgb.shape[0], others)
    if region is None:
        return None
    crop = region.cut(rgb)
    ground, ink = separate(crop, region.words, MEASURED_EM)
    ink = _without_strays(ink, region, others)
    if ink.core.sum() < _LEAST_INK or ink.contrast < _LEAST_CONTRAST:
        return None
    em = frame.height / sum(reach(line.text))
    worn = outlined(crop, ground, ink, region.words, em) or shadowed(crop, ground, ink, region.words)
    ink = ink if worn is None else worn.ink
    rule = underlined(line.text, ink, region, frame, others)
    ink = ink if rule is None else without_rule(ink, region, frame, rule)
    if (extent := _extent(ink.core, region, frame, _is_calm(ground, ink))) is None:
        return None
    rise, fall = _reach_seen(line.text, extent.flat)
    size = (extent.bottom - extent.top) / (rise + fall)
    letters = _letters(crop, ground, ink) if worn is None else worn.letters
    look = Look(
        ink=letters.colour,
        ground=median_colour(crop, ground.known) or (255, 255, 255),
        size=size,
        baseline=extent.top + rise * size,
        left=extent.left,
        right=extent.right,
        stroke=_stroke(letters) / size,
        slant=_slant(extent.flat),
        tilt=extent.tilt,
        underlined=rule is not None,
        calm=_is_calm(ground, ink),
        clarity=ink.contrast / max(1.0, ground.noise),
    )
    flat = Flat(size, look.baseline, look.slant, look.tilt)
    specimen = laid_flat(letters.cover, region, frame, flat)
    return _with(replace(look, specimen=specimen), worn)


def _is_calm(ground: Ground, ink: Ink) -> bool:
    return ink.contrast > _CALM * ground.noise and not ground.textured


def _reach_seen(text: str, flat: Mask) -> tuple[float, float]:
    """The rise and fall of a line's ink in ems, with the tail that J has in some faces where it is seen."""
    rise, fall = reach(text)
    if _TAILED not in text or fall >= _TAIL:
        return rise, fall
    rows = np.count_nonzero(flat, axis=1)
    rows = rows[rows > 0]
    lowest = rows[round(len(rows) * rise / (rise + _TAIL)) :]
    # Below the baseline there is nothing but the tail.
    return rise, _TAIL if len(lowest) and lowest.mean() < _ALONE * np.median(rows) else fall


def _without_strays(ink: Ink, region: Region, others: Sequence[Points]) -> Ink:
    """The ink without what stands in other text's polygons: dots and accents of a line set close below."""
    theirs = filled(ink.core.shape, others, region.left, region.top) & ink.core
    if not theirs.any():
        return ink
    parts, labels = parts_of(ink.core)
    total = np.bincount(labels.ravel(), minlength=parts)
    strays = 2 * np.bincount(of(labels, theirs), minlength=parts) > total
    strays[0] = False
    alone = ink.core & ~of_parts(strays, labels)
    return replace(ink, core=alone) if alone.any() else ink


def _letters(crop: Pixels, ground: Ground, ink: Ink) -> Letters:
    """Plain letters."""
    far = distance(to_lab(crop), to_lab(ground.smooth))
    colour = _ink_colour(crop, ground, far, ink)
    towards = np.array(colour, dtype=np.float32) - np.median(ground.smooth[ink.core], axis=0)
    towards = (towards / max(1.0, float(towards @ towards))).astype(np.float32)
    cover = np.clip((crop.astype(np.float32) - ground.smooth) @ towards, 0, 1)
    return Letters(colour, np.where(ink.halo, cover, np.float32(0)), softness(crop, ground, ink))


def _with(look: Look, worn: Outlined | Shadowed | None) -> Look:
    """The look with what its letters have besides themselves."""
    if isinstance(worn, Outlined):
        return replace(look, rim=worn.rim, rim_width=worn.width)
    if isinstance(worn, Shadowed):
        return replace(look, shadow=worn.shadow, shadow_move=worn.move, shadow_blur=worn.blur)
    return look


def _measured_reduced(rgb: Pixels, line: Line, others: Sequence[Points], shrink: float) -> Look | None:
    """`measure` on a smaller copy of the line's surroundings: large letters have pixels to spare."""
    height, width = rgb.shape[:2]
    margin = Frame.of(line.polygon).height
    left, top, right, bottom = bounds(np.array(line.polygon), margin, width, height)
    if right - left < shrink or bottom - top < shrink:
        return None
    size = (max(1, round((right - left) / shrink)), max(1, round((bottom - top) / shrink)))
    small = cv2.resize(rgb[top:bottom, left:right], size, interpolation=cv2.INTER_AREA)

    def moved(polygon: Sequence[Sequence[float]] | Points) -> list[tuple[float, float]]:
        return [((float(x) - left) / shrink, (float(y) - top) / shrink) for x, y in polygon]

    copy = Line(polygon=moved(line.polygon), text=line.text, words=[moved(word) for word in line.words])
    look = measure(np.asarray(small, dtype=np.uint8), copy, [np.array(moved(other)) for other in others])
    if look is None:
        return None
    return look.enlarged(shrink)


def _extent(core: Mask, region: Region, frame: Frame, calm: bool) -> _Extent | None:
    """Where the ink of a line is in its frame."""
    scale = _WORKING_HEIGHT / frame.height
    beyond = _BEYOND * frame.height
    width = frame.width + 2 * beyond
    columns = max(4, min(6000, math.ceil(width * scale)))
    rows = 2 * _WORKING_HEIGHT
    along = columns / width
    to_flat = np.array([[along, 0, beyond * along], [0, scale, _WORKING_HEIGHT / 2], [0, 0, 1]])
    back = np.array([[1, 0, region.left], [0, 1, region.top], [0, 0, 1]], dtype=np.float64)
    soft = (core * np.float32(255)).astype(np.uint8)
    flat = cv2.warpPerspective(soft, to_flat @ frame.inverse @ back, (columns, rows), flags=cv2.INTER_LINEAR)
    margin = round(beyond * along)
    drop = _drop(np.asarray(flat[:, margin : columns - margin] > 127, dtype=bool)) * width / frame.width
    if drop:
        level = np.array([[1, 0, 0], [-drop / columns, 1, drop / 2]])
        flat = cv2.warpAffine(flat, level, (columns, rows), flags=cv2.INTER_LINEAR)
    inked = np.asarray(flat > 127, dtype=bool)
    by_row = np.nonzero(inked.sum(axis=1) > (1 if calm else max(1, 0.004 * columns)))[0]
    by_column = np.nonzero(inked.any(axis=0))[0]
    if len(by_row) == 0 or len(by_column) == 0:
        return None
    top, bottom = ((v - _WORKING_HEIGHT / 2) / scale for v in (by_row[0], by_row[-1] + 1))
    left, right = (u / along - beyond for u in (by_column[0], by_column[-1] + 1))
    tilt = drop / scale / width
    return _Extent(float(top), float(bottom), float(left), float(right), tilt, inked)


def _ink_colour(crop: Pixels, ground: Ground, far: Floats, ink: Ink) -> tuple[int, int, int]:
    """The colour the letters were set in.

    The commonest colour along the middle of the strokes is a mixture where strokes are thin, and coding
    spreads their colour over their surroundings. What the ink has changed, summed up and divided by how much
    it covers, is not: blur moves it without taking any away. An outline or a shadow would draw that sum
    towards the ground; then the middle of the strokes it is.
    """
    peak = np.asarray(cv2.dilate(far, np.ones((3, 3), np.uint8)), dtype=np.float32)
    middle = commonest_colour(crop, ink.core & (far >= 0.97 * peak)) or (0, 0, 0)
    change = crop.astype(np.float32) - ground.smooth
    light = change @ _LUMA
    light = light * np.sign(float(np.median(light[ink.core])))
    full = float(np.percentile(light[ink.core], 90))
    if full < _LEAST_LIGHT:
        return middle
    halo = dilated(ink.halo, 2) & ~ink.strange
    under = np.median(ground.smooth[ink.core], axis=0)
    cover = np.clip(light[halo] / full, 0, 1).sum()
    whole = np.clip(under + change[halo].sum(axis=0) / max(1e-6, float(cover)), 0, 255)
    nearer = np.linalg.norm(whole - under) < 0.9 * np.linalg.norm(np.array(middle) - under)
    red, green, blue = middle if nearer else (round(float(channel)) for channel in whole)
    return red, green, blue


def _drop(flat: Mask) -> float:
    """Rows that the baseline falls from the left end to the right one: that makes rows most uneven."""
    ys, xs = np.nonzero(flat)
    columns = flat.shape[1]
    # On a short line the letters' own shapes outweigh the slope.
    if len(xs) < 60 or columns < 3.5 * _WORKING_HEIGHT:
        return 0.0
    along = xs / columns - 0.5
    best, best_score, level = 0.0, 0.0, 0.0
    most = min(0.4 * _WORKING_HEIGHT, 0.05 * columns)
    drops = np.linspace(-most, most, 41)
    for drop in drops:
        counts = np.bincount(np.rint(ys - drop * along + most).astype(np.int64)).astype(np.float64)
        score = float((np.diff(counts) ** 2).sum())
        if abs(drop) < 1e-9:
            level = score
        if score > best_score:
            best, best_score = float(drop), score
    # What grows up to the last slope looked at has no best one: ascenders of short words in a row.
    return best if best_score > 1.05 * level and abs(best) < drops[-1] else 0.0


def _stroke(letters: Letters) -> float:
    """Typical stem width in pixels: twice the area over the length of the rim, both from partial coverage.

    The rim's length is the total variation of the coverage, in which the grain of letters and ground has no
    part. What blur adds to thin stems is taken off.
    """
    cover = np.clip((letters.cover - _GRAIN) / (1 - 2 * _GRAIN), 0, 1)
    across, down = np.diff(cover, axis=1)[:-1], np.diff(cover, axis=0)[:, :-1]
    rim = float(np.sqrt(across**2 + down**2).sum())
    seen = 2 * float(cover.sum()) / max(1e-3, rim)
    return float(np.sqrt(max(0.0, seen**2 - (_BLUR_WIDENS * letters.blur) ** 2)))


def _slant(flat: Mask) -> float:
    """The shear that makes the columns of ink most uneven, which is when stems stand upright."""
    ys, xs = np.nonzero(flat)
    if len(xs) < 40:
        return 0.0
    middle = flat.shape[0] / 2
    best, best_score, upright = 0.0, 0.0, 0.0
    for step in range(-10, 11):
        shear = step * 0.04
        moved = np.rint(xs - shear * (middle - ys)).astype(np.int64)
        counts = np.bincount(moved - moved.min())
        score = float((counts.astype(np.float64) ** 2).sum())
        if step == 0:
            upright = score
        if score > best_score:
            best, best_score = shear, score
    # Round letters alone say little: without a clear gain the text counts as upright.
    return best if best_score > 1.04 * upright else 0.0
