"""Small pictures for jobs, and what recognition would have bought for them."""

from __future__ import annotations

import io
import json
import random
from hashlib import sha256

from PIL import Image, ImageDraw, ImageFont

WORDS = ("exit", "water", "bread", "window", "school", "street", "winter", "garden", "river", "kitchen")


def draw(rng: random.Random, text: str, size: tuple[int, int] = (96, 40)) -> bytes:
    """A sign with a text. No two are the same to the byte."""
    image = Image.new("RGB", size, (20, 60, 120))
    ImageDraw.Draw(image).text((8, 8), text, font=ImageFont.load_default(20), fill="white")
    image.putpixel((0, 0), tuple(rng.randbytes(3)))
    image.putpixel((1, 0), tuple(rng.randbytes(3)))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def bought(data: bytes, text: str, language: str) -> tuple[bytes, str]:
    """Key and content of the row that remembers the recognition of such a picture as bought."""
    from shared.imaging.files.decode import decode
    from shared.scenes.recognition import Recognition, Word
    from shared.translation.memory import recognition_key

    picture = decode(data)
    width = min(picture.width - 8, 8 + 11 * len(text))
    corners = [(8.0, 8.0), (float(width), 8.0), (float(width), 32.0), (8.0, 32.0)]
    word = Word(text=text, polygon=corners, confidence=0.9, language=language, line_end=True)
    read = Recognition(width=picture.width, height=picture.height, language=language, words=[word])
    key = recognition_key("global", picture.sha256, language)
    return key, json.dumps(read.model_dump(mode="json"))


def fingerprint(data: bytes) -> str:
    """A short name of a picture."""
    return sha256(data).hexdigest()[:12]
