"""Ink and ground: which pixels of a crop are text, and what the picture would be without it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from shared.imaging.ink.attached import Words, attached, dilated
from shared.imaging.ink.ground import SAMPLE, Plane, local_mean, near_mode, robust_plane, to_lab
from shared.imaging.ink.missed import missed
from shared.imaging.ink.palette import evidence
from shared.imaging.ink.samples import count, middle_of, of, of_parts, otsu, parts_of, places_in, quantile
from shared.imaging.pixels import Floats, Mask, Pixels

MEASURED_EM, _ERASED_EM = 56.0, 32.0
"""Pixels an em at which text is looked at to be measured, and those that are enough to take it out."""

_SMALLER = 1.5  # the least times that larger text is reduced by
_TEXTURED = 0.9  # texture from which a ground has a structure of its own
_OF_NOISE = 0.3  # what noise leaves of itself where one looks for structure
_MOSTLY, _TOUCHED = 96, 16  # of 255: what a resized mask must cover of a pixel
_THING, _FAINTEST_THING = 9.0, 8.0  # times the usual distance from the ground, and CIELAB: what is a thing
_BUSY = 2.0  # texture of a ground, from which distance from its smooth part says little
_SURE, _LIKELY = 0.9, 0.3  # evidence of the palette for ink and for its rim
_STANDS_OUT = 0.25  # least share of the ink's contrast for a finding to be preferred to it
_AGREE = 0.45  # least share of the palette's ink that the ground's distance must have found too
_UNEVEN, _USUAL_COVER = 1.2, 0.1  # texture that hides ink, and the share of the words that ink takes up
_LEAST_COVER = 0.03  # of the words' area: less is no text
_SAME = np.float32(0.25)  # least share of a difference from the ground that is the text's own way
_UNSURE = 16.0  # times the ground's noise: of fainter ink a line may show much here and nothing there
_LOST, _HIDDEN = 8.0, 1.0  # times the ground's noise: much of fainter ink is not found, even by its colour
_PART = 16_000  # pixels of a crop that tell of its texture
_TELLING = 300  # pixels of ink that tell its colour
_FAR = 1.5  # times the ink's contrast: what stands out so much more is no ground, on whichever side of it
_SUM = np.ones((1, 3), dtype=np.float32)


@dataclass(frozen=True)
class Ground:
    """What lies under the text of a crop.

    `light` is the ground's low-frequency part, in RGB 0-255 over the whole crop, in bytes where that is
    large, `noise` the robust standard deviation around it, `texture` that of its structure that noise does
    not explain, both in CIELAB units. `known` are the pixels it was learnt from; `shown` are these and the
    rules, frames and seams beside the text that are fainter than it, or differ in another way.
    """

    light: Floats | Pixels
    noise: float
    texture: float
    known: Mask
    shown: Mask

    @cached_property
    def smooth(self) -> Floats:
        """The light as numbers that can be taken from others."""
        return self.light.astype(np.float32, copy=False)

    @cached_property
    def paint(self) -> Pixels:
        """The light in bytes."""
        if self.light.dtype == np.uint8:
            return self.light.view(np.uint8)
        return np.asarray(cv2.convertScaleAbs(self.light), dtype=np.uint8)

    @property
    def textured(self) -> bool:
        """Whether it has a structure of its own, more than noise leaves."""
        return self.texture > max(_TEXTURED, min(_UNEVEN, _OF_NOISE * self.noise))


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


def distance(lab: Floats, other: Floats) -> Floats:
    """Euclidean distance in CIELAB, pixel by pixel."""
    away = lab - other
    return _root_of_sum(np.square(away, out=away))


def lengths(vectors: Floats) -> Floats:
    """The length of the vector at each pixel."""
    return _root_of_sum(np.square(vectors))


def _root_of_sum(squares: Floats) -> Floats:
    found = cv2.transform(squares, _SUM)
    return np.asarray(np.sqrt(found, out=found), dtype=np.float32)


def separate(rgb: Pixels, words: Words, enough: float = _ERASED_EM) -> tuple[Ground, Ink]:
    """Tell ink from ground in a crop.

    Method: a robust plane through ring and words, Otsu's threshold (1979) on the CIELAB distance from it,
    then a second look at the ground without the ink, and a third for faint ink that this missed, and
    hysteresis for the anti-aliased rim. Large text is looked at from further away, where its em has about
    `enough` pixels.
    """
    shrink = words.em / enough
    if shrink > _SMALLER:
        return _separate_reduced(rgb, words, shrink)
    rgb = np.ascontiguousarray(rgb)
    lab = to_lab(rgb)
    learn = words.usable | words.wide
    plane = robust_plane(rgb, learn, words)
    far = distance(lab, plane.lab())
    ink = _threshold(far, words, np.ones_like(words.tight), first=True)
    look = _looked(rgb, lab, words, plane, _known(learn, ink, far, words), ink.core)
    known = _known(learn, look.ink, look.far, words)
    noise, texture = _roughness(look, known, words)
    other = _by_palette(lab, look.far, words) if texture > _BUSY else None
    found = _completed(look.ink, other, words, noise, texture)
    smooth = look.smooth
    if found is not look.ink:
        # What was missed has taught the ground its colour.
        known = _known(learn, found, look.far, words)
        smooth = local_mean(rgb, known, plane, words.em)[0]
    elif found.contrast < _UNSURE * noise:
        more = missed(look.along, found.core, words) & ~found.halo & ~found.strange
        if more.any():
            look = _looked(rgb, lab, words, plane, known & ~dilated(more, 2), found.core | more)
            found = _joined(look.ink, found, missed(look.along, look.ink.core, words) & words.wide)
            known, smooth = _known(learn, found, look.far, words), look.smooth
            noise, texture = _roughness(look, known, words)
    like = look.same | (look.far > _FAR * found.contrast)
    return Ground(smooth, noise, texture, known, learn & ~_touched(found, like)), found


@dataclass(frozen=True)
class _Look:
    """What a look at a crop shows: the ground's light in RGB, how pixels differ from it, and the ink.

    In CIELAB `light` is how much lighter they are, `far` how far from the ground and `along` how far as the
    text is. `same` are those on its side: a dark line is no part of light text.
    """

    smooth: Floats
    light: Floats
    far: Floats
    along: Floats
    same: Mask
    ink: Ink


def _completed(ink: Ink, other: Ink | None, words: Words, noise: float, texture: float) -> Ink:
    """The better of the ink and of what the palette finds, with whole words where much of it is missed."""
    if other is not None and _is_better(other, ink):
        return _whole(other, words) if other.contrast < _HIDDEN * noise else with_whole_words(other, words)
    uncertain = texture > _UNEVEN or ink.contrast < _LOST * noise
    return with_whole_words(ink, words) if uncertain else ink


def _joined(ink: Ink, other: Ink, more: Mask) -> Ink:
    """All that one look or the other found and what both missed, but for what the first calls strange."""
    core = ink.core | ((other.core | more) & ~ink.strange)
    halo = ink.halo | ((other.halo | dilated(more, 2)) & ~ink.strange)
    return replace(ink, core=core, halo=halo)


def _is_better(other: Ink, ink: Ink) -> bool:
    """Whether another finding shows much that was missed, and stands out from the ground as well."""
    unseen = count(ink.core & other.core) < _AGREE * count(other.core)
    return bool(unseen and other.contrast >= _STANDS_OUT * ink.contrast)


def with_whole_words(ink: Ink, words: Words) -> Ink:
    """The ink; where less of it was found than any text has, all of the words may be touched by it."""
    if count(ink.core & words.tight) >= _USUAL_COVER * count(words.tight):
        return ink
    return _whole(ink, words)


def _whole(ink: Ink, words: Words) -> Ink:
    return replace(ink, halo=ink.halo | (dilated(words.tight, 1) & words.wide & ~ink.strange))


def _by_palette(lab: Floats, far: Floats, words: Words) -> Ink | None:
    """Ink told from a busy ground by its colours; None where it has none of its own."""
    found = evidence(lab, words)
    core, strange = attached(np.asarray(found > _SURE, dtype=bool), words)
    core &= words.wide
    if count(core) < _LEAST_COVER * count(words.tight):
        return None
    free = words.wide & ~strange
    # Thin strokes are smoothed away: in the words all that is likely goes.
    near = words.tight | dilated(core, max(2, round(0.09 * words.em)))
    halo = core | (near & (found > _LIKELY) & free)
    contrast = quantile(of(far, core), 0.8)
    return Ink(core, dilated(halo, 1) & free, core | strange, strange, contrast)


def _separate_reduced(rgb: Pixels, words: Words, shrink: float) -> tuple[Ground, Ink]:
    """`separate` at a `shrink`-th of the size, its findings brought back to the full one."""
    height, width = words.tight.shape
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    tight, wide, usable = (_scaled(mask, size) for mask in (words.tight, words.wide, words.usable))
    em = words.em / shrink
    lie = words.lie.shrunk(shrink)
    seen = Words(tight, wide, usable, em, lie, words.rim / shrink)
    ground, ink = separate(small, seen, em)
    full = (width, height)
    light = np.asarray(cv2.resize(ground.paint, full, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    known = _scaled(ground.known, full)
    ys, xs = places_in(known, SAMPLE)
    noise = ground.noise
    if len(xs):
        # Averaging has taken the noise away, so it is measured again on single pixels.
        away = to_lab(rgb[ys, xs][None]) - to_lab(light[ys, xs][None])
        noise = 1.48 * quantile(lengths(away).ravel(), 0.5)
    return Ground(light, noise, ground.texture, known, _scaled(ground.shown, full)), Ink(
        _scaled(ink.core, full),
        _scaled(ink.halo, full, _TOUCHED) & words.wide,
        _scaled(ink.foreign, full),
        _scaled(ink.strange, full),
        ink.contrast,
    )


def _scaled(mask: Mask, size: tuple[int, int], least: int = _MOSTLY) -> Mask:
    values = cv2.resize(mask * np.uint8(255), size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(values > least, dtype=bool)


def _looked(rgb: Pixels, lab: Floats, words: Words, plane: Plane, known: Mask, core: Mask) -> _Look:
    """Look at a crop from the light of its `known` ground; `core` is ink as far as it is known."""
    smooth, level = local_mean(rgb, known, plane, words.em)
    away = lab - level
    far = lengths(away)
    along = _along(rgb, away, far, core)
    same = np.asarray(along > _SAME * far, dtype=bool)
    return _Look(smooth, np.ascontiguousarray(away[..., 0]), far, along, same, _threshold(far, words, same))


def _along(rgb: Pixels, away: Floats, far: Floats, core: Mask) -> Floats:
    """How far pixels differ from the ground in the way in which the most of the text does."""
    places = np.flatnonzero(core)
    if len(places) < 12:
        return far
    strength = far.ravel()[places]
    places = places[strength >= quantile(strength, 0.6)]
    places = places[:: max(1, len(places) // _TELLING)]
    weights = near_mode(rgb.reshape(-1, 3)[places], np.ones(len(places)))
    towards = (weights + 1e-6) @ away.reshape(-1, 3)[places]
    towards = towards / max(1e-6, float(np.linalg.norm(towards)))
    return np.asarray(cv2.transform(away, towards.astype(np.float32)[None]), dtype=np.float32)


def _touched(ink: Ink, like: Mask) -> Mask:
    """Pixels of the ink, and of those as far from the ground the ones that are `like` it; with a margin."""
    return dilated(ink.halo | (ink.foreign & like), 1)


def _known(learn: Mask, ink: Ink, far: Floats, words: Words) -> Mask:
    """Pixels that show the ground, and nothing of the text or of things beside it.

    A thing stands out from the ground and reaches none of the words: a pattern goes on between letters.
    """
    known = learn & ~_touched(ink, ink.foreign)
    near = of(far, known & words.wide)
    usual = quantile(near, 0.5) if near.size else 0.0
    things = known & (far > max(_THING * usual, _FAINTEST_THING))
    if things.any():
        parts, labels = parts_of(things)
        beside = np.bincount(of(labels, words.tight), minlength=parts) == 0
        beside[0] = False
        known &= ~dilated(of_parts(beside, labels), 2)
    return known if count(known) >= 12 else learn & ~ink.core


def _threshold(far: Floats, words: Words, same: Mask, *, first: bool = False) -> Ink:
    """Ink by its distance from the ground; a `first` look need not know what touches it."""
    inside = of(far, words.tight)
    none = np.zeros_like(words.tight)
    if inside.size == 0:
        return Ink(none, none, none, none, 0.0)
    between = otsu(inside)
    calm = of(far, words.wide & (far <= between))
    noise = 1.48 * quantile(calm, 0.5) if calm.size else 1.0
    cut = max(between, 3 * noise, 4.0)
    foreign = np.asarray(far > cut, dtype=bool)
    core, strange = (foreign & words.tight, none) if first else attached(foreign & same, words)
    core, free = core & words.wide, words.wide & ~strange
    contrast = quantile(of(far, core), 0.8) if core.any() else 0.0
    # A rim pixel carries a share of the ink; below an eighth it cannot be told from noise.
    low = max(2.5 * noise, 0.1 * contrast, 1.2)
    reach = max(2, round(0.09 * words.em + words.rim))
    halo = core | (dilated(core, reach) & (far > low) & free)
    return Ink(core, dilated(halo, 1) & free, foreign, strange, contrast)


def _roughness(look: _Look, known: Mask, words: Words) -> tuple[float, float]:
    """Noise and texture of the ground that a look shows."""
    noise, texture = _residuals(look.light, look.far, known)
    if texture > _TEXTURED:
        # What lies beyond the letters' own ground, such as a rule or a sign's edge, does not make that busy.
        texture = min(texture, _residuals(look.light, look.far, known & words.wide)[1])
    return noise, texture


def _residuals(light: Floats, far: Floats, known: Mask) -> tuple[float, float]:
    """Noise and texture of the known ground, from how far and how much lighter each pixel is."""
    if count(known) < 12:
        return 0.0, 0.0
    noise = 1.48 * quantile(of(far, known), 0.5)
    light, known = middle_of(light, _PART), middle_of(known, _PART)
    weight = known.astype(np.float32)
    share = np.maximum(cv2.GaussianBlur(weight, (0, 0), 1.5), 1e-3)
    structure = np.abs(of(cv2.GaussianBlur(light * weight, (0, 0), 1.5) / share, known))
    return noise, quantile(structure, 0.8) if structure.size else 0.0
