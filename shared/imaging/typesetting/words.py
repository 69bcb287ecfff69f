"""HarfBuzz: the glyphs of one word in one face. Words are shaped once and remembered."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import uharfbuzz

from shared.imaging.geometry import Box, around
from shared.imaging.typesetting.fonts import Typeface
from shared.imaging.typesetting.scripts import SHARED

# uharfbuzz carries no types.
hb: Any = uharfbuzz

Matrix2 = tuple[float, float, float, float]
UPRIGHT: Matrix2 = (1.0, 0.0, 0.0, 1.0)

SLANT = 0.2
"""Shear of an oblique that is made from an upright face."""
LEAN = 0.21
"""How far the italic faces lean to the right for each em upwards."""
_NEVER_SLANTED = {"Arab", "Hebr", "Syrc", "Thaa", "Nkoo"}
_SPACED = {"Latn", "Cyrl", "Grek", "Hebr", "Armn", "Geor", "Hani", "Hira", "Kana", "Hang", "Bopo", "Zyyy"}
"""Scripts whose letters may be set apart; in the others they join, or carry a common stroke."""


class Manner(NamedTuple):
    """How letters are set: `weight` 100-900, `width` in percent, `italic`, `spacing` in ems after each."""

    weight: int = 400
    width: int = 100
    italic: bool = False
    spacing: float = 0.0


@dataclass(frozen=True)
class Glyph:
    """A glyph of `font` whose origin is at x, y: ems, y downwards, from the line's start on its baseline.

    `matrix` (a, b, c, d) takes the glyph's own (x, y), y downwards, to (ax + by, cx + dy).
    """

    font: Any
    upem: int
    index: int
    x: float
    y: float
    matrix: Matrix2 = UPRIGHT


Place = tuple[int, float, float, int]
"""A glyph's number, its origin x and y in its word, and the place of the character it comes from."""


@dataclass(frozen=True)
class Word:
    """Glyphs that stay together: a word, white space, or a piece of a word. Lengths are ems.

    `down` is the advance of a word that was shaped from top to bottom, and then `advance` is 0.
    """

    text: str
    face: Typeface
    manner: Manner
    font: Any
    places: tuple[Place, ...]
    advance: float
    down: float
    ink: Box | None


@lru_cache(maxsize=1 << 15)
def word(text: str, face: Typeface, manner: Manner, script: str, language: str, direction: str) -> Word:
    """Shape `text`; `direction` is ltr, rtl or ttb. A sequence the face has no glyph for is left out."""
    spacing = manner.spacing if script in _SPACED else 0.0
    slant = _slant(face, manner.italic, script)
    font = face.instance(manner.weight, manner.width, slant)
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.direction = direction
    buffer.script = script if script not in SHARED else "Latn"
    buffer.language = language
    hb.shape(font, buffer, {"liga": False, "clig": False} if spacing else {})
    return _collected(text, face, manner, font, buffer, spacing)


def _slant(face: Typeface, italic: bool, script: str) -> float:
    """What makes an upright face lean, or sets an italic one upright."""
    if italic == face.pinned.italic:
        return 0.0
    if not italic:
        return -LEAN
    return 0.0 if script in _NEVER_SLANTED else SLANT


def _collected(text: str, face: Typeface, manner: Manner, font: Any, buffer: Any, spacing: float) -> Word:
    places: list[Place] = []
    boxes: list[tuple[Box | None, float, float]] = []
    x = y = 0.0
    upem = face.upem
    infos = buffer.glyph_infos
    for i, (info, position) in enumerate(zip(infos, buffer.glyph_positions, strict=True)):
        glyph, cluster = info.codepoint, info.cluster
        across, up, advance, rise = position.position
        # A font may lack the glyph for a sequence although it has each character: nothing is drawn then.
        if glyph:
            at, below = x + across / upem, y - up / upem
            places.append((glyph, at, below, cluster))
            boxes.append((extents(font, upem, glyph), at, below))
        x += advance / upem
        y -= rise / upem
        if spacing and (i + 1 == len(infos) or infos[i + 1].cluster != cluster):
            x, y = (x, y + spacing) if rise else (x + spacing, y)
    return Word(text, face, manner, font, tuple(places), x, y, around(boxes))


@lru_cache(maxsize=1 << 16)
def extents(font: Any, upem: int, index: int) -> Box | None:
    """The box of a glyph's outline about its origin, in ems, y downwards; None where it has none."""
    found = font.get_glyph_extents(index)
    if found is None or not (found.width and found.height):
        return None
    left, top = found.x_bearing / upem, -found.y_bearing / upem
    return Box(left, top, left + found.width / upem, top - found.height / upem)


def transformed(box: Box, matrix: Matrix2) -> Box:
    """The box around a box that was moved by `matrix`."""
    a, b, c, d = matrix
    corners = [(x, y) for x in (box.left, box.right) for y in (box.top, box.bottom)]
    xs, ys = [a * x + b * y for x, y in corners], [c * x + d * y for x, y in corners]
    return Box(min(xs), min(ys), max(xs), max(ys))


_INVISIBLE = {"Cc", "Cf", "Zl", "Zp"}


@lru_cache(maxsize=1 << 14)
def is_ignorable(char: str) -> bool:
    """Whether `char` shows nothing by itself: controls, joiners, selectors."""
    return unicodedata.category(char) in _INVISIBLE or 0xFE00 <= ord(char) <= 0xFE0F


def clusters(text: str) -> list[str]:
    """Base characters with the marks, joiners, selectors and joined emoji that follow them."""
    if text.isascii() and text.isprintable():
        return list(text)
    found: list[str] = []
    for char in text:
        last = found[-1] if found else ""
        flag = _is_regional(last) and _is_regional(char)
        if last and (last[-1] == "\u200d" or flag or _continues(char)):
            found[-1] += char
        else:
            found.append(char)
    return found


def _is_regional(cluster: str) -> bool:
    """Whether this is one half of a flag."""
    return len(cluster) == 1 and "\U0001f1e6" <= cluster <= "\U0001f1ff"


@lru_cache(maxsize=1 << 14)
def _continues(char: str) -> bool:
    marks = unicodedata.category(char) in {"Mn", "Mc", "Me", "Cf"}
    return marks or is_ignorable(char) or 0x1F3FB <= ord(char) <= 0x1F3FF
