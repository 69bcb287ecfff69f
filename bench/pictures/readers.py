"""The local recognition engine, as the product would be answered by it, and as a reader of results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bench.pictures.areas import holds
from bench.pictures.truth import Pixels, Quad
from local.engines import tesseract
from local.engines.annotation import annotate
from local.engines.layout import paragraphs
from local.engines.reading import Reader
from shared.providers.vision_words import recognition as as_recognition
from shared.scenes.recognition import Recognition

Corners = NDArray[np.float32]


@dataclass(frozen=True)
class Reading:
    """A word that was read, the quad around it, and the number of its line."""

    text: str
    quad: Quad
    line: int
    space: bool


@lru_cache(maxsize=1)
def reader() -> Reader:
    """The engine with its models loaded, on one core."""
    return Reader(threads=1)


def readable(language: str) -> bool:
    """Whether the engine has what it needs for a language on this machine."""
    name = tesseract.language_for(language)
    return name is None or name in tesseract.installed()


def _lines(rgb: Pixels, language: str):  # type: ignore[no-untyped-def]
    bgr = np.ascontiguousarray(rgb[:, :, ::-1])
    return reader().read(bgr, tesseract.language_for(language))


def recognise(rgb: Pixels, language: str) -> Recognition:
    """What the product's adapter makes of the engine's answer, with the language known."""
    height, width = rgb.shape[:2]
    found = paragraphs(_lines(rgb, language))
    answer = annotate(found, width, height, language, 1.0, [language] * len(found))
    return as_recognition(answer.full_text_annotation, width, height)


def read(rgb: Pixels, language: str) -> list[Reading]:
    """All words in a picture, line by line."""
    return [
        Reading(word.text, np.asarray(word.quad, np.float64), number, word.space)
        for number, line in enumerate(_lines(rgb, language))
        for word in line.words
    ]


def read_at(rgb: Pixels, quads: Sequence[Quad], language: str) -> list[str]:
    """What the engine reads in each quad, without looking for lines itself."""
    height, width = rgb.shape[:2]
    bgr = np.ascontiguousarray(rgb[:, :, ::-1])
    corners = [np.clip(quad, 0, (width, height)).astype(np.float32) for quad in quads]
    large = [i for i, quad in enumerate(corners) if min(_sides(quad)) >= 2]
    lines = reader().read_at(bgr, [corners[i] for i in large], tesseract.language_for(language))
    found = dict(zip(large, lines, strict=True))
    return [line.text if (line := found.get(i)) else "" for i in range(len(corners))]


def _sides(quad: Corners) -> tuple[float, float]:
    return float(np.linalg.norm(quad[1] - quad[0])), float(np.linalg.norm(quad[3] - quad[0]))


def text_in(readings: list[Reading], polygon: Quad) -> str:
    """What was read inside a polygon, its lines one below the other in the polygon's own direction."""
    inside = [r for r in readings if holds(polygon, r.quad.mean(axis=0))]
    if not inside:
        return ""
    down = np.asarray(polygon[3]) - np.asarray(polygon[0])
    down = down / max(1e-6, float(np.linalg.norm(down)))
    rows: dict[int, list[Reading]] = {}
    for reading in inside:
        rows.setdefault(reading.line, []).append(reading)
    ordered = sorted(rows.values(), key=lambda row: float(np.mean([r.quad.mean(axis=0) @ down for r in row])))
    return " ".join("".join(r.text + " " * r.space for r in row).strip() for row in ordered)
