"""From a file's own colour model to 8-bit RGB and alpha, by its profile where it has one."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from shared.imaging.pixels import Pixels

_STRIP = 1 << 17  # bytes of pixels that are copied at a time

BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    RuntimeError,
    struct.error,
    zlib.error,
)
"""What Pillow and the libraries below it raise for content that is damaged; libavif a RuntimeError."""


def channels(image: Image.Image, icc: bytes | None) -> tuple[Pixels, Pixels | None, bytes | None]:
    """8-bit RGB, alpha or None, and the profile that the colour numbers are in after conversion."""
    alpha: Pixels | None = None
    if image.mode in {"I", "F"} or image.mode.startswith("I;16"):
        image = Image.fromarray(_eight_bits(image))
    elif image.mode in {"LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode == "RGBA":
        alpha = np.array(image.getchannel("A"))
        if alpha.min() == 255:
            alpha = None
    space = image.mode
    if icc and space in {"CMYK", "L", "LAB"}:
        managed = to_standard(image, icc)
        if managed is not None:
            return np.array(managed), alpha, None
    # Numbers of a profile that is not RGB mean nothing once the channels are RGB.
    kept = icc if icc and _is_rgb_profile(icc) and space != "CMYK" else None
    return pixels_of(image if space == "RGB" else image.convert("RGB")), alpha, kept


def pixels_of(image: Image.Image) -> Pixels:
    """The pixels of an RGB image.

    Pillow hands bytes over in small pieces and joins them. Strip by strip they stay within the processor's
    cache, and nothing of the picture's size is made but the result: a large one takes half the time.
    """
    width, height = image.size
    pixels = np.empty((height, width, 3), dtype=np.uint8)
    rows = max(1, _STRIP // (3 * width))
    for top in range(0, height, rows):
        strip = pixels[top : top + rows]
        strip[...] = np.asarray(image.crop((0, top, width, top + len(strip))))
    return pixels


def _eight_bits(image: Image.Image) -> Pixels:
    """Greyscale of 16 bits, 32 bits or floating point as 8 bits."""
    values: NDArray[np.float32] = np.asarray(image).astype(np.float32)
    top = float(values.max(initial=0))
    if image.mode == "F" and top <= 1:
        values = values * np.float32(255)
    elif image.mode.startswith("I;16") or 255 < top <= 65535:
        values = values / np.float32(257)
    elif top > 65535:
        values = values * np.float32(255 / top)
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def to_standard(image: Image.Image, icc: bytes) -> Image.Image | None:
    """The picture in sRGB by its own profile; None where the profile does not fit the picture."""
    try:
        converted = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(icc)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, *BROKEN):
        return None
    return converted


def _is_rgb_profile(icc: bytes) -> bool:
    return icc[16:20] == b"RGB "
