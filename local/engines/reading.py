"""Reading a picture: RapidOCR finds the lines and reads Latin, Chinese and Japanese; Tesseract the rest."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from local.engines import tesseract
from local.engines.detection import find
from local.engines.geometry import TALL, Crop, Image, Quad, ink, size, straighten, turned
from local.engines.guess import SURE, language_of, script_in
from local.engines.languages import main_script, script_of
from local.engines.lines import UNSPACED, Line, Mark, line_from

LEAST_CONFIDENCE = 0.5
_LEAST_OF_OWN, _LEAST_LETTERS = 0.2, 3
"""Confidence of a line all of whose letters are of the language's script, and how many it needs."""

_SURE_AMOUNT, _SURE_NAME = 0.92, 0.97
_DOUBTFUL = 0.75
_ODD_SYMBOL = 0.95
_LONE_SYMBOL = 0.8


class Reader:
    """The loaded models. Reading is serialized: inference uses all the threads it is given."""

    def __init__(self, threads: int = 2) -> None:
        from rapidocr import RapidOCR

        self._lock = threading.Lock()
        self._engine = RapidOCR(
            params={"EngineConfig.onnxruntime.intra_op_num_threads": threads, "Global.log_level": "critical"}
        )
        self.read(np.full((64, 320, 3), 255, np.uint8))

    def read(self, image: Image, language: str | None = None) -> list[Line]:
        """The lines of a BGR picture, top to bottom. `language` is Tesseract's name of one, such as `rus`.

        Without one the lines tell the script themselves, if RapidOCR does not read them surely.
        """
        with self._lock:
            quads = find(image, self._detect)
            if language is None:
                lines = [self._by_model(image, quad) for quad in quads]
                language = self._guessed(image, quads, lines)
            if language is not None:
                lines = self._by_tesseract(image, quads, language)
        return _plausible([line for line in lines if line is not None])

    def read_at(self, image: Image, quads: Sequence[Quad], language: str | None = None) -> list[Line | None]:
        """What is read in each of the quads, without looking for lines; None where nothing is."""
        with self._lock:
            if language is None:
                return [self._by_model(image, quad) for quad in quads]
            return self._by_tesseract(image, list(quads), language)

    def _guessed(self, image: Image, quads: list[Quad], lines: Sequence[Line | None]) -> str | None:
        """Tesseract's language for a picture whose letters RapidOCR does not know."""
        # A line that was not read at all says that, too.
        weights = [max(2, len(line.text)) if line else 2 for line in lines]
        sure = sum(line.confidence * n for line, n in zip(lines, weights, strict=True) if line)
        if not lines or sure >= SURE * sum(weights):
            return None
        unsure = [q for q, line in zip(quads, lines, strict=True) if not line or not _is_amount(line.text)]
        return language_of([self._lying(image, quad) for quad in unsure], tesseract.installed())

    def _detect(self, image: Image) -> list[Quad]:
        found = self._engine(image, use_det=True, use_cls=False, use_rec=False)
        boxes = getattr(found, "boxes", None)
        return [] if boxes is None else [np.asarray(box, np.float32) for box in boxes]

    def _by_model(self, image: Image, quad: Quad) -> Line | None:
        line = self._in_its_direction(image, quad)
        return line if line and line.confidence >= LEAST_CONFIDENCE else None

    def _in_its_direction(self, image: Image, quad: Quad) -> Line | None:
        along, across = size(quad)
        if across < TALL * along:
            return self._upright(image, quad)
        down = self._upright(image, turned(quad, 1), down=True)
        if across > TALL * 2 * along:
            return down
        # A lone narrow letter has a tall box too.
        upright = self._upright(image, quad)
        return max((down, upright), key=lambda line: (line.confidence if line else 0.0, line is upright))

    def _upright(self, image: Image, quad: Quad, down: bool = False) -> Line | None:
        """Read a line, also upside down if it looks so, also enhanced if the reading is doubtful."""
        crop = straighten(image, quad, lowest=32)
        marks = self._marks(crop)
        if self._looks_turned(crop):
            other = straighten(image, turned(quad, 2), lowest=32)
            if _worth(other_marks := self._marks(other)) > _worth(marks):
                crop, marks = other, other_marks
        if _doubtful(marks, crop):
            enhanced = Crop(_enhanced(crop.pixels), crop.back)
            marks = max(marks, self._marks(enhanced), key=_worth)
        return line_from(marks, crop, down) if marks else None

    def _looks_turned(self, crop: Crop) -> bool:
        result = self._engine(crop.pixels, use_det=False, use_cls=True, use_rec=False)
        label, score = result.cls_res[0]
        return "180" in label and score > 0.9

    def _marks(self, crop: Crop) -> list[Mark]:
        result = self._engine(crop.pixels, use_det=False, use_cls=False, use_rec=True, return_word_box=True)
        text, info = result.txts[0], result.word_results[0]
        columns = [column for word in info.word_cols for column in word]
        return _marks(text, columns, info.confs, crop.width / max(info.line_txt_len, 1e-6))

    def _by_tesseract(self, image: Image, quads: list[Quad], language: str) -> list[Line | None]:
        """Read lines in a language; numbers and Latin names in them are RapidOCR's."""
        crops = [self._lying(image, quad) for quad in quads]
        quick = [self._marks(crop) for crop in crops]
        rest = [i for i, marks in enumerate(quick) if not _is_surely_amount(marks)]
        read = dict(zip(rest, _read_well([crops[i].pixels for i in rest], language), strict=True))
        leftward = language in tesseract.RIGHT_TO_LEFT
        lines: list[Line | None] = []
        for i, crop in enumerate(crops):
            marks = read.get(i, [])
            line = line_from(marks, crop, leftward=leftward) if marks else None
            line = _worthwhile(line, script_in(language)) if line else None
            amount = line is None and _is_surely_amount(quick[i], _DOUBTFUL)
            if i not in read or amount or _is_surely_latin(quick[i], marks):
                line = line_from(quick[i], crop)
            lines.append(line)
        return lines

    def _lying(self, image: Image, quad: Quad) -> Crop:
        along, across = size(quad)
        return straighten(image, turned(quad, 1) if across >= TALL * 2 * along else quad, lowest=60)


