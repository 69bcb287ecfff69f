"""Two plain ways to translate a picture, written from their description, that ours must beat.

White box: every word under a white rectangle, black text of one font, at least 12 px, never wrapped.
Median box: a fill of the border's median colour, and the largest font with which the text fits one line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bench.pictures.areas import covered, grown
from bench.pictures.scripts import DIGITS, OTHER_FONTS, OWN_FONTS
from bench.pictures.subject import Outcome
from bench.pictures.truth import Page, Pixels
from shared.scenes.schemas import Block

LEAST = 12
_FACES = {
    "Arabic": "NotoSansArabic.ttf",
    "Hebrew": "NotoSansHebrew.ttf",
    "Devanagari": "NotoSansDevanagari.ttf",
    "Thai": "NotoSansThai.ttf",
    "Chinese": "NotoSansSC.ttf",
    "Japanese": "NotoSansJP.ttf",
    "Korean": "NotoSansKR.ttf",
}


@dataclass(frozen=True)
class Plain:
    """A baseline's picture without and with the new text."""

    erased: Pixels
    result: Pixels


def face_of(script: str, size: int) -> ImageFont.FreeTypeFont:
    """The one font of a script."""
    name = _FACES.get(script, DIGITS)
    folder = OWN_FONTS if (OWN_FONTS / name).is_file() else OTHER_FONTS
    return ImageFont.truetype(str(folder / name), size, layout_engine=ImageFont.Layout.RAQM)


def white_box(page: Page, made: Outcome) -> Plain:
    """What the first version of this product did."""
    canvas = Image.fromarray(page.picture.rgb)
    pen = ImageDraw.Draw(canvas)
    for block in made.changed:
        for line in block.lines:
            for word in line.words or [line.polygon]:
                quad = np.array(word)
                pen.rectangle([*map(round, quad.min(axis=0)), *map(round, quad.max(axis=0))], fill="white")
    erased = np.array(canvas)
    for block in made.changed:
        quad = np.array(block.lines[0].polygon)
        size = max(LEAST, round(0.8 * float(np.ptp(quad[:, 1]))))
        low = quad.min(axis=0)
        pen.text(tuple(low), made.text_of(block), fill="black", font=face_of(page.target, size))
    return Plain(erased, np.array(canvas))


def median_box(page: Page, made: Outcome) -> Plain:
    """A fill and one line of text, as large as fits."""
    rgb = page.picture.rgb.copy()
    for block in made.changed:
        inner = covered(rgb.shape[:2], [np.array(block.polygon)])
        outer = covered(rgb.shape[:2], [grown(np.array(block.polygon), 4)])
        ring = rgb[outer & ~inner]
        if len(ring):
            rgb[outer] = np.median(ring, axis=0)
    canvas = Image.fromarray(rgb)
    erased = rgb.copy()
    pen = ImageDraw.Draw(canvas)
    for block in made.changed:
        quad = np.array(block.polygon)
        low, high = quad.min(axis=0), quad.max(axis=0)
        text, size = made.text_of(block), _largest(page, made, block, high - low)
        dark = rgb[_row(low, high, rgb)].mean() < 128
        middle = (float(low[0] + high[0]) / 2, float(low[1] + high[1]) / 2)
        fill = "white" if dark else "black"
        pen.text(middle, text, fill=fill, font=face_of(page.target, size), anchor="mm")
    return Plain(erased, np.array(canvas))


def _row(low: np.ndarray, high: np.ndarray, rgb: Pixels) -> tuple[slice, slice]:
    left, top = np.clip(np.floor(low).astype(int), 0, None)
    right, bottom = np.maximum(np.ceil(high).astype(int), (left + 1, top + 1))
    return slice(min(top, rgb.shape[0] - 1), bottom), slice(min(left, rgb.shape[1] - 1), right)


def _largest(page: Page, made: Outcome, block: Block, room: np.ndarray) -> int:
    ten = face_of(page.target, 100)
    left, top, right, bottom = ten.getbbox(made.text_of(block))
    share = min(room[0] / max(1, right - left), room[1] / max(1, bottom - top))
    return max(4, int(100 * share))


BASELINES = {"white box": white_box, "median box": median_box}
