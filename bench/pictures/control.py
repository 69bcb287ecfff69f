"""How well the engine reads a text at all: black on white, at the same size, in the same run."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from bench.pictures.baselines import face_of
from bench.pictures.measures.text import distance, normal
from bench.pictures.readers import Reading, read, text_in
from bench.pictures.scripts import UNSPACED, scripts
from bench.pictures.sheet import Hand
from bench.pictures.truth import Pixels

_WIDTH = 700
_known: dict[tuple[str, str, int], int] = {}


def read_beside(result: Pixels, texts: list[tuple[str, int]], script: str) -> tuple[list[Reading], list[int]]:
    """What is read in `result`, and for each text with its size the errors in reading it drawn plainly.

    Both are read from one picture, so that the engine looks at both in the same way. What a text's own errors
    are is remembered for the run.
    """
    fresh = [(text, size) for text, size in dict.fromkeys(texts) if (text, script, size) not in _known]
    sheet, bands = _sheet(fresh, script)
    height = result.shape[0]
    both = np.full((height + sheet.shape[0], max(result.shape[1], sheet.shape[1]), 3), 255, np.uint8)
    both[:height, : result.shape[1]] = result
    both[height:, : sheet.shape[1]] = sheet
    seen = read(both, scripts()[script].language)
    spaced = script not in UNSPACED
    for (text, size), (top, bottom) in zip(fresh, bands, strict=True):
        corners = [(0, top), (sheet.shape[1], top), (sheet.shape[1], bottom), (0, bottom)]
        found = text_in(seen, np.array(corners, np.float64) + np.array((0, height)))
        _known[text, script, size] = distance(normal(text, spaced), normal(found, spaced))
    own = [reading for reading in seen if reading.quad[:, 1].mean() < height]
    return own, [_known[text, script, size] for text, size in texts]


def _sheet(texts: list[tuple[str, int]], script: str) -> tuple[Pixels, list[tuple[int, int]]]:
    """The texts one below the other, and from where to where each reaches."""
    tops = np.cumsum([0, *(_height(text, size, script) for text, size in texts)])
    canvas = Image.new("RGB", (_WIDTH + 120, max(1, int(tops[-1]))), "white")
    pen = ImageDraw.Draw(canvas)
    for (text, size), top in zip(texts, tops, strict=False):
        for i, line in enumerate(_wrapped(text, size, script)):
            place = (60, int(top) + size * (0.6 + 1.5 * i))
            pen.text(place, line, fill="black", font=face_of(script, size))
    return np.array(canvas), [(int(a), int(b)) for a, b in pairwise(tops)]


def _wrapped(text: str, size: int, script: str) -> list[str]:
    path = Path(str(face_of(script, size).path))
    return Hand(path, size, 400, script, scripts()[script].language).wrapped(text, _WIDTH)


def _height(text: str, size: int, script: str) -> int:
    return round(size * (1.5 * len(_wrapped(text, size, script)) + 1.5))
