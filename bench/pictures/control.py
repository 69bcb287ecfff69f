"""How well the engine reads a text at all: black on white, at the same size, in the same run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from bench.pictures.areas import grown
from bench.pictures.baselines import face_of
from bench.pictures.measures.text import distance, normal
from bench.pictures.readers import read_at
from bench.pictures.scripts import UNSPACED, scripts
from bench.pictures.subject import DrawnLine
from bench.pictures.truth import Pixels, Quad

_AROUND = 0.12  # ems around a line's ink that the engine is shown
_MARGIN = 40
Sized = tuple[DrawnLine, int]


def errors(result: Pixels, lines: Sequence[Sized], script: str) -> list[tuple[int, int, str]]:
    """For each drawn line with its size in pixels: the engine's errors in reading it where it stands, its
    errors in reading the same drawn plainly, and what it read.

    All are read from one picture and in the same way: at known places, so that neither loses by a line that
    was overlooked. No line has more errors than characters.
    """
    sheet, plain = _sheet(lines, script)
    height = result.shape[0]
    both = np.full((height + sheet.shape[0], max(result.shape[1], sheet.shape[1]), 3), 255, np.uint8)
    both[:height, : result.shape[1]] = result
    both[height:, : sheet.shape[1]] = sheet
    places = [grown(line.quad, _AROUND * size) for line, size in lines]
    places += [quad + np.array((0, height)) for quad in plain]
    seen = read_at(both, places, scripts()[script].language)
    spaced = script not in UNSPACED
    found = []
    for (line, _), here, there in zip(lines, seen[: len(lines)], seen[len(lines) :], strict=True):
        wanted = normal(line.text, spaced)
        wrong, floor = (distance(wanted, normal(text, spaced)) for text in (here, there))
        found.append((min(wrong, len(wanted)), min(floor, len(wanted)), here))
    return found


def _sheet(lines: Sequence[Sized], script: str) -> tuple[Pixels, list[Quad]]:
    """The lines one below the other, and around where each stands."""
    boxes = [face_of(script, size).getbbox(line.text) for line, size in lines]
    width = max((right - left for left, _, right, _ in boxes), default=1) + 2 * _MARGIN
    height = sum(bottom - top + _MARGIN for _, top, _, bottom in boxes) + _MARGIN
    canvas = Image.new("RGB", (round(width), round(height)), "white")
    pen = ImageDraw.Draw(canvas)
    y, quads = float(_MARGIN), []
    for (line, size), (left, top, right, bottom) in zip(lines, boxes, strict=True):
        pen.text((_MARGIN - left, y - top), line.text, fill="black", font=face_of(script, size))
        far, low = _MARGIN + right - left, y + bottom - top
        corners = [(_MARGIN, y), (far, y), (far, low), (_MARGIN, low)]
        quads.append(grown(np.array(corners, np.float64), _AROUND * size))
        y += bottom - top + _MARGIN
    return np.array(canvas), quads
