"""Draw the self-test's card, with its texts and without: python -m tools.make_card [--to FOLDER]."""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from shared.imaging.typesetting.fonts import FontLibrary
from shared.selftest.card import HERE, Words, words
from tools.fonts import DEFAULT as FONTS
from tools.make_samples import Pen
from tools.photo import Canvas


def ground(card: Words) -> Canvas:
    """The card without its texts: two shaded fields, and a drawing that the translation must leave alone."""
    width, height = card.size
    shade = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    paper, dusk = np.array([246, 238, 220], np.float32), np.array([226, 214, 190], np.float32)
    canvas = np.broadcast_to(paper + (dusk - paper) * shade, (height, width, 3)).astype(np.uint8).copy()
    slope = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    blue, violet = np.array([24, 66, 122], np.float32), np.array([60, 52, 116], np.float32)
    canvas[:140] = (blue + (violet - blue) * slope).astype(np.uint8)
    left, top, right, bottom = card.kept
    middle, radius = ((left + right) // 2, (top + bottom) // 2), (right - left) // 2 - 8
    cv2.rectangle(canvas, (left, top), (right - 1, bottom - 1), (232, 180, 60), -1)
    cv2.circle(canvas, middle, radius, (24, 66, 122), 6, cv2.LINE_AA)
    for turn in range(0, 360, 30):
        angle = np.deg2rad(turn)
        tip = (round(middle[0] + radius * np.cos(angle)), round(middle[1] + radius * np.sin(angle)))
        cv2.line(canvas, middle, tip, (142, 32, 30), 3, cv2.LINE_AA)
    return canvas


def card(fonts: FontLibrary, wording: Words) -> Canvas:
    """The card with its texts."""
    canvas = ground(wording)
    pen = Pen(fonts, canvas)
    for text in wording.texts:
        left, top, _, bottom = text.box
        baseline = (top + bottom) / 2 + text.size * 0.35
        pen.write(text.text, (left + 8, baseline), text.size, text.ink, text.weight)
    return canvas


def coded(canvas: Canvas) -> bytes:
    """As PNG."""
    out = io.BytesIO()
    Image.fromarray(canvas).save(out, format="PNG", optimize=True)
    return out.getvalue()


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.make_card", description="Draw the self-test's card."
    )
    parser.add_argument("--fonts", type=Path, default=FONTS, metavar="FOLDER")
    parser.add_argument("--to", type=Path, default=HERE, metavar="FOLDER")
    options = parser.parse_args(arguments)
    wording = words()
    pictures = {"card.png": card(FontLibrary(options.fonts), wording), "ground.png": ground(wording)}
    for name, picture in pictures.items():
        data = coded(picture)
        (options.to / name).write_bytes(data)
        print(f"{options.to / name}: {len(data) / 1024:.0f} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
