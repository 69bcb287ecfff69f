import io
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.imaging.draw.draw import draw
from shared.imaging.files.decode import Picture, decode
from shared.imaging.fit.placing import PlacedLine
from shared.imaging.fit.solver import Layout
from shared.imaging.frame import Frame
from shared.imaging.scene import build_scene
from shared.imaging.typesetting.fonts import FontLibrary
from shared.imaging.typesetting.shape import Box, Shaper
from shared.scenes.recognition import Recognition, Word
from shared.scenes.schemas import Scene, Translation

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def font_folder() -> Path:
    folder = ROOT / "build" / "fonts"
    subprocess.run([sys.executable, "-m", "tools.fonts", "--to", str(folder)], cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="session")
def fonts(font_folder: Path) -> FontLibrary:
    return FontLibrary(font_folder)


@dataclass
class Page:
    """A picture under construction that remembers where each word was drawn."""

    fonts: FontLibrary
    pixels: np.ndarray
    matrix: np.ndarray = field(default_factory=lambda: np.eye(3))
    words: list[Word] = field(default_factory=list)

    def write(
        self,
        text: str,
        x: float,
        baseline: float,
        size: float = 24,
        ink: tuple[int, int, int] = (20, 20, 20),
        weight: int = 400,
        language: str = "en",
        family: str = "sans",
        italic: bool = False,
    ) -> None:
        """Draw one line; each of its words becomes a recognised one."""
        shaper = Shaper.of(self.fonts, language, family, weight, italic)
        frame = Frame(self.matrix, float(self.pixels.shape[1]), float(self.pixels.shape[0]))
        line = shaper.shape(text)
        assert line.ink is not None
        placed = PlacedLine(line, x, baseline)
        box = Box(-1e4, -1e4, 1e4, 1e4)
        around = Box(x + line.ink.left * size, baseline - size, x + line.ink.right * size, baseline + size)
        draw(self.pixels, None, Layout((placed,), size, around, ()), frame, box, ink)
        for i, word in enumerate(text.split(" ")):
            start = x + shaper.shape(" ".join([*text.split(" ")[:i], ""])).width * size if i else x
            end = start + shaper.shape(word).width * size
            quad = frame.corners(Box(start, baseline - 0.8 * size, end, baseline + 0.25 * size))
            polygon = [(float(px), float(py)) for px, py in quad]
            self.words.append(Word(text=word, polygon=polygon, confidence=0.99))

    def picture(self, name: str = "PNG", **options: object) -> Picture:
        """The page as a decoded picture of that format."""
        out = io.BytesIO()
        Image.fromarray(self.pixels).save(out, format=name, **options)
        return decode(out.getvalue())

    def scene(self, picture: Picture | None = None) -> Scene:
        """What grouping makes of the page."""
        height, width = self.pixels.shape[:2]
        recognition = Recognition(width=width, height=height, language="en", words=self.words)
        return build_scene(recognition, picture or self.picture(), "test", fonts=self.fonts)


@pytest.fixture
def page(fonts: FontLibrary) -> Callable[..., Page]:
    def make(width: int = 640, height: int = 400, ground: object = (245, 245, 240), turn: float = 0) -> Page:
        pixels = np.empty((height, width, 3), np.uint8)
        pixels[:] = np.asarray(ground, dtype=np.uint8)
        c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        middle = np.array([[1, 0, width / 2], [0, 1, height / 2], [0, 0, 1]])
        matrix = middle @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.linalg.inv(middle)
        return Page(fonts, pixels, matrix)

    return make


def translated(scene: Scene, texts: dict[str, str], target: str = "es") -> Scene:
    """The scene with translations of the blocks that have these texts, aligned to the left."""
    blocks = [
        block.model_copy(
            update={
                "translations": {target: Translation(text=texts[block.text], engine="t")},
                "style": block.style.model_copy(update={"alignment": "left"}),
            }
        )
        if block.text in texts
        else block
        for block in scene.blocks
    ]
    return scene.model_copy(update={"blocks": blocks})


@pytest.fixture
def translate() -> Callable[..., Scene]:
    return translated
