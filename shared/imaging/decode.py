"""From a file's bytes to upright 8-bit RGB, with nothing decoded before its size is known to be safe."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, JpegImagePlugin

from shared.core.errors import UnsupportedMedia
from shared.imaging.errors import TooManyPixels, UnreadablePicture
from shared.imaging.sniff import ACCEPTED, accepted_format, known_as

MAX_PIXELS = 100_000_000
"""The most pixels a picture may have; more is refused before anything is decoded."""

# Pillow raises at twice this number while it reads the header; _within_limit refuses the rest.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS

Pixels = NDArray[np.uint8]

_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
)
_ORIENTATION = 0x0112
_SIDEWAYS = {5, 6, 7, 8}


@dataclass(frozen=True)
class MediaInfo:
    """What a picture's header says: upright size in pixels, and how many frames or pages it has."""

    media_type: str
    width: int
    height: int
    frames: int


@dataclass(frozen=True)
class JpegCoding:
    """How a JPEG was coded, so that a result can be coded alike.

    `tables` are the quantisation tables, `subsampling` Pillow's number for the chroma subsampling.
    """

    tables: dict[int, list[int]]
    subsampling: int
    progressive: bool


@dataclass(frozen=True)
class Picture:
    """A decoded picture: `rgb` is height x width x 3, upright, in the colour space of `icc` (or sRGB).

    `alpha` is height x width or None. `grey` tells that the source had no colour channels. `lossless`
    tells whether the source's coding was. `sha256` is that of the source bytes.
    """

    rgb: Pixels
    media_type: str
    sha256: str
    alpha: Pixels | None = None
    icc: bytes | None = None
    jpeg: JpegCoding | None = None
    grey: bool = False
    lossless: bool = True

    @property
    def width(self) -> int:
        """Columns of the upright picture."""
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        """Rows of the upright picture."""
        return int(self.rgb.shape[0])

    @cached_property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height


def probe(data: bytes) -> MediaInfo:
    """Type, upright size and frame count of a picture, from its header alone.

    Raises UnreadablePicture, TooManyPixels, or UnsupportedMedia, also for a TIFF of several pages.
    """
    with _opened(data) as image:
        try:
            frames = int(getattr(image, "n_frames", 1))
            turned = _orientation(image) in _SIDEWAYS
        except _BROKEN as error:
            raise UnreadablePicture from error
        _refuse_pages(image, frames)
        width, height = image.size[::-1] if turned else image.size
        return MediaInfo(ACCEPTED[str(image.format)], width, height, frames)


def decode(data: bytes) -> Picture:
    """Decode a picture, the first frame where it is animated.

    Raises UnreadablePicture, TooManyPixels, or UnsupportedMedia, also for a TIFF of several pages.
    """
    with _opened(data) as image:
        try:
            _refuse_pages(image, int(getattr(image, "n_frames", 1)))
            image.load()
        except Image.DecompressionBombError as error:
            raise _too_many() from error
        except _BROKEN as error:
            raise UnreadablePicture(f"The picture is cut short or damaged: {_reason(error)}.") from error
        return _converted(image, data)


def _refuse_pages(image: Image.Image, frames: int) -> None:
    if image.format == "TIFF" and frames > 1:
        raise UnsupportedMedia(f"The TIFF has {frames} pages; only TIFF files of one page can be translated.")


def _opened(data: bytes) -> Image.Image:
    if not data:
        raise UnreadablePicture("The content is empty.")
    name = accepted_format(data)
    if name is None:
        what = known_as(data)
        raise UnsupportedMedia(
            f"The content is {what or 'of an unknown type'}; accepted pictures are {', '.join(ACCEPTED)}."
        )
    try:
        image = Image.open(io.BytesIO(data), formats=[name])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many() from error
    except _BROKEN as error:
        raise UnreadablePicture(f"The content begins as {name} but cannot be read.") from error
    if image.width * image.height > MAX_PIXELS:
        raise _too_many(f"{image.width} x {image.height} pixels")
    if image.width == 0 or image.height == 0:
        raise UnreadablePicture("The picture has no pixels.")
    return image


def _too_many(size: str = "more than twice as many pixels") -> TooManyPixels:
    return TooManyPixels(f"The limit is {MAX_PIXELS // 1_000_000} megapixels; this picture has {size}.")


def _reason(error: BaseException) -> str:
    return str(error).split("\n")[0].rstrip(".") or type(error).__name__


def _orientation(image: Image.Image) -> int:
    # Pillow would decode a whole PNG to look for an eXIf chunk behind the pixels.
    if image.format == "PNG" and "exif" not in image.info:
        return 1
    return int(image.getexif().get(_ORIENTATION, 1))


def _converted(image: Image.Image, data: bytes) -> Picture:
    media_type = ACCEPTED[str(image.format)]
    grey = image.mode in {"1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F"}
    jpeg, lossless = _coding(image, data)
    try:
        upright = ImageOps.exif_transpose(image)
    except _BROKEN:
        upright = image
    icc = image.info.get("icc_profile") or None
    rgb, alpha, kept = _channels(upright, icc)
    return Picture(
        rgb=rgb,
        alpha=alpha,
        media_type=media_type,
        icc=kept,
        jpeg=jpeg,
        grey=grey,
        lossless=lossless,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _coding(image: Image.Image, data: bytes) -> tuple[JpegCoding | None, bool]:
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        if image.mode == "CMYK":
            return None, False
        tables = {int(k): [int(v) for v in t] for k, t in image.quantization.items()}
        sampling = JpegImagePlugin.get_sampling(image)
        return JpegCoding(tables, sampling, bool(image.info.get("progressive"))), False
    if image.format == "WEBP":
        return None, b"VP8L" in data[:64]
    return None, True


def _channels(image: Image.Image, icc: bytes | None) -> tuple[Pixels, Pixels | None, bytes | None]:
    """Colour, alpha and the profile that the colour numbers are in after conversion."""
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
        managed = _to_srgb(image, icc)
        if managed is not None:
            return np.array(managed), alpha, None
    # Numbers of a profile that is not RGB mean nothing once the channels are RGB.
    kept = icc if icc and _is_rgb_profile(icc) and space != "CMYK" else None
    return np.array(image.convert("RGB")), alpha, kept


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


def _to_srgb(image: Image.Image, icc: bytes) -> Image.Image | None:
    """The picture in sRGB by its own profile; None where the profile does not fit the picture."""
    try:
        converted = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(icc)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, *_BROKEN):
        return None
    return converted


def _is_rgb_profile(icc: bytes) -> bool:
    return icc[16:20] == b"RGB "


def to_srgb(picture: Picture) -> Pixels:
    """The picture's colour as sRGB numbers, by its profile where it has one. May be `picture.rgb` itself."""
    if picture.icc is None:
        return picture.rgb
    managed = _to_srgb(Image.fromarray(picture.rgb), picture.icc)
    return picture.rgb if managed is None else np.array(managed)
