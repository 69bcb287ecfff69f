"""Pages of a seed: which cell each stands for, and the picture with all that is known of it."""

from __future__ import annotations

import dataclasses
import io
import zlib

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.pictures.adornment import adornment, visible_kind, with_beneath
from bench.pictures.backgrounds import BACKGROUNDS
from bench.pictures.inks import ink_on, ratio
from bench.pictures.layouts import DOWNWARDS, LAYOUTS, UPRIGHT
from bench.pictures.scripts import scripts
from bench.pictures.sheet import FINER, Floats, Hand, Sheet, strokes
from bench.pictures.truth import Page
from shared.imaging.files.decode import decode

Random = np.random.Generator
Matrix = NDArray[np.float64]
SMALLEST = 320


@dataclasses.dataclass(frozen=True)
class Case:
    """One page to draw: its number, its cell of the mix, and the script it is translated into.

    `own_fonts` leaves out the typefaces that the product has not.
    """

    number: int
    seed: int
    script: str
    background: str
    layout: str
    target: str
    own_fonts: bool = False

    @property
    def name(self) -> str:
        """Number and cell."""
        return f"{self.number:03d}-{self.script}-{self.background}-{self.layout}"


def cases(seed: int, count: int, own_fonts: bool = False) -> list[Case]:
    """The first `count` pages of a seed: a shuffled round over all cells, then another.

    Any part of a round is spread evenly over scripts, backgrounds and layouts.
    """
    rng = np.random.default_rng(seed)
    order = _spread(rng)
    names = list(scripts())
    chosen = [order[i % len(order)] for i in range(count)]
    found = []
    for number, (script, background, layout) in enumerate(chosen):
        # Nine steps, so that each script meets every other; once in ten rounds it stays its own.
        step = 1 + (number // len(names)) % len(names)
        target = names[(names.index(script) + step) % len(names)]
        found.append(Case(number, seed, script, background, layout, target, own_fonts))
    return found


def _spread(rng: Random) -> list[tuple[str, str, str]]:
    """All cells in an order whose every stretch of ten has ten scripts, and of 24 all pairs of the others."""
    names, grounds, layouts = list(scripts()), list(BACKGROUNDS), list(LAYOUTS)
    for kinds in (names, grounds, layouts):
        rng.shuffle(kinds)
    # A diagonal walk through 6 x 8 visits 24 pairs, and shifted by one the other 24.
    walk = [(grounds[(k + k // 24) % 6], layouts[k % 8]) for k in range(48)]
    return [(name, *walk[(k + 5 * i) % 48]) for k in range(48) for i, name in enumerate(names)]


def draw(case: Case) -> Page:
    """Draw a case: always the same for the same number, seed and cell."""
    key = zlib.crc32(f"{case.number}/{case.script}/{case.background}/{case.layout}".encode())
    rng = np.random.default_rng([case.seed, key])
    script = scripts()[case.script]
    make, (least, most) = LAYOUTS[case.layout]
    paths = script.typefaces(case.own_fonts)
    # The world stands upright as often as not; the rest is uniform.
    angle = 0.0 if case.layout in UPRIGHT or rng.random() < 0.5 else float(rng.uniform(-30, 30))
    turned = angle != 0 or case.layout == "label"
    # Of a chance of its own, so that what is adorned is the same page as without.
    worn = adornment(np.random.default_rng([case.seed, key, 1]))
    hand = Hand(
        path=paths[int(rng.integers(len(paths)))],
        size=int(rng.integers(least, most + 1)),
        weight=int(rng.choice([400, 400, 500, 600, 700])),
        script=script.name,
        language=script.language,
        rtl=script.rtl,
        vertical=script.name == "Japanese" and case.layout in DOWNWARDS and bool(rng.random() < 0.5),
        finer=FINER if turned else 1,
        adornment=worn,
    )
    sheet = make(rng, script, hand)
    width, height = _lay(rng, sheet, angle, bent=case.layout == "label")
    return _painted(case, hand, sheet, (height, width), angle, rng)


def _lay(rng: Random, sheet: Sheet, angle: float, bent: bool) -> tuple[int, int]:
    """Give the sheet its place in a picture with a margin around it; gives the picture's size."""
    w, h = float(sheet.width), float(sheet.height)
    corners = np.array([(0, 0), (w, 0), (w, h), (0, h)], np.float64)
    turn = np.radians(angle)
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    placed = corners @ spin.T
    if bent:
        placed += rng.uniform(-0.09, 0.09, (4, 2)) * min(w, h)
    margin = rng.uniform(8, 60, 2)
    placed = placed - placed.min(axis=0) + np.round(margin)
    size = np.ceil(np.maximum(placed.max(axis=0) + margin, SMALLEST)).astype(int)
    placed += np.round((size - placed.max(axis=0) - margin) / 2)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), placed.astype(np.float32))
    if not bent:
        matrix[2] = (0, 0, 1)
    sheet.matrix = matrix
    return int(size[0]), int(size[1])


def _painted(case: Case, hand: Hand, sheet: Sheet, shape: tuple[int, int], angle: float, rng: Random) -> Page:
    ground = BACKGROUNDS[case.background](rng, *shape)
    frames = sheet.shown(sheet.frames, shape)
    covers = [sheet.shown(sheet.cover(written), shape) for written in sheet.written]
    contrast = float(np.exp(rng.uniform(np.log(1.5), np.log(15))))
    covered = np.maximum.reduce(covers)
    under = ground[covered > 0.5].mean(axis=0)
    ink = ink_on(rng, under, contrast)
    border = ink_on(rng, under, float(rng.uniform(2, 6)))
    blank = ground * (1 - frames[..., None]) + border * frames[..., None]
    shown = [visible_kind(written.hand.worn, ink, under) for written in sheet.written]
    under_ink = _beneath(blank, sheet, covers, shown, angle, ink)
    picture = under_ink * (1 - covered[..., None]) + ink * covered[..., None]
    quality = int(rng.integers(40, 96))
    data = coded(picture, quality)
    source = decode(data)
    seen = ratio(ink, under)
    rounded = (int(ink[0]), int(ink[1]), int(ink[2]))
    return Page(
        name=case.name,
        number=case.number,
        script=case.script,
        language=hand.language,
        background=case.background,
        layout=case.layout,
        target=case.target,
        seed=case.seed,
        quality=quality,
        angle=angle,
        picture=dataclasses.replace(source, media_type="image/png", jpeg=None, lossless=True),
        data=data,
        blank=decode(coded(blank, quality)).rgb,
        objects=strokes(frames),
        blocks=tuple(
            sheet.truth(written, rounded, seen, kind)
            for written, kind in zip(sheet.written, shown, strict=True)
        ),
    )


def _beneath(
    picture: Floats, sheet: Sheet, covers: list[Floats], shown: list[str], angle: float, ink: Floats
) -> Floats:
    """The picture with the rims and shadows of the texts that show theirs."""
    for written, cover, kind in zip(sheet.written, covers, shown, strict=True):
        if kind:
            turn = float(np.radians(angle))
            picture = with_beneath(picture, cover, written.hand.worn, sheet.em(written), turn, ink)
    return picture


def coded(picture: NDArray[np.float32], quality: int) -> bytes:
    """A JPEG of `quality`."""
    out = io.BytesIO()
    pixels = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(out, "JPEG", quality=quality)
    return out.getvalue()
