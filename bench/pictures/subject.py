"""The product at work on a page: recognition to scene, scene to an erased and to a finished picture."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache

from bench.pictures.scripts import OWN_FONTS, scripts
from bench.pictures.stand_in import stand_in
from bench.pictures.truth import Page, Pixels
from shared.imaging.decode import decode
from shared.imaging.erase import erase
from shared.imaging.fonts import FontLibrary
from shared.imaging.group import build_scene
from shared.imaging.render import Drawn, Rendered, render
from shared.scenes.recognition import Recognition
from shared.scenes.schemas import Block, Flag, Scene, Translation
from shared.translation.keep import is_kept


@lru_cache(maxsize=1)
def library() -> FontLibrary:
    """The product's fonts."""
    return FontLibrary(OWN_FONTS)


@dataclass(frozen=True)
class Outcome:
    """What the product made of a page. `seconds` is processor time of erasing, fitting, drawing, encoding."""

    scene: Scene
    language: str
    erased: Pixels
    result: Pixels
    drawn: dict[str, Drawn]
    flags: dict[str, list[Flag]]
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
    scene = translated(build_scene(recognition, page.picture, "bench"), page)
    language = scripts()[page.target].language
    started = time.process_time()
    rendered: Rendered = render(page.picture, scene, language, library())
    seconds = time.process_time() - started
    changed = [block for block in scene.blocks if block.id in rendered.drawn]
    kept = [block for block in scene.blocks if block.id not in rendered.drawn]
    erased = page.picture.rgb.copy()
    erase(erased, None, changed, kept, page.picture.sha256)
    result = decode(rendered.data).rgb
    return Outcome(scene, language, erased, result, rendered.drawn, rendered.flags, seconds)


def translated(scene: Scene, page: Page) -> Scene:
    """The scene with a stand-in for each text that is to be translated."""
    language = scripts()[page.target].language
    return scene.model_copy(update={"blocks": [_translated(block, page, language) for block in scene.blocks]})


def _translated(block: Block, page: Page, language: str) -> Block:
    if is_kept(block.text):
        return block
    text = stand_in(block.text, page.target, page.seed)
    return block.model_copy(update={"translations": {language: Translation(text=text, engine="bench")}})
