import dataclasses
import io
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

from shared.core.errors import Conflict
from shared.imaging.errors import FontsMissing
from shared.imaging.files.decode import decode
from shared.imaging.frame import filled, grown
from shared.imaging.render import render
from shared.imaging.scene import build_scene
from shared.imaging.typesetting.fonts import FontLibrary
from shared.scenes.recognition import Recognition
from shared.scenes.schemas import Flag, LeaveAlone, Translation

EN = "please close the door"
ES = "por favor cierre la puerta"


def gradient(height: int, width: int) -> np.ndarray:
    return (np.linspace(40, 220, width)[None, :, None] * np.array([1, 0.8, 0.6])).repeat(height, axis=0)


def texture(height: int, width: int) -> np.ndarray:
    blobs = cv2.GaussianBlur(np.random.default_rng(3).normal(0, 1, (height, width)), (0, 0), 3)
    return np.clip(150 + 260 * blobs[..., None] * np.ones(3), 0, 255)


def region(scene, shape, margin: float) -> np.ndarray:
    return filled(shape, [grown(b.polygon, margin, margin) for b in scene.blocks])


@pytest.mark.parametrize("turn", [0, 11])
def test_outside_of_the_blocks_no_pixel_changes(page, translate, fonts, turn: float) -> None:
    made = page(ground=texture(400, 640), turn=turn)
    made.write(EN, 120, 200, size=32, ink=(250, 250, 250))
    picture = made.picture()
    scene = translate(made.scene(picture), {EN: ES})
    result = decode(render(picture, scene, "es", fonts).data)
    changed = (result.rgb != picture.rgb).any(axis=2)
    assert changed.sum() > 500
    # The text may grow sideways into free space, but on a busy ground there is none to be sure of.
    assert not (changed & ~region(scene, changed.shape, 5.5 * 32)).any()


def test_blocks_without_a_new_text_stay_as_they_are(page, translate, fonts) -> None:
    made = page()
    made.write(EN, 40, 80)
    made.write("ACME 3000", 40, 200)
    picture = made.picture()
    scene = translate(made.scene(picture), {EN: ES, "ACME 3000": "ACME 3000"})
    result = decode(render(picture, scene, "es", fonts).data)
    assert np.array_equal(result.rgb[150:], picture.rgb[150:])
    assert not np.array_equal(result.rgb[:150], picture.rgb[:150])
    for texts in ({}, {EN: ""}, {EN: EN}):
        same = decode(render(picture, translate(made.scene(picture), texts), "es", fonts).data)
        assert np.array_equal(same.rgb, picture.rgb)


def erased(made, translate, fonts) -> tuple[np.ndarray, np.ndarray]:
    """The picture with its text replaced by one dot, and a mask of where the source had ink."""
    picture = made.picture()
    scene = translate(made.scene(picture), {EN: "."})
    return decode(render(picture, scene, "es", fonts).data).rgb.astype(int), picture.rgb.astype(int)


def test_flat_ground_is_restored_exactly(page, translate, fonts) -> None:
    made = page(ground=(200, 180, 90))
    made.write(EN, 40, 80, size=40)
    result, _ = erased(made, translate, fonts)
    assert np.abs(result[:, 100:] - (200, 180, 90)).max() <= 1


def test_gradient_ground_is_restored(page, translate, fonts) -> None:
    ground = gradient(400, 640)
    made = page(ground=ground)
    made.write(EN, 40, 200, size=40, ink=(255, 255, 255))
    result, _ = erased(made, translate, fonts)
    assert np.abs(result[:, 100:] - ground[:, 100:]).max() <= 5


def test_texture_is_continued_without_traces_of_letters(page, translate, fonts) -> None:
    ground = texture(400, 640)
    made = page(ground=ground)
    made.write(EN, 40, 200, size=40, ink=(10, 10, 60))
    result, source = erased(made, translate, fonts)
    inked = np.abs(source - ground).max(axis=2) > 60
    inked[:, :100] = False
    assert np.abs(result - ground)[inked].mean() < 0.25 * np.abs(source - ground)[inked].mean()
    # Letters were blue; nothing blue is left.
    assert (result[..., 2] - result[..., 0])[:, 100:].max() < 30


