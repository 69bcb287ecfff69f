"""What is known of a page because we drew it: words, lines, paragraphs, their places and their looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.imaging.files.decode import Picture
from shared.scenes.recognition import Recognition, Word

Quad = NDArray[np.float64]
Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
_MARKS = ".,;:!?।、。"


@dataclass(frozen=True)
class TrueWord:
    """A word and the quad around its ink, clockwise from the text's own top left."""

    text: str
    quad: Quad


@dataclass(frozen=True)
class TrueLine:
    """A line: its words, and the quad around all their ink."""

    text: str
    quad: Quad
    words: tuple[TrueWord, ...]


@dataclass(frozen=True)
class TrueBlock:
    """A paragraph. `size` is the em in pixels, `cell` the polygon that holds it, None when it stands free.

    `family` and `italic` are those of its typeface, `font`; `worn` is what its letters have besides
    themselves, of `bench.pictures.adornment.KINDS`, or empty.
    """

    kind: str
    lines: tuple[TrueLine, ...]
    size: float
    ink: tuple[int, int, int]
    contrast: float
    font: str
    alignment: str
    vertical: bool
    cell: Quad | None
    spaced: bool = True
    family: str = "sans"
    italic: bool = False
    worn: str = ""

    @property
    def text(self) -> str:
        """The paragraph as one text."""
        return (" " if self.spaced else "").join(line.text for line in self.lines)


@dataclass(frozen=True)
class Page:
    """A drawn page: `picture` as the product gets it, `blank` the same without its text, coded alike.

    `picture` was coded as a JPEG of `quality` but says it is a PNG, so that a result can be compared pixel by
    pixel; `data` is the JPEG itself. `objects` are pixels of borders, rules and frames.
    """

    name: str
    number: int
    script: str
    language: str
    background: str
    layout: str
    target: str
    seed: int
    quality: int
    angle: float
    picture: Picture
    data: bytes
    blank: Pixels
    objects: Mask
    blocks: tuple[TrueBlock, ...]

    @property
    def lines(self) -> list[tuple[TrueLine, TrueBlock]]:
        """Every line with its block, in reading order."""
        return [(line, block) for block in self.blocks for line in block.lines]

    @property
    def brand(self) -> str | None:
        """A word that counts as a name and stays untranslated, in its own script; None if there is none."""
        longer = [block for block in self.blocks if block.spaced and block.kind != "price"]
        words = [line.words[0].text for block in longer for line in block.lines if len(line.words) > 1]
        names = [word.strip(_MARKS) for word in words]
        return next((name for name in names if len(name) > 3 and name.isalpha()), None)

    def recognition(self) -> Recognition:
        """What a perfect engine would read: every line a block of its own, so that grouping is ours to do."""
        words = []
        for number, (line, block) in enumerate(self.lines):
            for i, word in enumerate(line.words):
                last = i == len(line.words) - 1
                words.append(
                    Word(
                        text=word.text,
                        polygon=[(float(x), float(y)) for x, y in word.quad],
                        confidence=0.99,
                        language=self.language,
                        block=number,
                        paragraph=number,
                        space_after=block.spaced,
                        line_end=last,
                    )
                )
        return Recognition(
            width=self.picture.width, height=self.picture.height, language=self.language, words=words
        )
