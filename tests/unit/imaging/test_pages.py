"""A TIFF of several pages: read as one scene, drawn page by page, written as one TIFF."""

import io

import numpy as np
from PIL import Image, ImageCms

from shared.imaging.files.decode import decode
from shared.imaging.pages import gathered, of_page
from shared.imaging.render import render
from shared.scenes.schemas import Translation


def tiff(*pages: np.ndarray) -> bytes:
    out = io.BytesIO()
    first, *others = map(Image.fromarray, pages)
    first.save(out, format="TIFF", save_all=True, append_images=others)
    return out.getvalue()


def two_pages(page):
    first, second = page(400, 200), page(500, 300)
    first.write("Good morning", 40, 90)
    second.write("Keep the door shut", 60, 150)
    second.write("Thank you", 60, 240)
    data = tiff(first.pixels, second.pixels)
    scenes = [each.scene(decode(data, n)) for n, each in enumerate((first, second))]
    return data, gathered(scenes)


def test_one_scene_knows_the_page_and_size_of_everything(page) -> None:
    _, scene = two_pages(page)
    assert [(block.id, block.page, block.text) for block in scene.blocks] == [
        ("b0", 0, "Good morning"),
        ("b1", 1, "Keep the door shut"),
        ("b2", 1, "Thank you"),
    ]
    assert [(p.width, p.height) for p in scene.source.pages] == [(400, 200), (500, 300)]
    second = of_page(scene, 1)
    assert (second.source.width, second.source.height, len(second.blocks)) == (500, 300, 2)


def test_a_single_page_is_its_own_scene(page) -> None:
    one = page(400, 200)
    one.write("Good morning", 40, 90)
    scene = one.scene()
    assert gathered([scene]) is scene
    assert of_page(scene, 0) is scene


def test_each_page_is_drawn_and_only_where_its_own_text_stood(page, fonts) -> None:
    data, scene = two_pages(page)
    scene.blocks[2].translations["es"] = Translation(text="Gracias", engine="t")
    rendered = render(data, scene, "es", fonts)
    assert set(rendered.drawn) == {"b2"}
    assert rendered.media_type == "image/tiff"
    assert np.array_equal(decode(rendered.data, 0).rgb, decode(data, 0).rgb)
    before, after = decode(data, 1).rgb, decode(rendered.data, 1).rgb
    rows = np.nonzero((before != after).any(axis=(1, 2)))[0]
    assert rows.size
    assert rows.min() > 200


def test_pages_keep_their_own_profiles(page, fonts) -> None:
    profiles = [ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), None]
    out = io.BytesIO()
    first, second = (Image.new("RGB", size, "white") for size in ((80, 60), (60, 80)))
    first.encoderinfo = {"icc_profile": profiles[0]}
    first.save(out, format="TIFF", save_all=True, append_images=[second], icc_profile=profiles[0])
    data = out.getvalue()
    scenes = [page(*decode(data, n).size).scene(decode(data, n)) for n in range(2)]
    again = render(data, gathered(scenes), "es", fonts).data
    assert [decode(again, n).icc for n in range(2)] == [decode(data, n).icc for n in range(2)]
