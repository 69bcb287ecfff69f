"""The pictures of the gallery before translation: twelve designs, most of them seen as a camera sees them.

Their typefaces are, where there is a choice, not the ones the product draws with.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tools.photo import Canvas, Floats, bricks, clouds, paper, photographed, placed, plaster, wood

FONTS = Path(__file__).parent.parent / "build" / "bench-fonts"
Colour = tuple[int, int, int]
Place = tuple[float, float]

WHITE, BLACK = (250, 249, 246), (28, 27, 26)


@lru_cache(maxsize=64)
def _face(name: str, size: int, weight: int) -> Any:
    path = next(path for path in FONTS.iterdir() if path.stem == name)
    font = ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.RAQM)
    try:
        axes = font.get_variation_axes()
    except OSError:
        return font
    wanted = {b"Weight": weight, b"Width": 100}
    font.set_variation_by_axes([wanted.get(axis["name"], axis["default"]) for axis in axes])
    return font


@dataclass
class Pen:
    """Writes and draws on a flat design with anti-aliasing."""

    canvas: Canvas
    image: Image.Image = field(init=False)

    def __post_init__(self) -> None:
        self.image = Image.fromarray(self.canvas)
        self.draw = ImageDraw.Draw(self.image)

    def write(
        self,
        text: str,
        at: Place,
        font: str,
        size: int,
        ink: Colour,
        weight: int = 400,
        align: str = "l",
        rim: tuple[int, Colour] | None = None,
    ) -> None:
        """Write lines, the first baseline at `at`; `align` is l, m or r for what of a line stands there.

        `rim` is an outline's width in pixels and its colour.
        """
        width, around = rim or (0, ink)
        for i, line in enumerate(text.split("\n")):
            place = (at[0], at[1] + i * 1.28 * size)
            face = _face(font, size, weight)
            self.draw.text(place, line, ink, face, anchor=f"{align}s", stroke_width=width, stroke_fill=around)

    def column(self, text: str, at: Place, font: str, size: int, ink: Colour) -> None:
        """Write a column downwards from the middle of its top."""
        self.draw.text(at, text, ink, _face(font, size, 400), anchor="mt", direction="ttb")

    def shape(self, points: list[Place], colour: Colour, closed: bool = True, stroke: int = 0) -> None:
        """A filled shape or, with a stroke, its line."""
        pixels = np.asarray(self.image).copy()
        array = [np.rint(np.asarray(points, float) * 16).astype(np.int32)]
        if stroke:
            cv2.polylines(pixels, array, closed, colour, stroke, cv2.LINE_AA, 4)
        else:
            cv2.fillPoly(pixels, array, colour, cv2.LINE_AA, 4)
        self.image.paste(Image.fromarray(pixels))

    def rounded(
        self, box: tuple[float, float, float, float], radius: float, fill: Colour | None, **line: Any
    ) -> None:
        """A rectangle with round corners."""
        self.draw.rounded_rectangle(box, radius, fill=fill, **line)

    def done(self) -> Canvas:
        """The design."""
        return np.asarray(self.image)


def _flat(width: int, height: int, colour: Colour) -> Pen:
    return Pen(np.full((height, width, 3), colour, np.uint8))


def _gradient(width: int, height: int, top: Colour, bottom: Colour) -> Pen:
    share = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    rows = np.array(top, np.float32) * (1 - share) + np.array(bottom, np.float32) * share
    return Pen(np.broadcast_to(rows, (height, width, 3)).astype(np.uint8).copy())


def sign() -> Canvas:
    """An enamel sign on bricks."""
    pen = _flat(1000, 640, (22, 74, 128))
    pen.rounded((18, 18, 981, 621), 30, None, outline=WHITE, width=10)
    pen.write("Private garden", (500, 185), "Arimo", 104, WHITE, 700, "m")
    pen.write(
        "Please keep the gate closed\nand your dog on a lead.", (500, 320), "Arimo", 62, WHITE, align="m"
    )
    pen.write("Thank you", (500, 545), "Lora", 70, (246, 208, 96), 600, "m")
    quad = [(150, 118), (1068, 88), (1052, 712), (138, 690)]
    return photographed(
        placed(bricks(41, (1200, 800)), pen.done(), quad, (12, 16)), 42, (0.2, 0.15), 0.8, 3.0
    )


def menu() -> Canvas:
    """A cafe's card with two columns of prices, on a table."""
    pen = Pen(paper(900, 1180, 51))
    ink, accent = (52, 44, 40), (26, 92, 84)
    pen.write("Café Aurora", (450, 140), "Lora", 92, accent, 700, "m")
    pen.shape([(280, 180), (620, 180)], accent, False, 3)
    rows = [
        ("Soups and salads", None, None),
        ("Tomato soup with cheese", "6.50", ""),
        ("Vegetable soup with bread", "7.20", ""),
        ("Green salad", "5.90", ""),
        ("Rice salad", "4.80", ""),
        ("Drinks", None, None),
        ("Coffee with milk", "2.40", "3.10"),
        ("Orange juice", "3.50", "4.60"),
        ("Mineral water", "1.90", "2.70"),
    ]
    y = 275.0
    for name, one, two in rows:
        if one is None:
            pen.write(name, (70, y), "Lora", 54, accent, 600)
        else:
            pen.write(name, (70, y), "EBGaramond", 46, ink, 500)
            pen.write(one, (690 if two else 830, y), "EBGaramond", 46, ink, 500, "r")
            pen.write(two or "", (830, y), "EBGaramond", 46, ink, 500, "r")
        y += 84
    pen.write(
        "All our bread is made here every morning.", (450, 1110), "EBGaramond", 40, (120, 100, 90), 400, "m"
    )
    quad = [(78, 58), (838, 74), (862, 1132), (50, 1126)]
    return photographed(placed(wood(52, (900, 1200)), pen.done(), quad, (10, 12)), 53, (-0.2, 0.2), 0.7, 2.6)


