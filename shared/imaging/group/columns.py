"""Vertical writing: which words are columns of upright characters, read downwards and from right to left.

Engines give such a word a tall box whose first corner is the top left of its first character.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.imaging.frame import Frame
from shared.imaging.typesetting.scripts import IDEOGRAPHIC, script_of
from shared.scenes.recognition import Word

_STACKED = IDEOGRAPHIC | {"Hang"}
_TALL = 1.4  # times its width: a word of several characters that high runs downwards
_WIDE = 1.3
_NEAR = 0.75  # ems between characters that follow each other
_NEARER = 0.1  # ems by which the way of reading must be shorter than the other
_APART = 1.5  # ems between columns of one text
_SHARED = 0.5  # of a character that must stand over the next one
_ALIKE = 1.7  # how much larger one character may be than the next
_SIDEWAYS = 3  # characters that may stand beside each other in a column, such as the digits of a day


def vertical_words(words: Sequence[Word]) -> list[bool]:
    """For each word whether it is part of a vertical column."""
    kinds = [_kind(word) for word in words]
    if not any(kind in {"down", "single"} for kind in kinds):
        return [False] * len(words)
    places = _Places(words)
    down = [kind == "down" for kind in kinds]
    for i, kind in enumerate(kinds):
        if kind == "single":
            down[i] = places.runs_down(i, kinds)
    return [
        found or (kind == "aside" and places.is_within(i, down))
        for i, (kind, found) in enumerate(zip(kinds, down, strict=True))
    ]


def upright(polygon: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """A column's polygon from the corner where its characters' own top left is; it is read downwards."""
    return [polygon[3], polygon[0], polygon[1], polygon[2]]


def downward(polygon: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The polygon of upright characters from the corner where a line that runs downwards begins."""
    return [polygon[1], polygon[2], polygon[3], polygon[0]]


def _kind(word: Word) -> str:
    """`down`, `across`, a `single` character of a script that is also set vertically, or `aside`."""
    text = word.text.strip()
    frame = Frame.of(word.polygon)
    stacked = [char for char in text if script_of(char) in _STACKED]
    if not stacked:
        return "aside" if 0 < len(text) <= _SIDEWAYS else "across"
    if len(text) > 1:
        if frame.height > _TALL * frame.width:
            return "down"
        return "across" if frame.width > _WIDE * frame.height else "single"
    return "single"


class _Places:
    """Where words are, in the axes of their own upright characters."""

    def __init__(self, words: Sequence[Word]) -> None:
        quads = np.array([word.polygon for word in words], dtype=np.float64)
        along = quads[:, 1] - quads[:, 0] + quads[:, 2] - quads[:, 3]
        turn = float(np.arctan2(along[:, 1].sum(), along[:, 0].sum()))
        axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        local = quads @ axes
        self._low, self._high = local.min(axis=1), local.max(axis=1)
        self._em = (self._high - self._low).min(axis=1)
        single = np.array([len(word.text.strip()) == 1 for word in words])
        self._em = np.where(single, (self._high - self._low).max(axis=1), self._em)

    def runs_down(self, i: int, kinds: Sequence[str]) -> bool:
        """Whether the nearest neighbour of a single character is above or below it."""
        below, beside = self._gaps(i, 1), self._gaps(i, 0)
        across = np.array([kind == "across" for kind in kinds])
        down = np.array([kind == "down" for kind in kinds])
        if below[down].min(initial=np.inf) < _NEAR and beside[across].min(initial=np.inf) > _NEAR:
            return True
        if beside[down].min(initial=np.inf) < _APART and beside[across].min(initial=np.inf) > _APART:
            # The rest of a text in a column of its own.
            return True
        nearest = float(below[~across].min(initial=np.inf))
        return nearest < _NEAR and nearest + _NEARER < float(beside.min(initial=np.inf))

    def is_within(self, i: int, down: Sequence[bool]) -> bool:
        """Whether a few characters that stand side by side do so in a column."""
        among = np.array(down)
        return (
            float(self._gaps(i, 1)[among].min(initial=np.inf)) < _NEAR
            and float(self._gaps(i, 0)[~among].min(initial=np.inf)) > _NEAR
        )

    def _gaps(self, i: int, axis: int) -> NDArray[np.float64]:
        """Distances in ems to the words that stand in one row (axis 0) or column (axis 1) with word `i`."""
        other = 1 - axis
        size = np.maximum(self._em, self._em[i])
        shared = np.minimum(self._high[:, other], self._high[i, other]) - np.maximum(
            self._low[:, other], self._low[i, other]
        )
        least = np.minimum(
            self._high[:, other] - self._low[:, other], self._high[i, other] - self._low[i, other]
        )
        gap = np.maximum(self._low[:, axis] - self._high[i, axis], self._low[i, axis] - self._high[:, axis])
        alike = size < _ALIKE * np.minimum(self._em, self._em[i])
        found = np.where(alike & (shared > _SHARED * least), np.maximum(gap, 0) / size, np.inf)
        found[i] = np.inf
        return np.asarray(found, dtype=np.float64)