def test_no_text_goes_on_where_the_picture_is_transparent(page, translate, fonts) -> None:
    made = page(800, 300)
    made.write(EN, 40, 120, size=40)
    alpha = np.full((300, 800), 255, np.uint8)
    edge = 60 + max(x for word in made.words for x, _ in word.polygon)
    alpha[:, round(edge) :] = 0
    picture = dataclasses.replace(made.picture(), alpha=alpha)
    scene = translate(made.scene(picture), {EN: f"{EN} {EN}"})
    rendered = render(picture, scene, "es", fonts)
    assert np.array_equal(decode(rendered.data).alpha, alpha)


def test_a_longer_line_goes_on_in_free_space_before_it_is_broken(page, fonts) -> None:
    made = page(1000, 400, (255, 255, 255))
    made.write("No parking", 40, 120, size=40)
    picture = made.picture()
    (block,) = (scene := made.scene(picture)).blocks
    translation = {"es": Translation(text="Prohibido estacionarse", engine="t")}
    changed = block.model_copy(update={"translations": translation})
    rendered = render(picture, scene.model_copy(update={"blocks": [changed]}), "es", fonts)
    ys, xs = np.nonzero(decode(rendered.data).rgb.min(axis=2) < 128)
    assert np.ptp(ys) < 45
    assert abs(xs.min() - np.nonzero(picture.rgb.min(axis=2) < 128)[1].min()) < 8
    assert xs.max() > 400


def test_text_never_covers_a_neighbour(page, translate, fonts) -> None:
    made = page()
    made.write("no", 40, 80)
    made.write("12345 67890", 110, 80, ink=(180, 0, 0))
    picture = made.picture()
    scene = made.scene(picture)
    assert len(scene.blocks) == 2
    scene = translate(scene, {"no": "absolutamente prohibido entrar aquí sin permiso"})
    result = decode(render(picture, scene, "es", fonts).data)
    kept = filled((400, 640), [np.array(scene.blocks[1].polygon)])
    assert np.array_equal(result.rgb[kept], picture.rgb[kept])


def test_text_never_covers_where_another_translation_comes(page, translate, fonts) -> None:
    made = page()
    made.write("no", 40, 80)
    made.write("12345 67890", 110, 80, ink=(200, 0, 0))
    picture = made.picture()
    long = {"no": "absolutamente prohibido entrar aquí sin permiso", "12345 67890": "siete"}
    scene = translate(made.scene(picture), long)
    result = decode(render(picture, scene, "es", fonts).data).rgb
    taken = filled((400, 640), [np.array(scene.blocks[1].polygon)])
    assert (result[..., 0][taken] > 150).all()


def test_what_stays_keeps_its_pixels_where_polygons_overlap(page, translate, fonts) -> None:
    made = page()
    made.write(EN, 40, 80)
    picture = made.picture()
    scene = translate(made.scene(picture), {EN: "."})
    block = scene.blocks[0]
    a, b, c, d = block.polygon
    half = [((a[0] + b[0]) / 2, a[1]), b, c, ((c[0] + d[0]) / 2, c[1])]
    line = block.lines[0].model_copy(update={"polygon": half, "words": []})
    other = {"id": "b2", "polygon": half, "lines": [line], "text": "stays", "translations": {}}
    scene = scene.model_copy(update={"blocks": [block, block.model_copy(update=other)]})
    result = decode(render(picture, scene, "es", fonts).data).rgb
    kept = filled((400, 640), [np.array(half)])
    assert np.array_equal(result[kept], picture.rgb[kept])
    assert not np.array_equal(result, picture.rgb)


