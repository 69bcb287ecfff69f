import io
import struct
import zlib
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw

from shared.core.errors import UnsupportedMedia
from shared.imaging.errors import TooManyPages, TooManyPixels, UnreadablePicture
from shared.imaging.files.decode import MAX_PAGES, MAX_PIXELS, decode, probe
from shared.imaging.files.encode import encode

FORMATS = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
    "GIF": "image/gif",
    "AVIF": "image/avif",
}


def coded(image: Image.Image, name: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format=name, **options)
    return out.getvalue()


def scenery(width: int = 60, height: int = 40) -> Image.Image:
    image = Image.new("RGB", (width, height), (200, 30, 30))
    ImageDraw.Draw(image).rectangle((0, 0, width // 2, height // 2), fill=(20, 40, 220))
    return image


def png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("name", "media_type"), FORMATS.items())
def test_every_accepted_format_is_told_by_its_content(name: str, media_type: str) -> None:
    data = coded(scenery(), name)
    info = probe(data)
    assert (info.media_type, info.sizes) == (media_type, ((60, 40),))
    picture = decode(data)
    assert picture.media_type == media_type
    assert picture.rgb.shape == (40, 60, 3)
    assert picture.rgb.dtype == np.uint8
    assert abs(int(picture.rgb[30, 50, 0]) - 200) < 12


def test_a_jpeg_with_other_pictures_behind_it_is_a_jpeg() -> None:
    """As telephones write them: Pillow calls it MPO."""
    data = coded(scenery(), "MPO", save_all=True, append_images=[scenery(30, 20)])
    assert (probe(data).media_type, probe(data).sizes) == ("image/jpeg", ((60, 40),))
    picture = decode(data)
    assert picture.media_type == "image/jpeg"
    again = Image.open(io.BytesIO(encode(picture, picture.rgb, None)))
    assert (again.format, again.size) == ("JPEG", (60, 40))


def test_empty_content_is_unreadable() -> None:
    for read in (probe, decode):
        with pytest.raises(UnreadablePicture, match="empty"):
            read(b"")


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_content_cut_short_is_unreadable(name: str) -> None:
    data = coded(Image.effect_noise((200, 200), 90).convert("RGB"), name)
    with pytest.raises(UnreadablePicture):
        decode(data[: len(data) * 2 // 3])
    with pytest.raises(UnreadablePicture):
        decode(data[:20])


def test_damaged_bytes_never_raise_anything_but_our_errors() -> None:
    rng = np.random.default_rng(5)
    for name in FORMATS:
        data = np.frombuffer(coded(scenery(), name), dtype=np.uint8)
        for _ in range(40):
            broken = data.copy()
            at = rng.integers(0, len(broken), 4)
            broken[at] = rng.integers(0, 256, 4)
            with suppress(UnreadablePicture, UnsupportedMedia, TooManyPixels):
                probe(broken.tobytes())
                decode(broken.tobytes())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"%PDF-1.7 ...", "PDF"),
        (b"PK\x03\x04....", "ZIP"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\0\0\0\x20ftypheic", "HEIC"),
        (b"Dear reader, this is no picture.", "text"),
        (bytes(range(128, 228)), "unknown"),
    ],
)
def test_other_types_are_named_and_the_accepted_ones_listed(data: bytes, said: str) -> None:
    with pytest.raises(UnsupportedMedia) as caught:
        probe(data)
    assert said in caught.value.detail
    assert "PNG" in caught.value.detail


@pytest.mark.parametrize(("width", "height"), [(10_001, 10_000), (20_000, 15_000), (60_000, 60_000)])
def test_more_pixels_than_the_limit_are_refused_undecoded(width: int, height: int) -> None:
    for read in (probe, decode):
        with pytest.raises(TooManyPixels, match=f"{MAX_PIXELS // 1_000_000} megapixels"):
            read(png_claiming(width, height))


def test_exif_orientation_is_applied_and_told_by_the_header() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = coded(scenery(), "JPEG", exif=exif, quality=95)
    assert probe(data).sizes == ((40, 60),)
    rgb = decode(data).rgb
    assert rgb.shape == (60, 40, 3)
    # The blue quarter was at the top left; turned clockwise it is at the top right.
    assert rgb[10, 30, 2] > 180
    assert rgb[10, 5, 0] > 150


def test_result_carries_no_exif_and_no_place() -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera of Ann"
    exif.get_ifd(0x8825)[2] = (52.0, 30.0, 0.0)
    for name in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF"):
        picture = decode(coded(scenery(), name, exif=exif))
        again = encode(picture, picture.rgb, picture.alpha)
        assert b"Camera of Ann" not in again
        assert not Image.open(io.BytesIO(again)).getexif().get_ifd(0x8825)


def test_sixteen_bits_keep_their_shades() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(8, axis=0)
    for name in ("PNG", "TIFF"):
        picture = decode(coded(Image.fromarray(ramp), name))
        assert np.abs(picture.rgb[0, :, 0].astype(int) - np.arange(256)).max() <= 1
        assert picture.grey


def test_cmyk_without_a_profile_becomes_rgb() -> None:
    picture = decode(coded(Image.new("CMYK", (20, 20), (0, 255, 255, 0)), "JPEG"))
    red, green, blue = (int(v) for v in picture.rgb[10, 10])
    assert red > 200
    assert max(green, blue) < 80


def test_palette_with_transparency_gives_alpha() -> None:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 1), 1)
    picture = decode(coded(image, "PNG", transparency=0))
    assert picture.alpha is not None
    assert picture.alpha[0, 0] == 0
    assert picture.alpha[1, 1] == 255
    assert tuple(picture.rgb[1, 1]) == (200, 100, 50)


def test_rgb_profile_is_kept() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = decode(coded(scenery(), "PNG", icc_profile=profile))
    assert picture.icc == profile
    again = Image.open(io.BytesIO(encode(picture, picture.rgb, None)))
    assert again.info["icc_profile"] == profile


def test_every_page_of_a_tiff_is_told_and_decoded() -> None:
    data = coded(scenery(), "TIFF", save_all=True, append_images=[scenery(90, 20), scenery(30, 30)])
    assert probe(data).sizes == ((60, 40), (90, 20), (30, 30))
    assert [decode(data, page).size for page in range(3)] == [(60, 40), (90, 20), (30, 30)]
    with pytest.raises(IndexError):
        decode(data, 3)


def test_more_pages_than_the_limit_are_refused() -> None:
    data = coded(scenery(), "TIFF", save_all=True, append_images=[scenery()] * MAX_PAGES)
    for read in (probe, decode):
        with pytest.raises(TooManyPages, match=f"more than {MAX_PAGES}"):
            read(data)


def test_the_limit_of_pixels_holds_for_all_pages_together() -> None:
    blank = Image.new("1", (8000, 7000))
    data = coded(blank, "TIFF", save_all=True, append_images=[blank], compression="group4")
    for read in (probe, decode):
        with pytest.raises(TooManyPixels, match="112"):
            read(data)


def test_a_thumbnail_in_a_tiff_is_no_page() -> None:
    small = scenery(6, 4)
    small.encoderinfo = {"tiffinfo": {254: 1}}
    assert probe(coded(scenery(), "TIFF", save_all=True, append_images=[small])).sizes == ((60, 40),)


def test_animation_gives_its_first_frame() -> None:
    data = coded(scenery(), "GIF", save_all=True, append_images=[Image.new("RGB", (60, 40))])
    assert probe(data).pages == 1
    assert decode(data).rgb[35, 55, 0] > 150