def _read_well(pixels: Sequence[Image], language: str) -> list[list[Mark]]:
    """What Tesseract reads, of a line that it is in doubt about also as ink alone without its ground.

    Where that does not help, the line is read as it is, without a look for what belongs to it.
    """
    read = tesseract.read_lines(pixels, language)
    again = _unsure(read)
    clear = [_ink_alone(pixels[i]) for i in again]
    for i, marks in zip(again, tesseract.read_lines(clear, language), strict=True):
        read[i] = max(read[i], marks, key=_worth)
    again = _unsure(read)
    raw = tesseract.read_lines([pixels[i] for i in again], language, tesseract.RAW_LINE)
    for i, marks in zip(again, raw, strict=True):
        read[i] = max(read[i], marks, key=_worth)
    return read


def _unsure(read: Sequence[list[Mark]]) -> list[int]:
    return [i for i, marks in enumerate(read) if not marks or _mean(marks) < _DOUBTFUL]


def _ink_alone(pixels: Image) -> Image:
    """Black on white what differs from the border: a ground with a grain is read as strokes, too."""
    smooth = cv2.bilateralFilter(pixels, 7, 40, 5)
    grey = np.where(ink(smooth), 0, 255).astype(np.uint8)
    soft: Any = cv2.cvtColor(cv2.GaussianBlur(grey, (0, 0), 0.8), cv2.COLOR_GRAY2BGR)
    return soft


def _worthwhile(line: Line, script: str | None) -> Line | None:
    """The line if it was read well enough; Tesseract doubts much that it reads rightly."""
    letters = [script_of(c) for c in line.text if c.isalpha()]
    own = len(letters) >= _LEAST_LETTERS and all(found == script for found in letters)
    return line if line.confidence >= (_LEAST_OF_OWN if own else LEAST_CONFIDENCE) else None


def _is_amount(text: str) -> bool:
    """Whether a text is a number, perhaps with its unit."""
    letters = [c for c in text if c.isalpha()]
    return any(c.isdigit() for c in text) and len(letters) <= 2 and all(c.isascii() for c in letters)


def _is_surely_amount(marks: list[Mark], least: float = _SURE_AMOUNT) -> bool:
    return bool(marks) and _is_amount("".join(m.text for m in marks)) and _mean(marks) >= least


def _is_surely_latin(marks: list[Mark], others: list[Mark]) -> bool:
    """Whether RapidOCR read a Latin name where Tesseract is in doubt."""
    latin = len(marks) >= _LEAST_LETTERS and all(m.text.isascii() for m in marks)
    return latin and _mean(marks) >= _SURE_NAME and (not others or _mean(others) < _DOUBTFUL)


def _mean(marks: Sequence[Mark]) -> float:
    return float(np.mean([mark.confidence for mark in marks]))


def _marks(text: str, columns: list[int], confidences: list[float], step: float) -> list[Mark]:
    """Join the recognised text, the columns of its characters other than spaces, and all confidences."""
    marks: list[Mark] = []
    places = iter(columns)
    space = False
    for character, confidence in zip(text, confidences, strict=False):
        if character.isspace():
            space = bool(marks)
            continue
        place = next(places, None)
        if place is None:
            break
        marks.append(Mark(character, (place + 0.5) * step, float(confidence), space))
        space = False
    return marks


def _worth(marks: list[Mark]) -> float:
    """Readings are compared by how many characters were read how surely."""
    return sum(max(0.0, mark.confidence - 0.4) for mark in marks)


def _doubtful(marks: list[Mark], crop: Crop) -> bool:
    """Whether a reading is unsure, or leaves a good part of its box unread."""
    if not marks:
        return True
    unread = max(marks[0].middle, crop.width - marks[-1].middle, *_steps(marks))
    return float(np.mean([m.confidence for m in marks])) < _DOUBTFUL or unread > 3 * crop.height


def _steps(marks: list[Mark]) -> list[float]:
    return [after.middle - before.middle for before, after in itertools.pairwise(marks)] or [0.0]


def _enhanced(pixels: Image) -> Image:
    """The crop with its contrast stretched where it stands, and soft edges sharpened."""
    lab = cv2.cvtColor(pixels, cv2.COLOR_BGR2LAB)
    lab[..., 0] = cv2.createCLAHE(clipLimit=4.0, tileGridSize=(1, 4)).apply(lab[..., 0])
    clear: Any = cv2.cvtColor(lab, cv2.COLOR_LAB2BGR)
    return cv2.addWeighted(clear, 1.6, cv2.GaussianBlur(clear, (0, 0), 2), -0.6, 0)


def _least_alone(symbol: str, script: str | None) -> float:
    return _ODD_SYMBOL if (script_of(symbol) in UNSPACED) != (script in UNSPACED) else _LONE_SYMBOL


def _plausible(lines: list[Line]) -> list[Line]:
    """Leave out doubtful single characters, most of all in a script of their own: they are pictograms."""
    script = main_script("".join(line.text for line in lines))
    return [
        line for line in lines if len(line.text) > 1 or line.confidence >= _least_alone(line.text, script)
    ]