def poster() -> Canvas:
    """A concert poster whose ground runs from orange to violet."""
    pen = _gradient(860, 1160, (244, 142, 60), (92, 36, 110))
    pen.draw.ellipse((330, 480, 530, 680), fill=(255, 214, 150))
    for low, colour in ((700, (176, 84, 96)), (740, (134, 58, 104))):
        hills = [(x, low - 40 * np.sin(x / 120 + low)) for x in range(0, 861, 10)]
        pen.shape([(0, 780), *hills, (860, 780)], colour)
    for row, text in ((230, "SUMMER"), (410, "NIGHTS")):
        pen.write(text, (430, row), "Oswald", 170, WHITE, 700, "m", (9, (86, 22, 62)))
    pen.write("Open-air concerts in the park", (430, 870), "Oswald", 54, WHITE, 500, "m")
    pen.write("Every Friday in July", (430, 965), "Oswald", 54, (255, 226, 160), 400, "m")
    pen.write(
        "Admission is free.\nBring a blanket and good company.", (430, 1050), "OpenSans", 36, WHITE, 400, "m"
    )
    quad = [(48, 44), (854, 36), (862, 1160), (40, 1152)]
    return photographed(
        placed(plaster(61, (900, 1200)), pen.done(), quad, (10, 12)), 62, (0.15, -0.2), 0.6, 2.4
    )


