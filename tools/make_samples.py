"""Make the sample photos: python -m tools.make_samples [--fonts FOLDER] [--to FOLDER].

Each is a flat design drawn with the pinned fonts, laid into a scene in perspective, lit, blurred, given
sensor noise and coded as JPEG, all from fixed seeds, so that it looks like a photo and is ours to ship.
"""

from __future__ import annotations

import argparse
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shared.imaging.draw import draw
from shared.imaging.fit import Layout, PlacedLine
from shared.imaging.fonts import FontLibrary
from shared.imaging.frame import Frame
from shared.imaging.shape import Box, Shaper
from tools.fonts import DEFAULT as FONTS

Canvas = NDArray[np.uint8]
Floats = NDArray[np.float32]
Colour = tuple[int, int, int]

SIZE = (1600, 1200)
DEFAULT = Path(__file__).parent.parent / "local" / "samples"


@dataclass(frozen=True)
class Pen:
    """Writes text on a flat design."""

    fonts: FontLibrary
    canvas: Canvas

    def write(
        self,
        text: str,
        at: tuple[float, float],
        size: float,
        ink: Colour,
        weight: int = 400,
        family: str = "sans",
        align: str = "left",
    ) -> None:
        """Write one line whose baseline is at `at`; `align` says what of the line stands there."""
        shaped = Shaper.of(self.fonts, "en", family, weight).shape(text)
        x = at[0] - {"left": 0, "center": shaped.width * size / 2, "right": shaped.width * size}[align]
        height, width = self.canvas.shape[:2]
        whole = Box(0, 0, width, height)
        frame = Frame.of([(0, 0), (width, 0), (width, height), (0, height)])
        if shaped.ink is None:
            return
        ink_box = Box(*(v * size + o for v, o in zip(shaped.ink, (x, at[1], x, at[1]), strict=True)))
        layout = Layout((PlacedLine(shaped, x, at[1]),), size, ink_box, ())
        draw(self.canvas, None, layout, frame, whole, ink)


def wet_floor(fonts: FontLibrary) -> Canvas:
    """A yellow warning sign screwed to a brick wall, seen from the left."""
    sign = _plain(1000, 760, (246, 196, 32))
    cv2.rectangle(sign, (22, 22), (977, 737), (28, 26, 24), 10, cv2.LINE_AA)
    _warning_triangle(sign, (500, 190), 130)
    pen = Pen(fonts, sign)
    pen.write("Caution: wet floor", (500, 425), 88, (26, 24, 22), 700, align="center")
    pen.write("The door is closed", (500, 545), 66, (26, 24, 22), align="center")
    pen.write("The floor is slippery", (500, 635), 66, (26, 24, 22), align="center")
    for x, y in ((62, 62), (938, 62), (62, 698), (938, 698)):
        cv2.circle(sign, (x, y), 12, (120, 112, 100), -1, cv2.LINE_AA)
        cv2.line(sign, (x - 7, y - 5), (x + 7, y + 5), (60, 55, 50), 3, cv2.LINE_AA)
    quad = [(395, 250), (1268, 318), (1240, 930), (372, 958)]
    photo = _placed(_bricks(11), sign, quad, shadow=(16, 20))
    return _photographed(photo, seed=12, light=(0.3, 0.2), blur=0.9, noise=3.2)


def menu(fonts: FontLibrary) -> Canvas:
    """A printed menu with a column of prices on a wooden table, seen from below."""
    paper = _paper(900, 1200, 21)
    pen = Pen(fonts, paper)
    ink, red = (46, 38, 34), (142, 32, 30)
    pen.write("Menu of the day", (450, 150), 88, red, 700, "serif", "center")
    cv2.line(paper, (250, 195), (650, 195), red, 3, cv2.LINE_AA)
    dishes = [
        ("Tomato soup with bread", "6.50"),
        ("Green salad with cheese", "7.00"),
        ("Grilled salmon with lemon", "14.50"),
        ("Chicken with rice", "12.00"),
        ("Chocolate cake", "5.50"),
    ]
    for i, (dish, price) in enumerate(dishes):
        y = 310 + i * 112
        pen.write(dish, (95, y), 42, ink)
        pen.write(price, (805, y), 42, ink, 600, align="right")
    note = ["The price includes bread and water.", "We close on Mondays."]
    for i, line in enumerate(note):
        pen.write(line, (450, 960 + i * 56), 38, (96, 84, 76), 400, align="center")
    quad = [(500, 70), (1130, 98), (1252, 1130), (372, 1104)]
    photo = _placed(_wood(22), paper, quad, shadow=(10, 12))
    return _photographed(photo, seed=23, light=(-0.28, 0.22), blur=0.8, noise=3.0)


