"""What a result costs: processor time against the floor, and peak memory in a process of its own.

As a program it reads a large picture and its scene and prints the peak memory of drawing it, in times of the
decoded picture: python -m bench.pictures.measures.cost PICTURE SCENE LANGUAGE.
"""

from __future__ import annotations

import io
import math
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from string import digits

import cv2
from PIL import Image, ImageDraw

from bench.pictures.baselines import face_of
from bench.pictures.scripts import OWN_FONTS, ROOT
from bench.pictures.subject import Outcome, library, translated
from bench.pictures.truth import Page
from shared.imaging.files.decode import decode
from shared.imaging.fit.layouts import lay_out
from shared.imaging.render import compose, finish, paint_on, render
from shared.imaging.scene import build_scene
from shared.imaging.typesetting.fonts import FontLibrary
from shared.imaging.typesetting.hyphenation import syllables
from shared.imaging.typesetting.itemise import seen_of
from shared.imaging.typesetting.linebreak import cuts, within
from shared.imaging.typesetting.words import word
from shared.providers.text_batches import MAX_POINTS, batches
from shared.scenes.schemas import Scene
from shared.translation.protect import marked, protected

STAGES = ("decode", "erase", "set", "draw", "encode")
Stages = dict[str, tuple[float, float]]
"""Processor seconds by stage: the product's and the floor's."""

SIZES = (2, 12)
"""Megapixels of photographs whose cost is told beside the pages' own; the memory of the largest is measured:
beside it, what any process needs is little."""


@dataclass(frozen=True)
class Subject:
    """A file with its scene, and what a plain program would write on it: text, place, size of its font."""

    data: bytes
    scene: Scene
    language: str
    lines: list[tuple[str, tuple[float, float], int]]

    @classmethod
    def of(cls, page: Page, made: Outcome) -> Subject:
        """The page as it is."""
        return cls(page.data, made.scene, made.language, _lines(made, 1.0))

    @classmethod
    def enlarged(cls, page: Page, made: Outcome, pixels: float) -> Subject:
        """The page at so many pixels, coded as it was."""
        scale = (pixels / (page.picture.width * page.picture.height)) ** 0.5
        width, height = round(page.picture.width * scale), round(page.picture.height * scale)
        larger = cv2.resize(page.picture.rgb, (width, height), interpolation=cv2.INTER_CUBIC)
        out = io.BytesIO()
        Image.fromarray(larger).save(out, "JPEG", quality=page.quality)
        recognition = page.recognition().scaled(width, height)
        scene = build_scene(recognition, decode(out.getvalue()), "bench", fonts=library())
        return cls(out.getvalue(), translated(scene, page), made.language, _lines(made, scale))


def _lines(made: Outcome, scale: float) -> list[tuple[str, tuple[float, float], int]]:
    return [
        (
            line.text,
            (float(line.quad[0][0] * scale), float(line.quad[0][1] * scale)),
            max(4, round(made.drawn[name].size * scale)),
        )
        for name, lines in made.lines.items()
        for line in lines
    ]


def stages(subject: Subject, page: Page) -> Stages:
    """Processor seconds of each stage from file to result, and of plain decoding, drawing and encoding.

    Fonts are open on both sides, as they are in a process that has worked before; the words are new to both.
    """
    floor, ours = _floor(subject, page), _ours(subject)
    return {stage: (ours[stage], floor.get(stage, 0.0)) for stage in STAGES}


def total(spent: Stages) -> tuple[float, float]:
    """Processor seconds of all stages, and of the floor."""
    ours, floor = (sum(seconds[side] for seconds in spent.values()) for side in (0, 1))
    return ours, floor


def _ours(subject: Subject) -> dict[str, float]:
    """What `shared.imaging.render.render` does; setting is done once more, so that it is known apart."""
    _forget_words()
    clock = _Clock()
    picture = decode(subject.data)
    found = {"decode": clock()}
    composed = compose(picture, subject.scene, subject.language, library())
    composing = clock()
    _forget_words()
    clock()
    lay_out(composed.rgb, subject.scene, subject.language, library())
    found["set"] = min(composing, clock())
    found["erase"] = composing - found["set"]
    painted = paint_on(composed, subject.scene)
    found["draw"] = clock()
    finish([painted])
    found["encode"] = clock()
    return found


