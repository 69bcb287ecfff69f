"""Lines, words and symbols as read from a picture, and how recognised characters become them."""

from __future__ import annotations

import itertools
import unicodedata
from dataclasses import dataclass, field

import numpy as np

from local.engines.geometry import Crop, Quad, ink, turned
from local.engines.languages import script_of

UNSPACED = {"HAN", "KANA"}
"""Scripts that are written without spaces between words."""

_LEAST_INK, _LEAST_SHARE = 2, 0.003  # pixels of a row, and of its width, that are no speck
_DOT_GAP = 0.14  # of a crop's height, between a letter and what stands above or below it
_LEAST_HEIGHT = 0.3  # of a crop's height; a line whose ink seems lower was not told from its ground


@dataclass
class Symbol:
    """One character with its place and a confidence from 0 to 1."""

    text: str
    quad: Quad
    confidence: float


@dataclass
class Word:
    """Symbols without white space between them; `space` tells whether white space follows in the line."""

    symbols: list[Symbol]
    quad: Quad
    space: bool = True

    @property
    def text(self) -> str:
        """The word's characters."""
        return "".join(symbol.text for symbol in self.symbols)


@dataclass
class Line:
    """Words in reading order. A vertical line has upright quads that follow each other downwards."""

    words: list[Word]
    quad: Quad
    confidence: float
    vertical: bool = False
    text: str = field(init=False)

    def __post_init__(self) -> None:
        joined = "".join(word.text + " " * word.space for word in self.words)
        self.text = joined.strip()

    @property
    def unspaced(self) -> bool:
        """Whether the line is mostly of a script without spaces."""
        letters = [script_of(c) for c in self.text if script_of(c)]
        return sum(script in UNSPACED for script in letters) * 2 > len(letters)


@dataclass
class Mark:
    """A recognised character: where its middle is along the crop, and whether a space comes before it."""

    text: str
    middle: float
    confidence: float
    after_space: bool = False


