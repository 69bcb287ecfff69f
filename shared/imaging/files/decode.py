"""From a file's bytes to upright 8-bit RGB, with nothing decoded before its size is known to be safe."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image, ImageOps, JpegImagePlugin

from shared.core.errors import UnsupportedMedia
from shared.imaging.errors import TooManyPages, TooManyPixels, UnreadablePicture
from shared.imaging.files.colour import BROKEN, channels, to_standard
from shared.imaging.files.deep import Deep, deep_samples
from shared.imaging.files.sniff import ACCEPTED, accepted_format, is_lossless_webp, known_as
from shared.imaging.pixels import Pixels

MAX_PIXELS = 100_000_000
"""The most pixels a picture may have, all its pages together; more is refused before anything is decoded."""

MAX_PAGES = 20
"""The most pages a TIFF may have."""

# Pillow raises at twice this number while it reads the header; _sizes refuses the rest.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS

_ORIENTATION = 0x0112
_SUBFILE_TYPE = 254
_SIDEWAYS = {5, 6, 7, 8}


@dataclass(frozen=True)
class MediaInfo:
    """What a picture's header says: its type, and the upright size in pixels of each page.

    Only a TIFF has more than one page; of an animation the first frame counts.
    """

    media_type: str
    sizes: tuple[tuple[int, int], ...]

    @property
    def pages(self) -> int:
        """How many pages there are to translate."""
        return len(self.sizes)


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
    """A decoded page: `rgb` is height x width x 3, upright, in the colour space of `icc` (or sRGB).

    `alpha` is height x width or None. `deep` holds the samples of a picture of 16 bits. `grey` tells that
    the source had no colour channels. `lossless` tells whether the source's coding was. `sha256` is that of
    the source bytes, `page` counts from 0.
    """

    rgb: Pixels
    media_type: str
    sha256: str
    alpha: Pixels | None = None
    deep: Deep | None = None
    icc: bytes | None = None
    jpeg: JpegCoding | None = None
    grey: bool = False
    lossless: bool = True
    page: int = 0

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
    """Type and pages of a picture, from its headers alone.

    Raises UnreadablePicture, TooManyPixels, TooManyPages or UnsupportedMedia.
    """
    with _opened(data) as image:
        upright = []
        for frame, (width, height) in _sizes(image).items():
            image.seek(frame)
            turned = _orientation(image) in _SIDEWAYS
            upright.append((height, width) if turned else (width, height))
        return MediaInfo(_media_type(image), tuple(upright))


def decode(data: bytes, page: int = 0) -> Picture:
    """Decode one page of a picture; of an animation the first frame.

    Raises UnreadablePicture, TooManyPixels, TooManyPages or UnsupportedMedia; IndexError for a page that is
    not there.
    """
    with _opened(data) as image:
        frames = list(_sizes(image))
        frame = frames[page]
        try:
            image.seek(frame)
            image.load()
        except Image.DecompressionBombError as error:
            raise _too_many() from error
        except BROKEN as error:
            raise UnreadablePicture(f"The picture is cut short or damaged: {_reason(error)}.") from error
        return _converted(image, data, page, single=len(frames) == 1)


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
        return Image.open(io.BytesIO(data), formats=[name])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many() from error
    except BROKEN as error:
        raise UnreadablePicture(f"The content begins as {name} but cannot be read.") from error


def _media_type(image: Image.Image) -> str:
    # Pillow's name for a JPEG behind which a telephone has put others, such as depths or a thumbnail.
    return ACCEPTED["JPEG" if image.format == "MPO" else str(image.format)]


def _sizes(image: Image.Image) -> dict[int, tuple[int, int]]:
    """Size as stored of each frame that is a page, by its number, all within the limits."""
    sizes = {}
    try:
        for frame in range(MAX_PAGES + 1 if image.format == "TIFF" else 1):
            image.seek(frame)
            if not _is_reduced(image):
                sizes[frame] = image.size
    except EOFError:
        pass
    except Image.DecompressionBombError as error:
        raise _too_many() from error
    except BROKEN as error:
        raise UnreadablePicture from error
    if len(sizes) > MAX_PAGES:
        raise TooManyPages(f"The TIFF has more than {MAX_PAGES} pages, which is the limit.")
    pixels = sum(width * height for width, height in sizes.values())
    if pixels > MAX_PIXELS:
        raise _too_many(f"{pixels / 1e6:.1f} megapixels")
    if not sizes or not all(width and height for width, height in sizes.values()):
        raise UnreadablePicture("The picture has no pixels.")
    return sizes


def _is_reduced(image: Image.Image) -> bool:
    """Whether a TIFF's frame says that it is a smaller copy of another."""
    tags = getattr(image, "tag_v2", {})
    return bool(int(tags.get(_SUBFILE_TYPE, 0)) & 1)


def _too_many(size: str = "more than twice as many pixels") -> TooManyPixels:
    return TooManyPixels(f"The limit is {MAX_PIXELS // 1_000_000} megapixels; this picture has {size}.")


def _reason(error: BaseException) -> str:
    return str(error).split("\n")[0].rstrip(".") or type(error).__name__


def _orientation(image: Image.Image) -> int:
    # Pillow would decode a whole PNG to look for an eXIf chunk behind the pixels.
    if image.format == "PNG" and "exif" not in image.info:
        return 1
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except BROKEN:
        return 1


def _converted(image: Image.Image, data: bytes, page: int, *, single: bool) -> Picture:
    grey = image.mode in {"1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F"}
    jpeg, lossless = _coding(image, data)
    deep = deep_samples(image, data, _orientation(image)) if single else None
    upright = image
    # A picture that stands upright would be copied.
    if _orientation(image) != 1:
        try:
            upright = ImageOps.exif_transpose(image)
        except BROKEN:
            upright = image
    icc = image.info.get("icc_profile") or None
    if deep is not None:
        rgb, alpha, kept = deep.rgb(), deep.alpha(), icc if deep.keeps(icc) else None
    else:
        rgb, alpha, kept = channels(upright, icc)
    return Picture(
        rgb=rgb,
        alpha=alpha,
        deep=deep,
        media_type=_media_type(image),
        icc=kept,
        jpeg=jpeg,
        grey=grey,
        lossless=lossless,
        sha256=hashlib.sha256(data).hexdigest(),
        page=page,
    )


def _coding(image: Image.Image, data: bytes) -> tuple[JpegCoding | None, bool]:
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        tables = {int(k): [int(v) for v in t] for k, t in image.quantization.items()}
        # Four inks become three channels, none of them with fewer samples.
        sampling = 0 if image.mode == "CMYK" else JpegImagePlugin.get_sampling(image)
        return JpegCoding(tables, sampling, bool(image.info.get("progressive"))), False
    if image.format == "WEBP":
        return None, is_lossless_webp(data)
    return None, image.format != "AVIF"


def to_srgb(picture: Picture) -> Pixels:
    """The picture's colour as sRGB numbers, by its profile where it has one. May be `picture.rgb` itself."""
    if picture.icc is None:
        return picture.rgb
    managed = to_standard(Image.fromarray(picture.rgb), picture.icc)
    return picture.rgb if managed is None else np.array(managed)
