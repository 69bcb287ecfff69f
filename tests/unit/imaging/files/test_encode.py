import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from shared.imaging.files.decode import decode
from shared.imaging.files.derivative import derivative
from shared.imaging.files.encode import encode


def picture_of(pixels: np.ndarray, name: str, **options: object):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format=name, **options)
    return decode(out.getvalue())


def noise(height: int, width: int, channels: int = 3, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


@pytest.mark.parametrize(
    ("name", "options"),
    [("PNG", {}), ("TIFF", {}), ("BMP", {}), ("WEBP", {"lossless": True, "exact": True})],
)
def test_lossless_formats_give_the_same_pixels(name: str, options: dict) -> None:
    picture = picture_of(noise(30, 40), name, **options)
    again = decode(encode(picture, picture.rgb, picture.alpha))
    assert again.media_type == picture.media_type
    assert np.array_equal(again.rgb, picture.rgb)


def test_alpha_survives_with_the_colour_under_it() -> None:
    picture = picture_of(noise(20, 20, 4), "PNG")
    again = decode(encode(picture, picture.rgb, picture.alpha))
    assert np.array_equal(again.alpha, picture.alpha)
    assert np.array_equal(again.rgb, picture.rgb)


def test_alpha_of_a_bitmap_survives() -> None:
    picture = decode(cv2.imencode(".bmp", noise(20, 20, 4))[1].tobytes())
    assert picture.alpha is not None
    again = decode(encode(picture, picture.rgb, picture.alpha))
    assert np.array_equal(again.alpha, picture.alpha)
    assert np.array_equal(again.rgb, picture.rgb)


@pytest.mark.parametrize("wrapped", ["profile", "animation"])
def test_a_webp_without_loss_stays_so_whatever_stands_before_its_pixels(wrapped: str) -> None:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    more = [Image.fromarray(noise(30, 40, seed=2))]
    options = {"icc_profile": icc} if wrapped == "profile" else {"save_all": True, "append_images": more}
    picture = picture_of(noise(30, 40), "WEBP", lossless=True, exact=True, **options)
    again = decode(encode(picture, picture.rgb, picture.alpha))
    assert np.array_equal(again.rgb, picture.rgb)
    lossy = picture_of(noise(30, 40), "WEBP", quality=50, **options)
    assert not lossy.lossless


def test_gif_keeps_every_colour_of_the_source_beside_new_ones() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    picture = picture_of(np.stack([levels, 255 - levels, levels // 2], axis=2)[:, :12], "GIF")
    changed = picture.rgb.copy()
    changed[:4] = noise(4, 12)
    again = decode(encode(picture, changed, None))
    assert np.array_equal(again.rgb[4:], picture.rgb[4:])


def test_jpeg_is_coded_with_the_tables_and_sampling_of_the_source() -> None:
    for quality, sampling in ((60, 2), (92, 0)):
        picture = picture_of(noise(64, 64), "JPEG", quality=quality, subsampling=sampling)
        again = decode(encode(picture, picture.rgb, None))
        assert again.jpeg == picture.jpeg


def test_a_cmyk_jpeg_keeps_its_quality() -> None:
    inks = Image.fromarray(noise(64, 64)).convert("CMYK")
    out = io.BytesIO()
    inks.save(out, format="JPEG", quality=60)
    picture = decode(out.getvalue())
    again = decode(encode(picture, picture.rgb, None))
    assert again.jpeg is not None
    assert again.jpeg.tables[0] == picture.jpeg.tables[0]
    assert again.jpeg.subsampling == 0


def test_grey_stays_grey() -> None:
    picture = picture_of(noise(8, 8)[..., 0], "PNG")
    assert Image.open(io.BytesIO(encode(picture, picture.rgb, None))).mode == "L"


def test_derivative_is_lossless_when_small() -> None:
    picture = picture_of(np.full((50, 80, 3), 200, np.uint8), "PNG")
    copy = derivative(picture)
    assert (copy.media_type, copy.width, copy.height) == ("image/png", 80, 50)


def test_derivative_keeps_to_the_bytes_before_it_gives_up_size() -> None:
    picture = picture_of(noise(300, 400), "PNG")
    copy = derivative(picture, max_bytes=300_000)
    assert len(copy.data) <= 300_000
    assert (copy.width, copy.height) == (400, 300)
    small = derivative(picture, max_bytes=20_000)
    assert len(small.data) <= 20_000
    assert small.width < 400
    assert Image.open(io.BytesIO(small.data)).size == (small.width, small.height)


def test_derivative_keeps_to_the_pixels() -> None:
    copy = derivative(picture_of(noise(300, 400), "PNG"), max_pixels=30_000)
    assert copy.width * copy.height <= 30_000
    assert abs(copy.width / copy.height - 4 / 3) < 0.02


def test_derivative_shows_light_ink_on_transparency() -> None:
    pixels = np.zeros((20, 20, 4), np.uint8)
    pixels[5:15, 5:15] = 255
    shown = np.array(Image.open(io.BytesIO(derivative(picture_of(pixels, "PNG")).data)))
    assert shown[0, 0].max() == 0
    assert shown[10, 10].min() == 255
