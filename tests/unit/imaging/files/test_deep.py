"""Pictures of 16 bits: what is not changed keeps every bit."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from shared.imaging.files import deep
from shared.imaging.files.decode import decode
from shared.imaging.files.deep import MAX_DEEP_PIXELS, deep_samples
from shared.imaging.files.encode import encode

SUFFIX = {"image/png": ".png", "image/tiff": ".tiff"}


def coded(samples: np.ndarray, media_type: str) -> bytes:
    """OpenCV's own coding, in its order of channels."""
    order = samples if samples.ndim == 2 else samples[..., [2, 1, 0, 3][: samples.shape[2]]]
    return cv2.imencode(SUFFIX[media_type], order)[1].tobytes()


def read(data: bytes) -> np.ndarray:
    samples = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    return samples if samples.ndim == 2 else samples[..., [2, 1, 0, 3][: samples.shape[2]]]


def png(width: int, height: int, colour: int, rows: bytes) -> bytes:
    """A PNG of 16 bits in a colour type that neither library writes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(4).integers(0, 65536, shape).astype(np.uint16)


@pytest.mark.parametrize("media_type", SUFFIX)
@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3), (20, 30, 4)])
def test_unchanged_samples_come_back_bit_for_bit(media_type: str, shape: tuple[int, ...]) -> None:
    samples = noise(*shape)
    picture = decode(coded(samples, media_type))
    assert picture.media_type == media_type
    again = read(encode(picture, picture.rgb.copy(), picture.alpha))
    assert again.dtype == np.uint16
    assert np.array_equal(again, samples)


def test_changed_pixels_alone_change() -> None:
    samples = noise(20, 30, 3)
    picture = decode(coded(samples, "image/png"))
    rgb = picture.rgb.copy()
    rgb[5:9, 5:9] = (255, 0, 128)
    again = read(encode(picture, rgb, None))
    assert (again[5:9, 5:9] == (65535, 0, 128 * 257)).all()
    again[5:9, 5:9] = samples[5:9, 5:9]
    assert np.array_equal(again, samples)


def test_a_cleared_alpha_is_written_and_the_rest_kept() -> None:
    samples = noise(20, 30, 4)
    picture = decode(coded(samples, "image/png"))
    assert picture.alpha is not None
    alpha = picture.alpha.copy()
    alpha[0, 0] = 0
    again = read(encode(picture, picture.rgb, alpha))
    assert again[0, 0, 3] == 0
    assert np.array_equal(again.reshape(-1)[4:], samples.reshape(-1)[4:])


def test_grey_with_alpha_keeps_its_depth() -> None:
    grey, alpha = noise(20, 30), noise(20, 30)
    rows = np.dstack([grey, alpha]).astype(">u2")
    data = png(30, 20, 4, b"".join(b"\0" + row.tobytes() for row in rows))
    picture = decode(data)
    again = read(encode(picture, picture.rgb.copy(), picture.alpha))
    assert np.array_equal(again, np.dstack([grey, grey, grey, alpha]))


def test_grey_gets_colour_only_where_colour_is_drawn() -> None:
    samples = noise(20, 30)
    picture = decode(coded(samples, "image/png"))
    assert picture.grey
    rgb = picture.rgb.copy()
    rgb[3, 3] = (10, 10, 10)
    assert read(encode(picture, rgb, None)).shape == (20, 30)
    rgb[3, 3] = (255, 0, 0)
    again = read(encode(picture, rgb, None))
    assert tuple(again[3, 3]) == (65535, 0, 0)
    assert np.array_equal(again[10, :, 1], samples[10])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_turns_the_samples_as_pillow_turns_pictures(orientation: int) -> None:
    samples = noise(20, 30)
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    Image.fromarray(samples).save(out, format="PNG", exif=exif)
    eight = io.BytesIO()
    Image.fromarray((samples // 257).astype(np.uint8)).save(eight, format="PNG", exif=exif)
    deep_picture, plain = decode(out.getvalue()), decode(eight.getvalue())
    assert deep_picture.size == plain.size
    assert np.abs(deep_picture.rgb.astype(int) - plain.rgb).max() <= 1


def test_a_profile_stays_with_the_numbers_it_speaks_of() -> None:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = deep.encoded(noise(20, 30, 3), "image/png", icc)
    picture = decode(data)
    assert picture.icc == icc
    assert picture.deep is not None
    again = Image.open(io.BytesIO(encode(picture, picture.rgb, None)))
    assert again.info["icc_profile"] == icc


def test_very_large_pictures_are_worked_on_in_eight_bits() -> None:
    wide = MAX_DEEP_PIXELS // 1000 + 1
    image = Image.new("I;16", (wide, 1000))
    assert deep_samples(image, b"", 1) is None
