"""Serif, sans or mono: which of the library's faces the words of a picture resemble most.

Method: analysis by synthesis. The words are known, so each letter is drawn in a face of every family, as wide
as the picture's word makes it, and looked for where it should stand; the normalised correlations of the best
places (Lewis 1995) are averaged over letters and words, and compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
import uharfbuzz

from shared.imaging.geometry import Box
from shared.imaging.measure.specimen import Specimen
from shared.imaging.pixels import Pixels
from shared.imaging.typesetting.fonts import FontLibrary, Typeface
from shared.imaging.typesetting.scripts import RTL
from shared.imaging.typesetting.words import Manner, Word, word

# uharfbuzz carries no types.
hb: Any = uharfbuzz

Family = Literal["sans", "serif", "mono"]

LEAST_LETTERS = 3
_INKED = 90  # of 255: a column with such a pixel is one of the word's
_BESIDE = 0.15  # ems around a word's place in which its ink is looked for
_ASIDE, _ASTRAY = 0.1, 0.05  # ems that a letter may stand elsewhere than in the face, along and across
_PAD = 0.08  # ems around a letter that must be empty
_SOFT = 0.6  # blur in pixels of the letters drawn for comparison
_NARROWEST, _WIDEST = 0.55, 1.5  # of a word against its face
_SQUEEZES = 20  # steps of the squeeze from nothing to the face's own width
_NARROW = 0.94  # squeeze from which the face's condensed letters are taken
_WEIGHTS = (400, 700)
_MONO = 0.02  # what mono must have more than both others
_SERIF, _SERIF_OF = -0.025, {"Grek": 0.01, "Hebr": 0.06, "Arab": 0.06}
"""What serif must have more than sans, by script. Noto Sans is nearer to other sans than Noto Serif is to
other serif faces; but Greek sans has strokes like serifs, and one face of Hebrew or Arabic stands for all."""
_LEAST = 0.55  # likeness to any family below which letters were not seen as they are
_UNSURE = 0.04  # what serif may miss of that before it is surely sans
_DOUBT = 0.03  # what either must have more where one word tells, and its share where several do


class Sample(NamedTuple):
    """A word of the picture: its text, script (ISO 15924), and where it is in its line, in picture pixels.

    `leaning` tells that its letters lean as italics do.
    """

    text: str
    script: str
    specimen: Specimen
    start: float
    end: float
    leaning: bool = False


class _Letter(NamedTuple):
    """A letter drawn for comparison, and its top left corner from its origin, in pixels."""

    pixels: Pixels
    left: int
    top: int


@dataclass(frozen=True)
class Likeness:
    """How much some words of a script resemble each family, from 0 (not at all) to 1."""

    script: str
    words: int
    sans: float
    serif: float
    mono: float

    @property
    def certainty(self) -> float:
        """How much better than not at all the letters were seen, from 0 on."""
        return max(0.0, self.sans - _LEAST, self.serif - _LEAST, self.mono - _LEAST)

    @property
    def family(self) -> Family | None:
        """The family they are surely of; None where it may be of two, or they resemble none."""
        if max(self.sans, self.serif, self.mono) < _LEAST:
            return None
        doubt = _DOUBT / self.words
        if self.mono - max(self.sans, self.serif) > _MONO + doubt:
            # A single word of letters that are about as wide may be of any face.
            return "mono" if self.words > 1 else None
        beyond = self.serif - self.sans - _SERIF_OF.get(self.script, _SERIF) - doubt
        return "serif" if beyond > 0 else "sans" if beyond < -_UNSURE else None


def faces_of(fonts: FontLibrary, script: str, leaning: bool) -> dict[Family, list[Typeface]]:
    """The first face of `script` in each family, its italic too for leaning letters; empty without choice."""
    found: dict[Family, list[Typeface]] = {}
    families: tuple[Family, ...] = ("sans", "serif", "mono")
    for family in families:
        for italic in (False, True) if leaning else (False,):
            for face in fonts.candidates(family, italic, "und"):
                pinned = face.pinned
                if script in pinned.scripts and (pinned.family, pinned.italic) == (family, italic):
                    found.setdefault(family, []).append(face)
                    break
    return found if len(found) > 1 else {}


def likeness(samples: Sequence[Sample], fonts: FontLibrary) -> Likeness | None:
    """Compare words of one script with its faces; None where there is nothing to compare."""
    found = []
    for sample in samples:
        scores = _scores(sample, faces_of(fonts, sample.script, sample.leaning))
        if scores:
            found.append(scores)
    if not found:
        return None
    sans, serif, mono = (
        float(np.mean([scores.get(family, 0.0) for scores in found])) for family in ("sans", "serif", "mono")
    )
    return Likeness(samples[0].script, len(found), sans, serif, mono)


def _scores(sample: Sample, faces: dict[Family, list[Typeface]]) -> dict[Family, float]:
    """For each family the best mean correlation of the word's letters; empty where the word has no ink."""
    columns = _columns(sample)
    if columns is None:
        return {}
    best: dict[Family, float] = {}
    for family, typefaces in faces.items():
        for face in typefaces:
            for weight in _WEIGHTS:
                found = list(_correlations(sample, face, weight, *columns))
                if len(found) < LEAST_LETTERS:
                    return {}
                best[family] = max(best.get(family, 0.0), float(np.mean(found)))
    return best