def table() -> Canvas:
    """A printed table of opening hours with lines between its cells."""
    pen = Pen(paper(1100, 700, 71))
    ink = (40, 44, 52)
    pen.rounded((40, 40, 1060, 130), 0, (44, 84, 120))
    pen.write("Horario de verano", (550, 102), "Roboto", 54, WHITE, 700, "m")
    head = ("", "Lunes a viernes", "Sábado", "Domingo")
    body = [
        ("Biblioteca", "9:00 – 20:00", "9:00 – 14:00", "cerrado"),
        ("Museo de la ciudad", "10:00 – 19:00", "10:00 – 21:00", "10:00 – 15:00"),
        ("Piscina municipal", "8:00 – 22:00", "9:00 – 21:00", "9:00 – 14:00"),
        ("Jardín botánico", "8:00 – 21:00", "8:00 – 21:00", "8:00 – 21:00"),
    ]
    edges = (40, 400, 640, 850, 1060)
    for i, row in enumerate((head, *body)):
        top = 130 + i * 105
        if i % 2 == 0:
            pen.rounded((40, top, 1060, top + 105), 0, (228, 234, 238))
        for j, cell in enumerate(row):
            weight = 700 if i == 0 or j == 0 else 400
            place = (60, top + 66) if j == 0 else ((edges[j] + edges[j + 1]) / 2, top + 66)
            pen.write(cell, place, "Roboto", 32, ink, weight, "l" if j == 0 else "m")
    for i in range(6):
        pen.shape([(40, 130 + i * 105), (1060, 130 + i * 105)], (120, 130, 140), False, 2)
    for x in edges:
        pen.shape([(x, 130), (x, 655)], (120, 130, 140), False, 2)
    quad = [(48, 50), (1152, 58), (1148, 760), (54, 752)]
    return photographed(placed(wood(72, (1200, 800)), pen.done(), quad, (8, 10)), 73, (0.15, 0.1), 0.55, 2.2)


