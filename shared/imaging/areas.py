"""Areas of a picture that the caller wants left alone: what is in them is neither erased nor drawn over."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from shared.imaging.frame import Points, filled
from shared.imaging.pixels import Pixels
from shared.scenes.recognition import Word
from shared.scenes.schemas import Area, Block, Flag

Areas = Sequence[Area]


def outline_of(area: Area) -> Points:
    """The corners of an area, n x 2; two corners are those of a box."""
    points = np.array(area, dtype=np.float64)
    if len(points) > 2:
        return points
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


def parted(words: Sequence[Word], areas: Areas) -> tuple[list[Word], list[Word]]:
    """The words whose middle is in one of the areas, and the others."""
    outlines = [outline_of(area).astype(np.float32) for area in areas]
    inside: list[Word] = []
    outside: list[Word] = []
    for word in words:
        x, y = np.mean(word.polygon, axis=0)
        held = any(cv2.pointPolygonTest(each, (float(x), float(y)), False) >= 0 for each in outlines)
        (inside if held else outside).append(word)
    return inside, outside


def flagged(blocks: Sequence[Block], inside: Sequence[Word]) -> list[Block]:
    """The blocks, those made of words inside an area with a flag that says so."""
    held = {tuple(word.polygon) for word in inside}
    return [
        block.model_copy(update={"flags": [*block.flags, Flag.EXCLUDED]})
        if any(tuple(word) in held for line in block.lines for word in line.words)
        else block
        for block in blocks
    ]


def restore(pixels: Pixels | None, source: Pixels | None, areas: Areas) -> None:
    """Put the source's pixels back into the areas, in place."""
    if pixels is None or source is None or not areas:
        return
    for area in areas:
        mask = filled(pixels.shape[:2], [outline_of(area)])
        pixels[mask] = source[mask]