def museum(fonts: FontLibrary) -> Canvas:
    """A poster with white text on a colour that runs from blue to violet, on a plaster wall."""
    rows = np.linspace(0, 1, 1300, dtype=np.float32)[:, None, None]
    top, bottom = np.array([24, 66, 122], np.float32), np.array([96, 40, 104], np.float32)
    poster = np.broadcast_to(top + (bottom - top) * rows, (1300, 920, 3)).astype(np.uint8).copy()
    _columns(poster)
    pen = Pen(fonts, poster)
    white, cream = (250, 248, 244), (250, 222, 150)
    pen.write("The museum", (80, 200), 92, white, 700)
    pen.write("opens every day", (80, 312), 92, white, 700)
    body = ["The exhibition has old maps", "and books of the city.", "Children do not pay."]
    for i, line in enumerate(body[:2]):
        pen.write(line, (80, 1000 + i * 66), 50, cream)
    pen.write(body[2], (80, 1190), 50, white)
    quad = [(452, 92), (1130, 60), (1150, 1128), (480, 1096)]
    photo = _placed(_plaster(31), poster, quad, shadow=(14, 14))
    return _photographed(photo, seed=32, light=(0.22, -0.25), blur=0.75, noise=2.8)


SAMPLES = {"wet-floor.jpg": (wet_floor, 88), "menu.jpg": (menu, 88), "museum.jpg": (museum, 90)}


def _plain(width: int, height: int, colour: Colour) -> Canvas:
    return np.full((height, width, 3), colour, dtype=np.uint8)