def bubble() -> Canvas:
    """A panel of a comic: two speakers, a caption, and a shout on dots."""
    pen = _flat(1000, 720, (176, 214, 226))
    rng = np.random.default_rng(81)
    for y in range(0, 720, 16):
        for x in range((y // 16 % 2) * 8, 1000, 16):
            pen.draw.ellipse((x - 3, y - 3, x + 3, y + 3), fill=(150, 196, 212))
    pen.shape([(0, 560), (1000, 500), (1000, 720), (0, 720)], (112, 148, 96))
    for x, coat in ((230, (186, 74, 62)), (760, (64, 88, 132))):
        pen.shape([(x - 110, 720), (x - 80, 540), (x + 80, 540), (x + 110, 720)], coat)
        pen.draw.ellipse((x - 62, 400, x + 62, 540), fill=(236, 196, 160), outline=BLACK, width=4)
        pen.draw.ellipse((x - 26, 455, x - 14, 470), fill=BLACK)
        pen.draw.ellipse((x + 14, 455, x + 26, 470), fill=BLACK)
        pen.draw.arc((x - 24, 470, x + 24, 512), 20, 160, fill=BLACK, width=4)
    for box, tail in (
        ((60, 90, 470, 340), [(230, 330), (290, 320), (250, 395)]),
        ((540, 60, 950, 340), [(700, 325), (760, 330), (750, 395)]),
    ):
        pen.draw.ellipse(box, fill=WHITE, outline=BLACK, width=5)
        pen.shape(tail, WHITE)
        pen.shape([tail[0], tail[2], tail[1]], BLACK, False, 5)
    pen.rounded((20, 14, 420, 70), 0, (250, 236, 170), outline=BLACK, width=3)
    pen.write("The next morning…", (40, 54), "Lora", 34, BLACK, 500)
    pen.write("Where did you\nput the map?", (265, 205), "Kanit-Medium", 44, BLACK, align="m")
    pen.write("I thought it was\nin your bag!\nLook again.", (745, 165), "Kanit-Medium", 44, BLACK, align="m")
    noise = rng.normal(0, 1.2, (720, 1000, 3))
    return np.clip(pen.done() + noise, 0, 255).astype(np.uint8)


def airport() -> Canvas:
    """A lit sign in an airport, each line with its arrow."""
    pen = _flat(1080, 560, (38, 40, 44))
    yellow = (250, 206, 40)
    rows = [("Departures", "up"), ("Passport control", "right"), ("Baggage on level 0", "down")]
    for i, (text, way) in enumerate(rows):
        y = 145 + i * 165
        pen.rounded((50, y - 85, 170, y + 35), 14, yellow)
        _arrow(pen, (110, y - 25), way)
        pen.write(text, (215, y + 3), "Roboto", 78, WHITE if i else yellow, 500)
    quad = [(70, 120), (1128, 96), (1136, 664), (62, 640)]
    ground = plaster(91, (1200, 760)) * np.float32(0.62)
    return photographed(placed(ground, pen.done(), quad, (10, 18)), 92, (0.1, 0.35), 0.7, 3.0)


def _arrow(pen: Pen, middle: Place, way: str) -> None:
    turn = {"up": 0, "right": 1, "down": 2}[way]
    points = np.array([(0, -42), (38, -4), (14, -4), (14, 40), (-14, 40), (-14, -4), (-38, -4)], float)
    for _ in range(turn):
        points = np.column_stack([-points[:, 1], points[:, 0]])
    pen.shape([(middle[0] + x, middle[1] + y) for x, y in points], (38, 40, 44))


def columns() -> Canvas:
    """A wooden board of a bathhouse, written in columns."""
    board = wood(101, (760, 1040)) * np.float32(0.55) + np.float32(96)
    pen = Pen(np.clip(board, 0, 255).astype(np.uint8))
    ink = (44, 26, 16)
    pen.rounded((22, 22, 737, 1017), 8, None, outline=ink, width=6)
    pen.column("入浴のご案内", (640, 90), "ipaexg", 88, (150, 30, 26))
    for i, text in enumerate(("入浴料は五百円です", "営業は午後三時から", "月曜日は休みます")):
        pen.column(text, (450 - i * 150, 110), "ipaexg", 72, ink)
    quad = [(92, 82), (808, 70), (820, 1124), (84, 1116)]
    return photographed(
        placed(plaster(102, (900, 1200)), pen.done(), quad, (12, 14)), 103, (-0.2, 0.2), 0.7, 2.6
    )


def notice() -> Canvas:
    """A notice at a swimming pool: a heading, and numbered rules of more than one line."""
    pen = _flat(900, 1120, (244, 247, 248))
    pen.rounded((0, 0, 900, 190), 0, (0, 112, 140))
    pen.write("Swimming pool rules", (450, 122), "OpenSans", 74, WHITE, 700, "m")
    rules = [
        "Please take a shower\nbefore you enter the water.",
        "Children under eight must\nbe with an adult.",
        "Do not run or push\nnear the pool.",
        "Glass bottles are\nnot allowed.",
    ]
    for i, rule in enumerate(rules):
        y = 300 + i * 215
        pen.draw.ellipse((50, y - 46, 142, y + 46), fill=(0, 112, 140))
        pen.write(str(i + 1), (96, y + 20), "OpenSans", 56, WHITE, 700, "m")
        pen.write(rule, (185, y - 4), "OpenSans", 48, (34, 46, 54), 500)
    quad = [(60, 50), (850, 66), (838, 1150), (52, 1140)]
    return photographed(
        placed(plaster(111, (900, 1200)), pen.done(), quad, (12, 12)), 112, (0.2, 0.2), 0.7, 2.6
    )


def stone() -> Canvas:
    """Letters cut into stone, hardly darker than it."""
    rng = np.random.default_rng(121)
    size = (1200, 760)
    shade = clouds(rng, *size, 8, 4) * 5 + clouds(rng, *size, 256, 3) * 4
    ground = np.array([168, 164, 156], np.float32) + shade[..., None]
    mask = Pen(np.zeros((size[1], size[0], 3), np.uint8))
    mask.write("Library of the old town", (600, 270), "EBGaramond", 104, WHITE, 600, "m")
    mask.write(
        "Built by the citizens\nfor everyone who wants to learn",
        (600, 450),
        "EBGaramond",
        68,
        WHITE,
        500,
        "m",
    )
    cut = cv2.GaussianBlur(np.asarray(mask.done()[..., :1], np.float32) / 255, (0, 0), 0.9)[..., None]
    lit: Floats = np.roll(cut, (2, 2), (0, 1)) - cut
    return photographed(ground - 42 * cut + 16 * np.maximum(lit, 0), 122, (0.25, 0.15), 0.5, 2.0)


def parcel() -> Canvas:
    """A label on a cardboard box, turned by 24 degrees."""
    pen = _flat(860, 520, (252, 252, 250))
    pen.rounded((0, 0, 860, 150), 0, (204, 34, 40))
    pen.write("FRAGILE", (430, 118), "Oswald", 112, WHITE, 700, "m")
    pen.write("Handle with care", (60, 255), "Arimo", 68, BLACK, 700)
    pen.write("This box contains glass. Keep it\nupright and away from water.", (60, 350), "Arimo", 48, BLACK)
    pen.write("4711-B", (800, 490), "JetBrainsMono", 34, (90, 90, 90), 500, "r")
    rng = np.random.default_rng(131)
    waves = (
        np.sin(np.linspace(0, 150, 800, dtype=np.float32))[:, None] * 2 + clouds(rng, 1200, 800, 64, 5) * 4
    )
    card = np.array([186, 146, 104], np.float32) + waves[..., None]
    quad = [(292, 30), (1132, 404), (906, 776), (66, 402)]
    corners = np.array(quad, float)
    middle, turn = corners.mean(axis=0), np.radians(24)
    side = np.array([(-430, -260), (430, -260), (430, 260), (-430, 260)], float) * 0.98
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    quad = [(round(x), round(y)) for x, y in side @ spin + middle]
    return photographed(placed(card, pen.done(), quad, (6, 8)), 132, (0.2, -0.1), 0.6, 2.4)


def street() -> Canvas:
    """A board along a wall that runs away from the camera."""
    pen = _flat(1300, 560, (20, 96, 62))
    pen.rounded((16, 16, 1283, 543), 24, None, outline=WHITE, width=8)
    pen.write("Nature reserve", (70, 165), "OpenSans", 116, WHITE, 700)
    pen.write(
        "Stay on the marked paths.\nDo not pick flowers or feed the birds.",
        (70, 300),
        "OpenSans",
        62,
        WHITE,
        400,
    )
    pen.write("Open from sunrise to sunset", (70, 490), "OpenSans", 62, (250, 222, 110), 600)
    quad = [(80, 60), (1150, 236), (1140, 560), (70, 740)]
    return photographed(
        placed(bricks(141, (1200, 800)), pen.done(), quad, (10, 14)), 142, (-0.3, 0.1), 0.6, 2.6
    )


def screenshot() -> Canvas:
    """A dark settings page with exact pixels: a menu at the side, switches, a button."""
    pen = _flat(1080, 720, (32, 34, 40))
    soft, text = (160, 166, 178), (236, 238, 242)
    pen.rounded((0, 0, 270, 720), 0, (24, 26, 30))
    for i, item in enumerate(("General", "Notifications", "Privacy", "Storage")):
        if i == 1:
            pen.rounded((16, 92 + i * 64, 254, 144 + i * 64), 10, (56, 92, 170))
        pen.write(item, (40, 127 + i * 64), "Roboto", 26, text if i == 1 else soft, 500)
    pen.write("Notifications", (310, 80), "Roboto", 44, text, 700)
    rows = [
        ("New messages", "Show a preview on the lock screen", True),
        ("Weekly summary", "Sent every Monday by e-mail", False),
        ("Sounds", "Play a sound when a file is ready", True),
    ]
    for i, (name, what, on) in enumerate(rows):
        y = 120 + i * 150
        pen.rounded((310, y, 1040, y + 126), 14, (44, 47, 55))
        pen.write(name, (340, y + 54), "Roboto", 30, text, 500)
        pen.write(what, (340, y + 96), "Roboto", 24, soft)
        pen.rounded((940, y + 44, 1010, y + 82), 19, (66, 133, 244) if on else (90, 94, 104))
        pen.draw.ellipse((975 if on else 944, y + 48, 1006 if on else 975, y + 79), fill=WHITE)
    pen.rounded((780, 620, 1040, 684), 12, (66, 133, 244))
    pen.write("Save changes", (910, 661), "Roboto", 28, WHITE, 600, "m")
    pen.write("Cancel", (680, 661), "Roboto", 28, soft, 500, "m")
    return pen.done()