def test_drawn_text_has_the_ink_of_the_source(page, translate, fonts) -> None:
    made = page(ground=(240, 240, 240))
    made.write(EN, 40, 80, size=40, ink=(150, 20, 40), weight=700)
    picture = made.picture()
    result = decode(render(picture, translate(made.scene(picture), {EN: ES}), "es", fonts).data)
    darkest = result.rgb[40:110].reshape(-1, 3)[np.argsort(result.rgb[40:110].sum(axis=2).ravel())[:200]]
    assert np.abs(np.median(darkest, axis=0) - (150, 20, 40)).max() <= 6


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF"])
def test_result_has_the_format_of_the_source(page, translate, fonts, name: str) -> None:
    made = page()
    made.write(EN, 40, 80)
    picture = made.picture(name)
    result = render(picture, translate(made.scene(picture), {EN: ES}), "es", fonts)
    assert result.media_type == picture.media_type
    assert Image.open(io.BytesIO(result.data)).format == name


def test_letters_on_transparency_are_cleared_and_drawn_opaque(page, translate, fonts) -> None:
    made = page(ground=(255, 255, 255))
    made.write(EN, 40, 80, size=40)
    alpha = 255 - made.pixels[..., 0]
    out = io.BytesIO()
    Image.fromarray(np.dstack([np.full_like(made.pixels, 20), alpha])).save(out, format="PNG")
    picture = decode(out.getvalue())
    result = decode(render(picture, translate(made.scene(picture), {EN: "sí"}), "es", fonts).data)
    assert result.alpha is not None
    assert result.alpha[:, 150:].max() == 0
    assert result.alpha[:, :150].max() == 255


def test_the_same_input_gives_the_same_bytes(page, translate, fonts) -> None:
    made = page(ground=texture(400, 640))
    made.write(EN, 40, 80)
    picture = made.picture("JPEG", quality=80)
    scene = translate(made.scene(picture), {EN: ES})
    assert render(picture, scene, "es", fonts).data == render(picture, scene, "es", fonts).data


def test_the_scene_of_another_picture_is_refused(page, fonts) -> None:
    with pytest.raises(Conflict):
        render(page(100, 100).picture(), page(200, 100).scene(), "es", fonts)


def test_a_missing_or_changed_font_is_an_error_at_once(font_folder, tmp_path) -> None:
    with pytest.raises(FontsMissing, match=r"NotoSans\.ttf"):
        FontLibrary(tmp_path)
    shutil.copytree(font_folder, tmp_path / "fonts")
    FontLibrary(tmp_path / "fonts")
    (tmp_path / "fonts" / "NotoSansThai.ttf").write_bytes(b"something else")
    with pytest.raises(FontsMissing, match="NotoSansThai"):
        FontLibrary(tmp_path / "fonts")


def test_an_excluded_area_keeps_every_pixel_and_its_text_is_a_text_apart(page, fonts) -> None:
    made = page(700, 300)
    made.write("Please keep this door", 40, 80)
    made.write("closed at all times", 40, 110)
    picture = made.picture()
    leave_alone = LeaveAlone(exclude=[[[30, 90], [400, 120]], [[500, 20], [690, 20], [690, 280]]])
    recognition = Recognition(width=700, height=300, language="en", words=made.words)
    scene = build_scene(recognition, picture, "test", leave_alone)
    assert [(block.text, block.flags) for block in scene.blocks] == [
        ("Please keep this door", []),
        ("closed at all times", [Flag.EXCLUDED]),
    ]
    scene.blocks[0].translations["de"] = Translation(
        text="Bitte halten Sie diese Tür zu jeder Zeit und bei jedem Wetter geschlossen", engine="test"
    )
    result = decode(render(picture, scene, "de", fonts).data).rgb
    assert (result[90:120, 30:400] == picture.rgb[90:120, 30:400]).all()
    assert (result[60:85, 40:200] != picture.rgb[60:85, 40:200]).any()