def _warning_triangle(canvas: Canvas, centre: tuple[int, int], size: int) -> None:
    x, y = centre
    outer = np.array(
        [
            (x, y - size),
            (x + int(size * 1.1), y + int(size * 0.8)),
            (x - int(size * 1.1), y + int(size * 0.8)),
        ]
    )
    cv2.fillPoly(canvas, [outer], (28, 26, 24), cv2.LINE_AA)
    inner = (outer - (x, y)) * 0.78 + (x, y + size * 0.02)
    cv2.fillPoly(canvas, [inner.astype(np.int32)], (246, 196, 32), cv2.LINE_AA)
    cv2.rectangle(canvas, (x - 9, y - size // 3), (x + 9, y + size // 4), (28, 26, 24), -1, cv2.LINE_AA)
    cv2.circle(canvas, (x, y + size // 2), 12, (28, 26, 24), -1, cv2.LINE_AA)


def _columns(canvas: Canvas) -> None:
    """A temple front in a lighter tone, the poster's picture."""
    tone = (118, 128, 176)
    cv2.fillPoly(canvas, [np.array([(190, 560), (460, 440), (730, 560)])], tone, cv2.LINE_AA)
    cv2.rectangle(canvas, (200, 575), (720, 600), tone, -1)
    for x in range(225, 700, 92):
        cv2.rectangle(canvas, (x, 612), (x + 44, 830), tone, -1)
    cv2.rectangle(canvas, (185, 842), (735, 872), tone, -1)


def _clouds(rng: Any, width: int, height: int, grain: int, octaves: int = 5, stretch: float = 1) -> Floats:
    """Smooth noise of mean 0 and standard deviation 1: white noise of several sizes, added."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cell = max(1, grain >> octave)
        shape = (max(2, height // cell), max(2, int(width / (cell * stretch))))
        layer = rng.standard_normal(shape).astype(np.float32)
        total += cv2.resize(layer, (width, height), interpolation=cv2.INTER_CUBIC) / (1.6**octave)
    return np.asarray((total - total.mean()) / total.std(), dtype=np.float32)


def _paper(width: int, height: int, seed: int) -> Canvas:
    rng = np.random.default_rng(seed)
    shade = _clouds(rng, width, height, 256) * 2.0 + _clouds(rng, width, height, 4, 2) * 1.6
    base = np.array([243, 237, 222], np.float32)
    return np.clip(base + shade[..., None], 0, 255).astype(np.uint8)


def _plaster(seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    width, height = SIZE
    relief = _clouds(rng, width, height, 64, 6)
    light = cv2.Sobel(cv2.GaussianBlur(relief, (0, 0), 1.2), cv2.CV_32F, 1, 1, ksize=3) * 9
    shade = _clouds(rng, width, height, 512, 3) * 5 + light
    return np.asarray(np.array([196, 186, 170], np.float32) + shade[..., None], dtype=np.float32)


def _bricks(seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    width, height = SIZE
    wall = np.broadcast_to(np.array([172, 164, 152], np.float32), (height, width, 3)).copy()
    wall += (_clouds(rng, width, height, 8, 4) * 7)[..., None]
    brick, course, joint = 190, 64, 9
    for row in range(-1, height // course + 1):
        for column in range(-1, width // brick + 2):
            x = column * brick + (row % 2) * brick // 2 + int(rng.integers(-3, 4))
            y = row * course + int(rng.integers(-2, 3))
            tone = np.array([138, 82, 66], np.float32) * rng.uniform(0.82, 1.15) + rng.normal(0, 4, 3)
            x0, y0, x1, y1 = (
                max(0, x),
                max(0, y),
                min(width, x + brick - joint),
                min(height, y + course - joint),
            )
            if x1 > x0 and y1 > y0:
                wall[y0:y1, x0:x1] = tone
                wall[y0 : y0 + 3, x0:x1] *= 1.12
                wall[max(y0, y1 - 4) : y1, x0:x1] *= 0.8
    wall += (_clouds(rng, width, height, 16, 5) * 8)[..., None]
    return np.asarray(cv2.GaussianBlur(wall, (0, 0), 2.2), dtype=np.float32)


def _wood(seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    width, height = SIZE
    grain = _clouds(rng, width, height, 24, 5, stretch=24)
    rings = np.sin(grain * 2.2 + np.linspace(0, 46, height, dtype=np.float32)[:, None]) * 7
    shade = grain * 10 + rings
    for i, y in enumerate(range(0, height, 200)):
        shade[y : y + 200] += float(rng.normal(0, 7))
        if i:
            shade[y - 2 : y + 2] -= 48
    tint = np.array([1.0, 0.82, 0.6], np.float32)
    return np.asarray(np.array([136, 96, 62], np.float32) + shade[..., None] * tint, dtype=np.float32)


def _placed(ground: Floats, design: Canvas, quad: list[tuple[int, int]], shadow: tuple[int, int]) -> Floats:
    """Lay a flat design onto the ground in perspective, with a soft shadow at an offset."""
    width, height = SIZE
    rows, columns = design.shape[:2]
    corners = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, np.array(quad, np.float32) * 2)
    big = cv2.warpPerspective(design, matrix, (width * 2, height * 2), flags=cv2.INTER_CUBIC)
    solid = np.full((rows, columns), 255, np.uint8)
    cover = cv2.warpPerspective(solid, matrix, (width * 2, height * 2), flags=cv2.INTER_LINEAR)
    laid = cv2.resize(big, SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)
    alpha = (cv2.resize(cover, SIZE, interpolation=cv2.INTER_AREA).astype(np.float32) / 255)[..., None]
    cast = cv2.GaussianBlur(np.roll(alpha[..., 0], shadow[::-1], (0, 1)), (0, 0), 14)[..., None]
    shaded = ground * (1 - 0.55 * cast)
    return np.asarray(shaded * (1 - alpha) + np.minimum(laid, 250) * alpha, dtype=np.float32)


def _photographed(
    picture: Floats, seed: int, light: tuple[float, float], blur: float, noise: float
) -> Canvas:
    """What a camera makes of it: uneven light, vignette, lens blur, noise that grows with brightness."""
    rng = np.random.default_rng(seed)
    width, height = SIZE
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    level = (1 + light[0] * x * 0.5 + light[1] * y * 0.5) * (1 - 0.13 * (x**2 + y**2))
    level += _clouds(rng, width, height, 512, 2) * 0.018
    warmth = np.array([1.02, 1.0, 0.955], np.float32)
    lit = cv2.GaussianBlur(picture * level[..., None] * warmth, (0, 0), blur)
    sensor = rng.standard_normal((height, width, 3)).astype(np.float32)
    sensor = cv2.GaussianBlur(sensor, (0, 0), 0.6) * 1.9
    lit += sensor * noise * (0.55 + 0.45 * np.sqrt(np.clip(lit, 0, 255) / 255))
    return np.clip(np.rint(lit), 0, 255).astype(np.uint8)


def _coded(photo: Canvas, quality: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(photo).save(out, format="JPEG", quality=quality, subsampling=2, optimize=True)
    return out.getvalue()


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.make_samples", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--fonts", type=Path, default=FONTS, metavar="FOLDER")
    parser.add_argument("--to", type=Path, default=DEFAULT, metavar="FOLDER")
    options = parser.parse_args(arguments)
    fonts = FontLibrary(options.fonts)
    options.to.mkdir(parents=True, exist_ok=True)
    for name, (make, quality) in SAMPLES.items():
        data = _coded(make(fonts), quality)
        (options.to / name).write_bytes(data)
        print(f"{options.to / name}: {len(data) // 1024} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
