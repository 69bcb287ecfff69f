"""Where the local engine says a line stands, and which language it takes a picture to be in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from local.engines import tesseract
from local.engines.geometry import Crop, straighten
from local.engines.guess import language_of, script_in
from local.engines.lines import Mark, line_from

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "build" / "fonts"


@pytest.fixture(scope="module", autouse=True)
def fonts() -> None:
    subprocess.run([sys.executable, "-m", "tools.fonts", "--to", str(FOLDER)], cwd=ROOT, check=True)


def drawn(text: str, size: int = 40) -> np.ndarray:
    face = ImageFont.truetype(str(FOLDER / "NotoSans.ttf"), size)
    picture = Image.new("RGB", (round(face.getlength(text)) + 40, 2 * size), "white")
    ImageDraw.Draw(picture).text((20, 1.4 * size), text, font=face, fill="black", anchor="ls")
    return np.asarray(picture)[:, :, ::-1].copy()


def crop_of(picture: np.ndarray) -> Crop:
    height, width = picture.shape[:2]
    return straighten(picture, np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32))


def test_a_line_is_as_high_as_its_ink() -> None:
    picture = drawn("Hig")
    rows = np.flatnonzero((picture < 128).any(axis=(1, 2)))
    line = line_from([Mark("H", 35, 0.9), Mark("i", 55, 0.9), Mark("g", 70, 0.9)], crop_of(picture))
    assert abs(line.quad[0][1] - rows[0]) <= 1.5
    assert abs(line.quad[2][1] - rows[-1] - 1) <= 1.5
    assert all((word.quad[:, 1] == line.quad[:, 1]).all() for word in line.words)


def test_the_next_lines_tips_are_no_ink_of_this_one() -> None:
    picture = drawn("Hig")
    picture[:3, 25:60] = 0
    line = line_from([Mark("H", 35, 0.9), Mark("g", 70, 0.9)], crop_of(picture))
    assert line.quad[0][1] > 15


@pytest.mark.skipif(not {"rus", "eng", "ell"} <= tesseract.installed(), reason="Tesseract's data is missing")
@pytest.mark.parametrize(
    ("lines", "language"),
    [
        (["Осторожно, мокрый пол", "Вход воспрещён", "Музей открыт"], "rus"),
        (["Προσοχή στο σκαλοπάτι", "Απαγορεύεται η στάθμευση"], "ell"),
        (["Please mind the step", "No parking"], None),
        ([], None),
    ],
)
def test_the_script_is_found_by_reading(lines: list[str], language: str | None) -> None:
    assert language_of([crop_of(drawn(line)) for line in lines], tesseract.installed()) == language


@pytest.mark.skipif("eng" not in tesseract.installed(), reason="Tesseract's data is missing")
def test_lines_read_together_stay_apart() -> None:
    read = tesseract.read_lines([drawn(text) for text in ("First line", "12.50", "Third")], "eng")
    assert ["".join(mark.text for mark in marks) for marks in read] == ["Firstline", "12.50", "Third"]
    assert [mark.after_space for mark in read[0]].count(True) == 1
    assert tesseract.read_lines([], "eng") == []


def test_languages_of_one_script_are_told() -> None:
    assert (script_in("ukr"), script_in("fas"), script_in("ben")) == ("CYRILLIC", "ARABIC", None)
