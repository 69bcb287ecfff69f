"""Make docs/gallery: python -m tools.make_gallery [--only NAMES] [--to FOLDER].

Each picture is drawn, read by the local recognition engine, translated, and rendered as a job would render
it; nothing in between is written by hand but the translations of pairs that no local engine has.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from google.cloud.vision_v1.types import image_annotator as api
from PIL import Image

from local.engines import apertium
from local.engines.counters import Counters
from local.engines.reading import Reader
from local.engines.vision import Annotator
from shared.imaging.files.decode import decode
from shared.imaging.files.derivative import derivative
from shared.imaging.formats.make import make
from shared.imaging.scene import build_scene
from shared.imaging.typesetting.fonts import FontLibrary
from shared.providers.vision_words import recognition
from shared.scenes.schemas import Block, Scene, Translation
from shared.translation.keep import is_kept
from tools import gallery_cases as cases
from tools.fonts import DEFAULT as FONTS
from tools.fonts import fetch
from tools.photo import Canvas

ROOT = Path(__file__).parent.parent
DEFAULT = ROOT / "docs" / "gallery"
TEXTS = Path(__file__).with_name("gallery.toml")
WIDEST, HEAVIEST = 900, 120 * 1024

DRAWN: dict[str, Callable[[], Canvas]] = {
    "sign": cases.sign,
    "menu": cases.menu,
    "poster": cases.poster,
    "table": cases.table,
    "bubble": cases.bubble,
    "arabic": cases.airport,
    "japanese-vertical": cases.columns,
    "hindi": cases.notice,
    "low-contrast": cases.stone,
    "rotated": cases.parcel,
    "perspective": cases.street,
    "screenshot": cases.screenshot,
}


class NotTranslated(Exception):
    """A text was read for which there is neither an engine nor an entry in the table."""


@dataclass(frozen=True)
class Words:
    """What `gallery.toml` says of a case; it has `texts` where no local engine has the pair."""

    source: str
    target: str
    title: str
    caption: str
    texts: dict[str, str]

    @property
    def mode(self) -> str | None:
        """The Apertium mode that translates it, if that is installed and no table is given."""
        return None if self.texts else apertium.mode_for(self.source, self.target, apertium.installed())

    def translated(self, text: str) -> str:
        """One text. Raises `NotTranslated`."""
        if self.texts:
            found = {_folded(key): value for key, value in self.texts.items()}.get(_folded(text))
        else:
            found = apertium.run(self.mode, text) if self.mode else None
        if found is None:
            raise NotTranslated(f"{self.source} to {self.target}: {text!r}")
        return found


def _folded(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


class Program:
    """The program's own parts, from a picture's bytes to the translated picture's."""

    def __init__(self, fonts: FontLibrary, state: Path) -> None:
        self._fonts = fonts
        self._vision = Annotator(Reader(2).read, Counters(state, "vision", ("images",)), "http://127.0.0.1")

    def scene(self, data: bytes, language: str) -> Scene:
        """What is read in a picture, as the provider's adapter and the grouping make it."""
        picture = decode(data)
        sent = derivative(picture)
        request = api.BatchAnnotateImagesRequest.pb()()
        one = request.requests.add()
        one.image.content = sent.data
        one.features.add(type_=int(api.Feature.Type.DOCUMENT_TEXT_DETECTION))
        one.image_context.language_hints.append(language)
        answer: Any = self._vision.batch_annotate_images(request).responses[0]
        read = recognition(answer.full_text_annotation, sent.width, sent.height)
        return build_scene(read.scaled(picture.width, picture.height), picture, "vision", fonts=self._fonts)

    def translate(self, data: bytes, words: Words) -> tuple[bytes, list[str]]:
        """The translated picture, and the flags its texts got."""
        scene = self.scene(data, words.source)
        scene = scene.model_copy(update={"blocks": [_with_text(block, words) for block in scene.blocks]})
        rendered, _ = make(data, scene, words.target, self._fonts)
        texts = {block.id: block.text for block in scene.blocks}
        flags = [f"{texts[block]!r}: {', '.join(flags)}" for block, flags in rendered.flags.items() if flags]
        return rendered.data, flags


def _with_text(block: Block, words: Words) -> Block:
    if is_kept(block.text):
        return block
    text = words.translated(block.text)
    return block.model_copy(update={"translations": {words.target: Translation(text=text, engine="gallery")}})


def side_by_side(before: bytes, after: bytes) -> bytes:
    """One JPEG of both: beside each other, or below each other when they are wide."""
    pair = [Image.open(io.BytesIO(data)).convert("RGB") for data in (before, after)]
    wide, gap = pair[0].width > 1.2 * pair[0].height, 8
    width = WIDEST if wide else (WIDEST - gap) // 2
    height = round(pair[0].height * width / pair[0].width)
    size = (width, height * 2 + gap) if wide else (width * 2 + gap, height)
    sheet = Image.new("RGB", size, "white")
    for i, picture in enumerate(pair):
        small = picture.resize((width, height), Image.Resampling.LANCZOS)
        sheet.paste(small, (0, i * (height + gap)) if wide else (i * (width + gap), 0))
    for quality in range(88, 30, -3):
        out = io.BytesIO()
        sheet.save(out, format="JPEG", quality=quality, optimize=True, progressive=True)
        if out.tell() <= HEAVIEST:
            break
    return out.getvalue()


def page(all_words: dict[str, Words]) -> str:
    """The page of all cases, in Markdown."""
    lines = [
        "# Gallery",
        "",
        "Before and after, made by `make gallery`. The sources are drawn by `tools/gallery_cases.py`",
        "from fixed seeds, in typefaces that are not the program's own. Reading them, grouping, erasing,",
        "fitting and drawing is what a job does, with the local recognition engine. Each caption says",
        "who translated.",
    ]
    for name, words in all_words.items():
        by = "by Apertium" if not words.texts else "from a fixed table: no local engine has this pair"
        lines += ["", f"## {words.title}", "", f"![{words.title}, before and after]({name}.jpg)", ""]
        lines += [words.caption.strip(), "", f"*{words.source} to {words.target}, translated {by}.*"]
    return "\n".join(lines) + "\n"


def _coded(picture: Canvas, name: str) -> bytes:
    out = io.BytesIO()
    if name == "screenshot":
        Image.fromarray(picture).save(out, format="PNG")
    else:
        Image.fromarray(np.ascontiguousarray(picture)).save(out, format="JPEG", quality=92, subsampling=0)
    return out.getvalue()


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.make_gallery", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--only", nargs="*", default=list(DRAWN), choices=list(DRAWN), metavar="NAME")
    parser.add_argument("--to", type=Path, default=DEFAULT, metavar="FOLDER")
    parser.add_argument("--apart", type=Path, metavar="FOLDER", help="also write both pictures at full size")
    options = parser.parse_args(arguments)
    fetch(FONTS)
    listed = tomllib.loads(TEXTS.read_text(encoding="utf-8"))
    all_words = {name: Words(**{"texts": {}, **listed[name]}) for name in DRAWN}
    options.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as state:
        program = Program(FontLibrary(FONTS), Path(state))
        for name in options.only:
            before = _coded(DRAWN[name](), name)
            after, flags = program.translate(before, all_words[name])
            (options.to / f"{name}.jpg").write_bytes(side_by_side(before, after))
            if options.apart:
                options.apart.mkdir(parents=True, exist_ok=True)
                (options.apart / f"{name}.before").write_bytes(before)
                (options.apart / f"{name}.after").write_bytes(after)
            print(f"{name}: {'; '.join(flags) or 'no flags'}")
    (options.to / "README.md").write_text(page(all_words), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