def line_from(marks: list[Mark], crop: Crop, down: bool = False, leftward: bool = False) -> Line:
    """Give recognised characters their places. `down` tells that the crop was cut from a tall box.

    Characters stand between the middles of their neighbours; a word's ends are where the ink ends.
    Marks of a `leftward` line have their places counted from the crop's right end.
    """
    if leftward:
        mirrored = np.array([[-1.0, 0, crop.width], [0, 1, 0], [0, 0, 1]])
        line = line_from(marks, Crop(crop.pixels[:, ::-1].copy(), crop.back @ mirrored), down)
        return _mirrored(line)
    words = _words(marks)
    inked = ink(crop.pixels)
    columns = inked[crop.height // 8 : max(1, crop.height - crop.height // 8)].mean(axis=0)
    bounds = _bounds(words, columns, crop)
    rows = _rows(inked[:, int(bounds[0][0]) : max(1, round(bounds[-1][1]))])
    letters = [script_of(m.text) for m in marks if script_of(m.text)]
    vertical = down and sum(script in UNSPACED for script in letters) * 2 > len(letters)
    placed = [_place(word, ends, rows, crop, vertical) for word, ends in zip(words, bounds, strict=True)]
    for word, following in zip(placed, words[1:], strict=False):
        word.space = following[0].after_space
    confidence = float(np.mean([m.confidence for m in marks]))
    whole = _upright(crop.quad_of(bounds[0][0], bounds[-1][1], *rows), vertical)
    return Line(placed, whole, confidence, vertical)


def _words(marks: list[Mark]) -> list[list[Mark]]:
    words: list[list[Mark]] = []
    for mark in marks:
        if not words or mark.after_space or _parts(words[-1][-1].text, mark.text):
            words.append([])
        words[-1].append(mark)
    return words


def _parts(left: str, right: str) -> bool:
    """Whether a word ends between two characters that have no space between them."""
    one, other = script_of(left), script_of(right)
    if one in UNSPACED and unicodedata.category(right) in {"Ps", "Pi"}:
        return True
    if other in UNSPACED and unicodedata.category(left) in {"Po", "Pe", "Pf"}:
        return True
    if one is None or other is None or (one not in UNSPACED and other not in UNSPACED):
        return False
    return one != other


def _bounds(words: list[list[Mark]], columns: np.ndarray, crop: Crop) -> list[tuple[float, float]]:
    """Where each word begins and ends along the crop."""
    half = _half_pitch(words, crop)
    starts, ends = [_edge(columns, words[0][0].middle, -1, half)], []
    for before, after in itertools.pairwise(words):
        end, start = _gap(columns, before[-1].middle, after[0].middle, half)
        ends.append(end)
        starts.append(start)
    ends.append(_edge(columns, words[-1][-1].middle, 1, half))
    return list(zip(starts, ends, strict=True))


def _half_pitch(words: list[list[Mark]], crop: Crop) -> float:
    steps = [b.middle - a.middle for word in words for a, b in itertools.pairwise(word)]
    return float(np.median(steps)) / 2 if steps else crop.height * 0.3


def _edge(columns: np.ndarray, middle: float, direction: int, half: float) -> float:
    """Where the ink of a line's first or last character ends, looking at most three half pitches away."""
    reach = int(np.clip(middle + direction * half * 3, 0, len(columns)))
    low, high = sorted((int(np.clip(middle, 0, len(columns))), reach))
    inked = np.flatnonzero(columns[low:high] > 0.02)
    if not len(inked):
        return float(np.clip(middle + direction * half, 0, len(columns)))
    return float(low + (inked[-1] + 1 if direction > 0 else inked[0]))


def _gap(columns: np.ndarray, left: float, right: float, half: float) -> tuple[float, float]:
    """The widest run of columns without ink between two characters; without one, what their pitch says."""
    low, high = round(left), max(round(left) + 1, round(right))
    empty = np.concatenate([[0], (columns[low:high] <= 0.02).astype(np.int8), [0]])
    starts, ends = np.flatnonzero(np.diff(empty) == 1), np.flatnonzero(np.diff(empty) == -1)
    if len(starts):
        widest = int(np.argmax(ends - starts))
        return float(low + starts[widest]), float(low + ends[widest])
    centre = (left + right) / 2
    return min(left + half, centre), max(right - half, centre)


def _rows(inked: np.ndarray) -> tuple[float, float]:
    """Where a line's ink begins and ends across it: outwards from its middle, over gaps as below a dot.

    A detector's box has room around the letters, and the tips of the lines above and below in it.
    """
    height, width = inked.shape
    filled = np.flatnonzero(inked.sum(axis=1) >= max(_LEAST_INK, _LEAST_SHARE * width))
    if not len(filled):
        return 0.0, float(height)
    gaps = np.flatnonzero(np.diff(filled) > _DOT_GAP * height)
    runs = np.split(filled, gaps + 1)
    run = max(runs, key=len)
    top, bottom = float(run[0]), float(run[-1] + 1)
    return (top, bottom) if bottom - top > _LEAST_HEIGHT * height else (0.0, float(height))


def _place(
    word: list[Mark], ends: tuple[float, float], rows: tuple[float, float], crop: Crop, vertical: bool
) -> Word:
    left, right = ends
    middles = [np.clip(mark.middle, left, right) for mark in word]
    cuts = [left, *((a + b) / 2 for a, b in itertools.pairwise(middles)), right]
    symbols = [
        Symbol(mark.text, _upright(crop.quad_of(cuts[i], cuts[i + 1], *rows), vertical), mark.confidence)
        for i, mark in enumerate(word)
    ]
    return Word(symbols, _upright(crop.quad_of(left, right, *rows), vertical), space=False)


def _mirrored(line: Line) -> Line:
    """Quads of a mirrored crop start at the right: put their corners back in clockwise order."""
    for thing in [line, *line.words, *(symbol for word in line.words for symbol in word.symbols)]:
        thing.quad = thing.quad[[1, 0, 3, 2]]
    return line


def _upright(quad: Quad, vertical: bool) -> Quad:
    """Characters of vertical writing stand upright although their line was read lying on its side."""
    return turned(quad, 3) if vertical else quad
