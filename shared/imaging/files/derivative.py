"""The copy of a picture that a recognition service is given: within its limits, in sRGB, upright."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from shared.imaging.files.decode import Picture, to_srgb
from shared.imaging.pixels import Pixels

MAX_BYTES = 9_500_000
"""Below Cloud Vision's 10 MB for a whole request, with room for the request around the picture."""

MAX_PIXELS = 75_000_000
"""Cloud Vision's own limit; it would silently scale a larger picture down."""

_QUALITIES = (95, 90, 85)
_ROWS = 256  # blended at once: a large picture's products would take several times its memory


@dataclass(frozen=True)
class Derivative:
    """An encoded copy of a picture, of `width` x `height` pixels."""

    data: bytes
    media_type: str
    width: int
    height: int


def derivative(picture: Picture, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS) -> Derivative:
    """Encode a copy of at most `max_bytes` bytes and `max_pixels` pixels.

    It is a lossless PNG where that is small enough, else a JPEG; it is scaled down only where no JPEG of
    good quality fits. Transparent parts show the ground that contrasts with what is opaque.
    """
    rgb = flattened(to_srgb(picture), picture.alpha)
    scale = min(1.0, math.sqrt(max_pixels / (picture.width * picture.height)))
    while True:
        width = max(1, math.floor(picture.width * scale))
        height = max(1, math.floor(picture.height * scale))
        resized = rgb if scale == 1 else cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
        found = _encoded(Image.fromarray(np.asarray(resized, dtype=np.uint8)), picture.lossless, max_bytes)
        if found is not None or min(width, height) == 1:
            data, media_type = found or (b"", "image/jpeg")
            return Derivative(data, media_type, width, height)
        scale *= 0.8


def _encoded(image: Image.Image, lossless: bool, max_bytes: int) -> tuple[bytes, str] | None:
    # A PNG of 24 bits rarely compresses below a quarter, so a hopeless one is not tried.
    if lossless and image.width * image.height * 3 < max_bytes * 12:
        png = _saved(image, "PNG", compress_level=4)
        if len(png) <= max_bytes:
            return png, "image/png"
    for quality in _QUALITIES:
        jpeg = _saved(image, "JPEG", quality=quality, subsampling=0)
        if len(jpeg) <= max_bytes:
            return jpeg, "image/jpeg"
    return None


def _saved(image: Image.Image, name: str, **options: int) -> bytes:
    out = io.BytesIO()
    image.save(out, format=name, **options)
    return out.getvalue()


def flattened(rgb: Pixels, alpha: Pixels | None) -> Pixels:
    """Transparent parts filled with white, or with black where what is opaque is light."""
    if alpha is None:
        return rgb
    light = cv2.mean(rgb, (alpha > 127).astype(np.uint8))[:3]
    ground = 0 if sum(light) / 3 > 150 else 255
    flat = np.empty_like(rgb)
    for top in range(0, len(rgb), _ROWS):
        rows = slice(top, top + _ROWS)
        share = alpha[rows, :, None].astype(np.uint16)
        flat[rows] = (rgb[rows] * share + np.uint16(ground) * (255 - share) + 127) // 255
    return flat
