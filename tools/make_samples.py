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

import cv2
import numpy as np
from PIL import Image

from shared.imaging.draw.draw import draw
from shared.imaging.fit.placing import PlacedLine
from shared.imaging.fit.solver import Layout
from shared.imaging.frame import Frame
from shared.imaging.typesetting.fonts import FontLibrary
from shared.imaging.typesetting.shape import Box, Shaper
from tools.fonts import DEFAULT as FONTS
from tools.photo import Canvas, bricks, paper, photographed, placed, plaster, wood

Colour = tuple[int, int, int]

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
    photo = placed(bricks(11), sign, quad, shadow=(16, 20))
    return photographed(photo, seed=12, light=(0.3, 0.2), blur=0.9, noise=3.2)


def menu(fonts: FontLibrary) -> Canvas:
    """A printed menu with a column of prices on a wooden table, seen from below."""
    sheet = paper(900, 1200, 21)
    pen = Pen(fonts, sheet)
    ink, red = (46, 38, 34), (142, 32, 30)
    pen.write("Menu of the day", (450, 150), 88, red, 700, "serif", "center")
    cv2.line(sheet, (250, 195), (650, 195), red, 3, cv2.LINE_AA)
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
    photo = placed(wood(22), sheet, quad, shadow=(10, 12))
    return photographed(photo, seed=23, light=(-0.28, 0.22), blur=0.8, noise=3.0)


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
    photo = placed(plaster(31), poster, quad, shadow=(14, 14))
    return photographed(photo, seed=32, light=(0.22, -0.25), blur=0.75, noise=2.8)


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
