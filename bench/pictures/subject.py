"""The product at work on a page: recognition to scene, scene to an erased and to a finished picture."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache

from bench.pictures.scripts import OWN_FONTS, scripts
from bench.pictures.stand_in import answered
from bench.pictures.truth import Page, Pixels, Quad
from shared.imaging.draw.raster import ink_box
from shared.imaging.files.decode import decode
from shared.imaging.fit.layouts import SetText
from shared.imaging.render import Drawn, compose, finish, paint_on
from shared.imaging.scene import build_scene
from shared.imaging.typesetting.fonts import FontLibrary
from shared.scenes.recognition import Recognition
from shared.scenes.schemas import Block, Flag, LeaveAlone, Scene, Translation
from shared.translation.keep import is_kept
from shared.translation.protect import marked, protected, restored, unmarked


@lru_cache(maxsize=1)
def library() -> FontLibrary:
    """The product's fonts."""
    return FontLibrary(OWN_FONTS)


@dataclass(frozen=True)
class DrawnLine:
    """A line as it was set, and the quad around its ink, clockwise from its own top left."""

    text: str
    quad: Quad


@dataclass(frozen=True)
class Outcome:
    """What the product made of a page; `lines` are those of each block with a new text.

    `seconds` is processor time of erasing, fitting, drawing, encoding.
    """

    scene: Scene
    language: str
    erased: Pixels
    result: Pixels
    drawn: dict[str, Drawn]
    flags: dict[str, list[Flag]]
    lines: dict[str, list[DrawnLine]]
    seconds: float

    @property
    def changed(self) -> list[Block]:
        """The blocks with a new text."""
        return [block for block in self.scene.blocks if block.id in self.drawn]

    def text_of(self, block: Block) -> str:
        """What the scene claims was drawn for a block."""
        return block.translations[self.language].text


def outcome(page: Page, recognition: Recognition) -> Outcome:
    """Translate a page from what was recognised of it."""
    scene = translated(build_scene(recognition, page.picture, "bench", fonts=library()), page)
    language = scripts()[page.target].language
    started = time.process_time()
    composed = compose(page.picture, scene, language, library())
    erased = composed.rgb.copy()
    lines = {text.block.id: _lines(text) for text in composed.texts}
    rendered = finish([paint_on(composed, scene)])
    seconds = time.process_time() - started
    return Outcome(
        scene, language, erased, decode(rendered.data).rgb, rendered.drawn, rendered.flags, lines, seconds
    )


def _lines(text: SetText) -> list[DrawnLine]:
    """The lines of a set text that have ink, each with its place in the picture."""
    return [
        DrawnLine(line.shaped.text, text.frame.corners(ink_box(line, text.layout.size, line.shaped.ink)))
        for line in text.layout.lines
        if line.shaped.ink is not None
    ]


def translated(scene: Scene, page: Page) -> Scene:
    """The scene with a stand-in for each text that is to be translated, the page's name left alone in it."""
    language = scripts()[page.target].language
    terms = LeaveAlone(do_not_translate=[] if page.brand is None else [page.brand])
    blocks = [_translated(block, page, language, terms.do_not_translate) for block in scene.blocks]
    return scene.model_copy(update={"blocks": blocks, "leave_alone": terms})


def _translated(block: Block, page: Page, language: str, terms: list[str]) -> Block:
    if is_kept(block.text, terms):
        return block
    parts = protected(block.text, terms)
    answer = answered(marked(block.text, parts), page.target, page.seed)
    text = restored(unmarked(answer), [block.text[start:end] for start, end in parts])
    if text is None:
        return block
    return block.model_copy(update={"translations": {language: Translation(text=text, engine="bench")}})
