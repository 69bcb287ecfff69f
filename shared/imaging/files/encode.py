"""From pixels back to a file of the source's own format, without anything that names a person."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from PIL import Image

from shared.imaging.files import deep
from shared.imaging.files.decode import Picture
from shared.imaging.pixels import Pixels

_FORMATS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WEBP",
    "image/tiff": "TIFF",
    "image/bmp": "BMP",
    "image/gif": "GIF",
    "image/avif": "AVIF",
}
_NO_PROFILE = {"BMP", "GIF"}


def encode(picture: Picture, rgb: Pixels, alpha: Pixels | None) -> bytes:
    """Encode changed pixels as `picture` was encoded: same format, profile, JPEG tables and sampling.

    `rgb` and `alpha` have the shapes of the picture's own. EXIF, XMP and comments are not carried over.
    Pixels equal to the picture's come out equal in lossless formats, also in GIF, whose palette keeps
    the source's colours.
    """
    if picture.deep is not None:
        return deep.encoded(picture.deep.changed(rgb, alpha), picture.media_type, picture.icc)
    name = _FORMATS[picture.media_type]
    if name == "BMP" and alpha is not None:
        return _bitmap(rgb, alpha)
    if name == "GIF":
        image = _indexed(picture, rgb, alpha)
        options: dict[str, Any] = {"transparency": 255} if alpha is not None else {}
        options["optimize"] = False
    else:
        image = _jpeg_image(picture, rgb) if name == "JPEG" else _image(picture, rgb, alpha)
        options = _options(picture, name)
    if picture.icc and name not in _NO_PROFILE:
        options["icc_profile"] = picture.icc
    out = io.BytesIO()
    image.save(out, format=name, **options)
    return out.getvalue()


def _bitmap(rgb: Pixels, alpha: Pixels) -> bytes:
    """A BMP whose header names the alpha channel; Pillow writes none that does."""
    _, data = cv2.imencode(".bmp", np.dstack([rgb[..., ::-1], alpha]))
    return data.tobytes()


def encode_pages(pages: Sequence[tuple[Picture, Pixels, Pixels | None]]) -> bytes:
    """Encode the changed pages of one TIFF, each with its own profile, as one TIFF."""
    first, *others = (_page(*page) for page in pages)
    out = io.BytesIO()
    first.save(out, format="TIFF", save_all=True, append_images=others, compression="tiff_adobe_deflate")
    return out.getvalue()


def _page(picture: Picture, rgb: Pixels, alpha: Pixels | None) -> Image.Image:
    image = _image(picture, rgb, alpha)
    if picture.icc:
        image.encoderinfo = {"icc_profile": picture.icc}
    return image


def _image(picture: Picture, rgb: Pixels, alpha: Pixels | None) -> Image.Image:
    # With a profile kept the channels are RGB; a grey file cannot carry it.
    grey = picture.grey and picture.icc is None and _is_grey(rgb)
    if alpha is not None and not grey:
        # Of this mode Pillow takes the array's memory as it is, instead of two copies.
        return Image.fromarray(np.dstack([rgb, alpha]))
    colour = Image.fromarray(np.ascontiguousarray(rgb[..., 0]) if grey else rgb)
    if alpha is not None:
        colour = colour.convert("LA")
        colour.putalpha(Image.fromarray(alpha))
    return colour


def _jpeg_image(picture: Picture, rgb: Pixels) -> Image.Image:
    """The image without alpha. Pillow takes pixels of four bytes as they are, and copies those of three."""
    if picture.grey and picture.icc is None and _is_grey(rgb):
        return _image(picture, rgb, None)
    padded = cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA)
    return Image.frombuffer("RGBX", rgb.shape[1::-1], padded, "raw", "RGBX", 0, 1)


def _is_grey(rgb: Pixels) -> bool:
    return bool(np.array_equal(rgb[..., 0], rgb[..., 1]) and np.array_equal(rgb[..., 0], rgb[..., 2]))


def _options(picture: Picture, name: str) -> dict[str, Any]:
    if name == "JPEG":
        if picture.jpeg is None:
            return {"quality": 92, "subsampling": 0}
        options: dict[str, Any] = {"qtables": picture.jpeg.tables, "progressive": picture.jpeg.progressive}
        if picture.jpeg.subsampling >= 0:
            options["subsampling"] = picture.jpeg.subsampling
        return options
    if name == "WEBP":
        return {"lossless": True, "exact": True, "method": 3} if picture.lossless else {"quality": 92}
    if name == "AVIF":
        # The source's quality cannot be read from it; text needs its colour at full resolution.
        return {"quality": 90, "subsampling": "4:4:4", "speed": 7}
    if name == "TIFF":
        return {"compression": "tiff_adobe_deflate"}
    return {"compress_level": 6} if name == "PNG" else {}


def _packed(rgb: Pixels) -> np.ndarray[Any, np.dtype[np.uint32]]:
    wide = rgb.astype(np.uint32)
    return np.asarray((wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2], dtype=np.uint32)


def _indexed(picture: Picture, rgb: Pixels, alpha: Pixels | None) -> Image.Image:
    """Palette picture whose palette holds every colour of the source first, then the commonest new ones."""
    room = 255 if alpha is not None else 256
    own = np.unique(_packed(picture.rgb))[:room]
    packed = _packed(rgb)
    colours, inverse, counts = np.unique(packed, return_inverse=True, return_counts=True)
    new = ~np.isin(colours, own)
    extra = colours[new][np.argsort(-counts[new], kind="stable")][: room - len(own)]
    palette = np.concatenate([own, extra]).astype(np.uint32)
    table = np.stack([palette >> 16, (palette >> 8) & 255, palette & 255], axis=1).astype(np.int32)
    nearest = np.empty(len(colours), dtype=np.uint8)
    for i, colour in enumerate(colours):
        wanted = np.array([colour >> 16, (colour >> 8) & 255, colour & 255], dtype=np.int32)
        nearest[i] = int(np.argmin(((table - wanted) ** 2).sum(axis=1)))
    index = nearest[inverse.reshape(packed.shape)]
    if alpha is not None:
        index[alpha < 128] = 255
    image = Image.fromarray(index, mode="P")
    image.putpalette(np.pad(table, ((0, 256 - len(table)), (0, 0))).astype(np.uint8).tobytes())
    return image