def _floor(subject: Subject, page: Page) -> dict[str, float]:
    faces = {size: face_of(page.target, size) for _, _, size in subject.lines}
    for face in faces.values():
        face.getmask(digits)
    clock = _Clock()
    canvas = Image.open(io.BytesIO(subject.data)).convert("RGB")
    found = {"decode": clock()}
    pen = ImageDraw.Draw(canvas)
    for text, place, size in subject.lines:
        pen.text(place, text, fill="black", font=faces[size])
    found["draw"] = clock()
    canvas.save(io.BytesIO(), "JPEG", quality=page.quality)
    found["encode"] = clock()
    return found


class _Clock:
    """Processor seconds from one call to the next."""

    def __init__(self) -> None:
        self._last = time.process_time()

    def __call__(self) -> float:
        now = time.process_time()
        passed, self._last = now - self._last, now
        return passed


def _forget_words() -> None:
    """Forget what is remembered of texts; what is remembered of fonts and languages stays."""
    for remembered in (word, seen_of, cuts, within, syllables):
        remembered.cache_clear()


def calls(made: Outcome) -> tuple[int, int]:
    """Translation calls that the page's texts need in one language, and how few their length allows."""
    terms = made.scene.leave_alone.do_not_translate
    texts = dict.fromkeys(marked(block.text, protected(block.text, terms)) for block in made.changed)
    return sum(1 for _ in batches(texts)), math.ceil(sum(map(len, texts)) / MAX_POINTS)


def memory(subject: Subject) -> float:
    """Peak memory of drawing a large picture, in times of the decoded picture."""
    with tempfile.TemporaryDirectory() as folder:
        file, described = Path(folder) / "picture.jpg", Path(folder) / "scene.json"
        file.write_bytes(subject.data)
        described.write_text(subject.scene.model_dump_json(), encoding="utf-8")
        command = [sys.executable, "-m", __name__, str(file), str(described), subject.language]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=600)
    return float(run.stdout)


def _status(name: str) -> int:
    """A number of this process in bytes, as Linux counts it."""
    found = re.search(
        rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE
    )
    return int(found[1]) * 1024 if found else 0


def main(picture: str, described: str, language: str) -> None:
    """Print the peak of one render, after a small one has loaded what any render needs."""
    data, scene = Path(picture).read_bytes(), Scene.model_validate_json(Path(described).read_text("utf-8"))
    fonts = FontLibrary(OWN_FONTS)
    small = io.BytesIO()
    Image.new("RGB", (scene.source.width // 16, scene.source.height // 16), "white").save(small, "JPEG")
    render(small.getvalue(), _shrunk(scene, 16), language, fonts)
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    render(data, scene, language, fonts)
    print((_status("VmHWM") - before) / (3 * scene.source.width * scene.source.height))


def _shrunk(scene: Scene, by: int) -> Scene:
    """The same scene for a picture so many times smaller."""

    def points(polygon: list[tuple[float, float]]) -> list[tuple[float, float]]:
        return [(x / by, y / by) for x, y in polygon]

    blocks = []
    for block in scene.blocks:
        lines = [
            line.model_copy(
                update={"polygon": points(line.polygon), "words": [points(w) for w in line.words]}
            )
            for line in block.lines
        ]
        style = block.style.model_copy(update={"size": block.style.size / by})
        blocks.append(
            block.model_copy(update={"polygon": points(block.polygon), "lines": lines, "style": style})
        )
    source = scene.source.model_copy(
        update={"width": scene.source.width // by, "height": scene.source.height // by}
    )
    return scene.model_copy(update={"blocks": blocks, "source": source})


if __name__ == "__main__":
    main(*sys.argv[1:])
