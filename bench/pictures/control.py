"""How well the engine reads a text at all: black on white, at the same size, in the same run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from bench.pictures.baselines import face_of
from bench.pictures.measures.text import distance, normal
from bench.pictures.readers import read, text_in
from bench.pictures.scripts import UNSPACED, scripts
from bench.pictures.sheet import Hand

_WIDTH = 900
_known: dict[tuple[str, str, int], int] = {}


def errors(texts: list[tuple[str, int]], script: str) -> list[int]:
    """For each text with its size, the characters that the engine gets wrong of it drawn plainly.

    All texts of a call stand on one sheet, wrapped where they must be. What was read once is remembered.
    """
    fresh = [(text, size) for text, size in dict.fromkeys(texts) if (text, script, size) not in _known]
    if fresh:
        _measure(fresh, script)
    return [_known[text, script, size] for text, size in texts]


def _measure(texts: list[tuple[str, int]], script: str) -> None:
    language = scripts()[script].language
    canvas = Image.new(
        "RGB", (_WIDTH + 200, sum(_height(text, size, script) for text, size in texts)), "white"
    )
    pen, top, bands = ImageDraw.Draw(canvas), 0, []
    for text, size in texts:
        font = face_of(script, size)
        for i, line in enumerate(_wrapped(text, size, script)):
            pen.text((60, top + size * (0.6 + 1.5 * i)), line, fill="black", font=font)
        bottom = top + _height(text, size, script)
        bands.append([(0, top), (canvas.width, top), (canvas.width, bottom), (0, bottom)])
        top = bottom
    seen = read(np.array(canvas), language)
    spaced = script not in UNSPACED
    for (text, size), band in zip(texts, bands, strict=True):
        found = normal(text_in(seen, np.array(band, np.float64)), spaced)
        _known[text, script, size] = distance(normal(text, spaced), found)


def _wrapped(text: str, size: int, script: str) -> list[str]:
    path = Path(str(face_of(script, size).path))
    return Hand(path, size, 400, script, scripts()[script].language).wrapped(text, _WIDTH)


def _height(text: str, size: int, script: str) -> int:
    return round(size * (1.5 * len(_wrapped(text, size, script)) + 1.5))