def _columns(sample: Sample) -> tuple[int, int] | None:
    """The first and last column of the word's ink in its specimen."""
    specimen = sample.specimen
    margin = _BESIDE * specimen.em
    start = max(0, round(specimen.column(sample.start) - margin))
    inked = specimen.cover[:, start : max(start, round(specimen.column(sample.end) + margin))] > _INKED
    columns = np.nonzero(inked.any(axis=0))[0]
    return (start + int(columns[0]), start + int(columns[-1]) + 1) if len(columns) > 3 else None


def _squeezed(sample: Sample, face: Typeface, weight: int, width: float) -> tuple[Word, Box, float] | None:
    """The word in the face, its ink, and what makes that `width` ems wide; None where it is another word."""
    drawn = _word(sample, face, weight, 100)
    if drawn.ink is not None and width < _NARROW * drawn.ink.width and "wdth" in face.pinned.axes:
        drawn = _word(sample, face, weight, max(62, 5 * round(20 * width / drawn.ink.width)))
    if drawn.ink is None:
        return None
    squeeze = width / drawn.ink.width
    return (drawn, drawn.ink, squeeze) if _NARROWEST < squeeze < _WIDEST else None


def _word(sample: Sample, face: Typeface, weight: int, width: int) -> Word:
    direction = "rtl" if sample.script in RTL else "ltr"
    return word(sample.text, face, Manner(weight, width), sample.script, "und", direction)


def _correlations(sample: Sample, face: Typeface, weight: int, start: int, end: int) -> Iterator[float]:
    """For each letter how well it agrees with the specimen at the best place near its own."""
    em, cover = sample.specimen.em, sample.specimen.cover
    squeezed = _squeezed(sample, face, weight, (end - start) / em)
    if squeezed is None:
        return
    drawn, ink, squeeze = squeezed
    aside, astray = max(1, round(_ASIDE * em)), max(1, round(_ASTRAY * em))
    for glyph, x, y, _ in drawn.places:
        letter = _letter(drawn.font, drawn.face.upem, glyph, em, round(_SQUEEZES * squeeze))
        if letter is None:
            continue
        height, width = letter.pixels.shape
        left = round(start + (x - ink.left) * em * squeeze) + letter.left - aside
        top = round(sample.specimen.baseline + y * em) + letter.top - astray
        right, bottom = left + width + 2 * aside, top + height + 2 * astray
        if left < 0 or top < 0 or right > cover.shape[1] or bottom > cover.shape[0]:
            continue
        found = cv2.matchTemplate(cover[top:bottom, left:right], letter.pixels, cv2.TM_CCOEFF_NORMED)
        yield float(np.nan_to_num(found, posinf=0.0).max())


@lru_cache(maxsize=1 << 13)
def _letter(font: Any, upem: int, index: int, em: int, squeeze: int) -> _Letter | None:
    """A glyph's coverage at `em` pixels; None where it draws next to nothing."""
    extents = font.get_glyph_extents(index)
    if extents is None or not (extents.width and extents.height):
        return None
    scale, pad = em / upem, max(1, round(_PAD * em))
    across = scale * squeeze / _SQUEEZES
    left = math.floor(extents.x_bearing * across) - pad
    right = math.ceil((extents.x_bearing + extents.width) * across) + pad
    top = math.floor(-extents.y_bearing * scale) - pad
    bottom = math.ceil(-(extents.y_bearing + extents.height) * scale) + pad
    raster = hb.RasterDraw()
    raster.transform = (across, 0, 0, -scale, -left, -top)
    raster.draw_glyph(font, index)
    raster.extents = hb.RasterExtents(0, 0, right - left, bottom - top)
    image = raster.render()
    if image is None:
        return None
    pixels = np.frombuffer(image.buffer, dtype=np.uint8).reshape(image.extents.height, image.extents.stride)
    soft = cv2.GaussianBlur(pixels[:, : right - left], (0, 0), _SOFT)
    return _Letter(np.asarray(soft, dtype=np.uint8), left, top)
