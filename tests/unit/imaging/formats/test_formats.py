"""SVG, PDF, hOCR and HTML of a translated picture: live text where the picture shows it, and nothing else."""

from __future__ import annotations

import base64
import io
import re
from html import unescape

import numpy as np
import pypdfium2
import pytest
from defusedxml import ElementTree
from PIL import Image

from shared.core.formats import Format
from shared.imaging.files.decode import decode
from shared.imaging.formats.make import make
from shared.imaging.pages import gathered
from shared.scenes.schemas import Translation

SVG = "{http://www.w3.org/2000/svg}"


def png(pixels: np.ndarray, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG", **options)
    return out.getvalue()


@pytest.fixture
def made(page, fonts):
    def run(text: str, target: str, wanted: list[Format], turn: float = 0, **options: object):
        sheet = page(640, 240, turn=turn)
        sheet.write("Keep the door shut", 120, 130, 36)
        data = png(sheet.pixels, **options)
        scene = sheet.scene(decode(data))
        scene.blocks[0].translations[target] = Translation(text=text, engine="t")
        rendered, files = make(data, scene, target, fonts, wanted)
        return rendered, {file.format: file.data for file in files}, data

    return run


def text_of(pdf: bytes, page: int = 0) -> str:
    return pypdfium2.PdfDocument(pdf)[page].get_textpage().get_text_range().replace("\r\n", " ").strip()


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("es", "Cerrad la puerta"),
        ("ar", "أغلق الباب 2024"),
        ("he", "סגרו את הדלת"),
        ("hi", "दरवाज़ा बंद रखें"),
        ("ja", "扉を閉めてください"),
        ("th", "กรุณาปิดประตู"),
    ],
)
def test_the_text_of_a_pdf_is_read_as_it_was_written(made, target, text) -> None:
    _, files, _ = made(text, target, [Format.PDF])
    assert re.sub(r"\s+", "", text_of(files[Format.PDF])) == text.replace(" ", "")


def test_a_pdf_shows_the_finished_picture(made) -> None:
    rendered, files, _ = made("Cerrad la puerta", "es", [Format.PDF])
    document = pypdfium2.PdfDocument(files[Format.PDF])
    shown = np.asarray(document[0].render(scale=96 / 72).to_pil().convert("RGB")).astype(int)
    assert shown.shape == (240, 640, 3)
    assert np.abs(shown - decode(rendered.data).rgb).max() <= 2


def test_the_text_of_a_pdf_lies_over_its_picture(made) -> None:
    rendered, files, data = made("Cerrad la puerta", "es", [Format.PDF], turn=8)
    page = pypdfium2.PdfDocument(files[Format.PDF])[0].get_textpage()
    boxes = np.array([page.get_charbox(i) for i in range(page.count_chars())]) / 0.75
    changed = np.nonzero((decode(rendered.data).rgb != decode(data).rgb).any(axis=2))
    assert abs(boxes[:, 0].min() - changed[1].min()) < 24
    assert abs((240 - boxes[:, 3].max()) - changed[0].min()) < 40


def test_a_pdf_has_a_page_for_each_page(page, fonts) -> None:
    sheets = [page(400, 200), page(300, 300)]
    for sheet, words in zip(sheets, ("Good morning", "Good night"), strict=True):
        sheet.write(words, 40, 120)
    out = io.BytesIO()
    first, second = (Image.fromarray(sheet.pixels) for sheet in sheets)
    first.save(out, format="TIFF", save_all=True, append_images=[second])
    scene = gathered([sheet.scene(decode(out.getvalue(), n)) for n, sheet in enumerate(sheets)])
    for block, text in zip(scene.blocks, ("Buenos días", "Buenas noches"), strict=True):
        block.translations["es"] = Translation(text=text, engine="t")
    _, files = make(out.getvalue(), scene, "es", fonts, list(Format))
    found = {file.format: file.data for file in files}
    assert [text_of(found[Format.PDF], n) for n in range(2)] == ["Buenos días", "Buenas noches"]
    root = ElementTree.fromstring(found[Format.SVG])
    assert [(each.get("y"), each.get("width")) for each in root.findall(f"{SVG}svg")] == [
        ("0", "400"),
        ("200", "300"),
    ]
    assert found[Format.HOCR].count(b'class="ocr_page"') == 2


def test_an_svg_holds_live_text_over_an_erased_picture_and_asks_for_nothing(made) -> None:
    rendered, files, data = made("Cerrad <ya> & bien", "es", [Format.SVG])
    root = ElementTree.fromstring(files[Format.SVG])
    texts = ["".join(each.itertext()) for each in root.iter(f"{SVG}text")]
    assert " ".join(" ".join(texts).split()) == "Cerrad <ya> & bien"
    image = next(root.iter(f"{SVG}image")).get("href")
    assert image.startswith("data:image/png;base64,")
    assert set(re.findall(rb"(?:href=\"|url\()(\w+):", files[Format.SVG])) == {b"data"}
    erased = decode(base64.b64decode(image.partition(",")[2])).rgb
    assert (erased != decode(data).rgb).any()
    assert (erased != decode(rendered.data).rgb).any()


def test_an_svg_carries_the_fonts_it_needs(made) -> None:
    _, files, _ = made("扉を閉めて 2024", "ja", [Format.SVG])
    text = files[Format.SVG].decode()
    named = set(re.findall(r'font-family="(f\d+)', text))
    assert named
    assert named <= set(re.findall(r"font-family:(f\d+)", text))


def test_hocr_has_every_word_where_it_stands(made) -> None:
    _, files, _ = made("Cerrad la puerta", "es", [Format.HOCR])
    text = files[Format.HOCR].decode()
    words = re.findall(r'ocrx_word" title="bbox (\d+) (\d+) (\d+) (\d+)">([^<]*)<', text)
    assert [unescape(word[4]) for word in words] == ["Cerrad", "la", "puerta"]
    lefts = [int(word[0]) for word in words]
    assert lefts == sorted(lefts)
    assert all(int(w[0]) < int(w[2]) <= 640 and int(w[1]) < int(w[3]) <= 240 for w in words)


def test_hocr_reads_from_right_to_left(made) -> None:
    _, files, _ = made("أغلق الباب", "ar", [Format.HOCR])
    words = re.findall(r'ocrx_word" title="bbox (\d+) [^"]*">([^<]*)<', files[Format.HOCR].decode())
    assert [text for _, text in words] == ["أغلق", "الباب"]
    assert int(words[0][0]) > int(words[1][0])


def test_a_page_of_html_shows_both_and_tells_nothing_of_the_camera(made) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera of Ann"
    _, files, _ = made("<script>alert(1)</script>", "es", [Format.HTML], exif=exif)
    text = files[Format.HTML].decode()
    assert text.count("<img src=") == 2
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "Keep the door shut" in text
    for image in re.findall(r'base64,([^"]+)"', text):
        assert b"Camera of Ann" not in base64.b64decode(image)


def test_only_what_is_wanted_is_made(made) -> None:
    _, files, _ = made("Cerrad la puerta", "es", [])
    assert files == {}
