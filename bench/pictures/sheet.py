"""A sheet to write on: text and frames in its own flat coordinates, and how it lies in the picture.

Text is drawn by Pillow's raqm layout word by word, so that every word's box is known from its own ink.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bench.pictures.adornment import LEAST_SIZE, Adornment
from bench.pictures.scripts import UNSPACED, typeface
from bench.pictures.truth import Mask, TrueBlock, TrueLine, TrueWord

Floats = NDArray[np.float32]
Box = tuple[float, float, float, float]
FINER = 2
"""How much larger is drawn what gets turned or bent."""
_NEVER_FIRST = set("、。，．！？：；）」』】ー・ゃゅょっァィゥェォャュョッ!?,.:;)")


@lru_cache(maxsize=64)
def face(path: Path, size: int, weight: int) -> Any:
    """A font of `size` pixels an em; variable ones at `weight`."""
    font = ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.RAQM)
    try:
        axes = font.get_variation_axes()
    except OSError:
        return font
    wanted = {b"Weight": weight, b"Width": 100, b"Slant": 0}
    font.set_variation_by_axes(
        [
            min(max(wanted.get(axis["name"], axis["default"]), axis["minimum"]), axis["maximum"])
            for axis in axes
        ]
    )
    return font


@dataclass(frozen=True)
class Hand:
    """How a text is written: typeface, em in pixels, weight, the script's language and direction.

    `finer` is how much larger it is drawn than it will be seen, for what gets turned or bent. `adornment` is
    for what is large enough.
    """

    path: Path
    size: int
    weight: int
    script: str
    language: str
    rtl: bool = False
    vertical: bool = False
    finer: int = 1
    adornment: Adornment | None = None

    @property
    def worn(self) -> Adornment | None:
        """What these letters have besides themselves."""
        return self.adornment if self.size >= LEAST_SIZE and not self.vertical else None

    def sized(self, size: float) -> Hand:
        """The same at another size."""
        return replace(self, size=max(12, round(size)))

    @property
    def spaced(self) -> bool:
        """Whether words are parted by spaces."""
        return self.script not in UNSPACED

    def font(self, scale: int) -> Any:
        """The font at so many times its size."""
        return face(self.path, self.size * scale, self.weight)

    def length(self, text: str) -> float:
        """The advance of a text in pixels, downwards when vertical."""
        return float(self.font(4).getlength(text, **self.options())) / 4

    def options(self) -> dict[str, Any]:
        """What Pillow is told of direction and language."""
        direction = "ttb" if self.vertical else "rtl" if self.rtl else "ltr"
        return {"direction": direction, "language": self.language}

    def wrapped(self, text: str, width: float) -> list[str]:
        """Lines of at most `width` pixels, or as long as the widest piece."""
        pieces = text.split() if self.spaced else list(_clusters(text))
        joint = " " if self.spaced else ""
        lines: list[str] = []
        for piece in pieces:
            longer = f"{lines[-1]}{joint}{piece}" if lines else piece
            if lines and (self.length(longer) <= width or piece in _NEVER_FIRST):
                lines[-1] = longer
            else:
                lines.append(piece)
        return lines


def _clusters(text: str) -> list[str]:
    """Pieces at which a text without spaces may be parted; marks stay with their letter."""
    if any("\u0e00" <= char <= "\u0e7f" for char in text):
        return _thai(text)
    return list(text)


def _thai(text: str) -> list[str]:
    """Thai in pieces of some letters, never between a letter and its vowel or tone mark."""
    pieces: list[str] = []
    for char in text:
        bound = "\u0e30" <= char <= "\u0e3a" or "\u0e45" <= char <= "\u0e4e"
        after_leading = bool(pieces) and "\u0e40" <= pieces[-1][-1] <= "\u0e44"
        if pieces and (bound or after_leading or len(pieces[-1]) < 4):
            pieces[-1] += char
        else:
            pieces.append(char)
    return pieces


@dataclass
class _Written:
    hand: Hand
    kind: str
    alignment: str
    lines: list[tuple[str, list[tuple[str, Box]]]]
    stamps: list[tuple[int, int, NDArray[np.uint8]]]
    cell: list[tuple[float, float]] | None
    prices: bool = False
    contrast: float = 0.0


@dataclass
class Sheet:
    """`width` x `height` pixels, drawn `finer` times as large, laid into the picture by `matrix`."""

    width: int
    height: int
    finer: int = 1
    matrix: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))
    written: list[_Written] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.frames = Image.new("L", (self.width * self.finer, self.height * self.finer), 0)
        self._pen = ImageDraw.Draw(self.frames)

    def frame(self, box: Box, stroke: float = 2, radius: float = 0, ellipse: bool = False) -> None:
        """An outline."""
        scaled = [round(v * self.finer) for v in box]
        wide = max(1, round(stroke * self.finer))
        if ellipse:
            self._pen.ellipse(scaled, outline=255, width=wide)
        else:
            self._pen.rounded_rectangle(scaled, radius * self.finer, outline=255, width=wide)

    def rule(self, points: list[tuple[float, float]], stroke: float = 2) -> None:
        """A line through points."""
        scaled = [(x * self.finer, y * self.finer) for x, y in points]
        self._pen.line(scaled, fill=255, width=max(1, round(stroke * self.finer)), joint="curve")

    def write(
        self,
        lines: list[str],
        hand: Hand,
        x: float,
        y: float,
        alignment: str = "left",
        pitch: float = 1.3,
        cell: list[tuple[float, float]] | None = None,
        kind: str = "text",
    ) -> float:
        """Write lines from `y` downwards; `x` is the aligned edge or the middle. Gives where the last ends.

        Vertical lines begin at `y` and follow each other leftwards from `x`.
        """
        made = _Written(hand, kind, alignment, [], [], cell)
        ascent = 0.88 * hand.size
        for i, text in enumerate(lines):
            if hand.vertical:
                words = self._down(text, hand, x - i * pitch * hand.size, y, made)
            else:
                words = self._across(text, hand, x, y + ascent + i * pitch * hand.size, alignment, made)
            made.lines.append((text, words))
        self.written.append(made)
        if hand.vertical:
            return y + max(hand.length(line) for line in lines)
        return y + hand.size * (1 + pitch * (len(lines) - 1)) + 0.12 * hand.size

    def _across(
        self, text: str, hand: Hand, x: float, baseline: float, alignment: str, made: _Written
    ) -> list[tuple[str, Box]]:
        words = text.split() if hand.spaced else [text]
        space = hand.length("a a") - hand.length("aa") if hand.script == "Latin" else 0.27 * hand.size
        advances = [hand.length(word) for word in words]
        total = sum(advances) + space * (len(words) - 1)
        left = x - {"left": 0.0, "center": total / 2, "right": total}[alignment]
        placed, passed = [], 0.0
        for word, advance in zip(words, advances, strict=True):
            at = left + total - passed - advance if hand.rtl else left + passed
            placed.append((word, self._stamp(word, hand, at, baseline, "ls", made)))
            passed += advance + space
        if hand.worn is not None and hand.worn.kind == "underline":
            self._underline(left, left + total, baseline, hand, hand.worn, made)
        return placed

    def _underline(
        self, left: float, right: float, baseline: float, hand: Hand, worn: Adornment, made: _Written
    ) -> None:
        k = self.finer
        high = max(1, round(worn.thick * hand.size * k))
        rule = np.full((high, max(1, round((right - left) * k))), 255, np.uint8)
        made.stamps.append((round(left * k), round((baseline + worn.across * hand.size) * k), rule))

    def _down(self, text: str, hand: Hand, x: float, y: float, made: _Written) -> list[tuple[str, Box]]:
        placed = []
        for start in range(0, len(text), 3):
            word = text[start : start + 3]
            placed.append((word, self._stamp(word, hand, x, y, "mt", made)))
            y += hand.length(word)
        return placed

    def _stamp(self, text: str, hand: Hand, x: float, y: float, anchor: str, made: _Written) -> Box:
        """Keep a word's coverage for the picture; gives the box of its ink in sheet pixels."""
        font, k = hand.font(self.finer), self.finer
        core, offset = font.getmask2(text, mode="L", anchor=anchor, **hand.options())
        mask = np.frombuffer(bytes(core), np.uint8).reshape(core.size[::-1])
        rows, columns = np.nonzero(mask.max(axis=1) > 40)[0], np.nonzero(mask.max(axis=0) > 40)[0]
        if not len(rows):
            raise ValueError(f"{hand.path.name} draws nothing for {text!r}")
        left, top = round(x * k) + offset[0], round(y * k) + offset[1]
        made.stamps.append((left, top, mask))
        ink = left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1
        return tuple(float(v) / k for v in ink)  # type: ignore[return-value]

    def shown(self, layer: Any, shape: tuple[int, int]) -> Floats:
        """A coverage layer of the sheet as it lies in a picture of `shape`, 0-1."""
        array = np.asarray(layer)
        if self.finer == 1:
            found = np.zeros(shape, np.float32)
            left, top = (int(v) for v in self.matrix[:2, 2])
            found[top : top + array.shape[0], left : left + array.shape[1]] = array / np.float32(255)
            return found
        k = self.finer
        # Pixel centres are meant: a pixel's corner is half a pixel before its centre.
        to_corner, to_centre = _moved(0.5), _moved(-0.5)
        bent = to_centre @ np.diag([k, k, 1.0]) @ self.matrix @ np.diag([1 / k, 1 / k, 1.0]) @ to_corner
        large = cv2.warpPerspective(array, bent, (shape[1] * k, shape[0] * k), flags=cv2.INTER_LINEAR)
        small = cv2.resize(large, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
        return small.astype(np.float32) / np.float32(255)

    def cover(self, written: _Written) -> Any:
        """The coverage of one written text, in the sheet's finer pixels."""
        layer = np.zeros((self.height * self.finer, self.width * self.finer), np.uint8)
        for left, top, mask in written.stamps:
            y0, x0 = max(0, top), max(0, left)
            y1, x1 = min(layer.shape[0], top + mask.shape[0]), min(layer.shape[1], left + mask.shape[1])
            part = layer[y0:y1, x0:x1]
            np.maximum(part, mask[y0 - top : y1 - top, x0 - left : x1 - left], out=part)
        return layer

    def place(self, points: Any) -> NDArray[np.float64]:
        """Points of the sheet in the picture."""
        array = np.asarray(points, np.float64).reshape(-1, 2)
        moved = np.column_stack([array, np.ones(len(array))]) @ self.matrix.T
        return np.asarray(moved[:, :2] / moved[:, 2:])

    def quad(self, box: Box) -> NDArray[np.float64]:
        """A box of the sheet as a quad of the picture."""
        left, top, right, bottom = box
        return self.place([(left, top), (right, top), (right, bottom), (left, bottom)])

    def truth(self, written: _Written, ink: tuple[int, int, int], contrast: float, shown: str) -> TrueBlock:
        """What is known of a written text; `shown` is the adornment that is seen of it."""
        hand = written.hand
        lines = [self._line(text, words, hand.vertical) for text, words in written.lines]
        kind = typeface(hand.path.name)
        return TrueBlock(
            kind=written.kind,
            lines=tuple(lines),
            size=self.em(written),
            ink=ink,
            contrast=contrast,
            font=hand.path.stem,
            alignment=written.alignment,
            vertical=hand.vertical,
            cell=None if written.cell is None else self.place(written.cell),
            spaced=hand.spaced,
            family=kind.family,
            italic=kind.italic,
            worn=shown,
        )

    def em(self, written: _Written) -> float:
        """How large a written text is in the picture, in pixels an em."""
        return written.hand.size * float(np.sqrt(abs(np.linalg.det(self._jacobian(written)))))

    def _line(self, text: str, words: list[tuple[str, Box]], vertical: bool) -> TrueLine:
        """The line's quad, and its words', which reach as far across as the line does."""
        boxes = np.array([box for _, box in words])
        left, top = boxes[:, :2].min(axis=0)
        right, bottom = boxes[:, 2:].max(axis=0)
        cut: list[Box] = [(left, b[1], right, b[3]) if vertical else (b[0], top, b[2], bottom) for b in boxes]
        placed = tuple(TrueWord(word, self.quad(box)) for (word, _), box in zip(words, cut, strict=True))
        return TrueLine(text, self.quad((left, top, right, bottom)), placed)

    def _jacobian(self, written: _Written) -> NDArray[np.float64]:
        left, top, right, bottom = written.lines[0][1][0][1]
        x, y = (left + right) / 2, (top + bottom) / 2
        here, beside, below = self.place([(x, y), (x + 1, y), (x, y + 1)])
        return np.column_stack([beside - here, below - here])


def _moved(by: float) -> NDArray[np.float64]:
    return np.array([[1, 0, by], [0, 1, by], [0, 0, 1]], np.float64)


def strokes(frames: Floats) -> Mask:
    """The pixels of frames and rules."""
    return np.asarray(frames > 0.25)
