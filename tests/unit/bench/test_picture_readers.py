import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from bench.pictures.readers import readable, recognise
from bench.pictures.scripts import OWN_FONTS


@pytest.mark.skipif(not readable("en"), reason="the engine or its English is not installed")
def test_what_the_engine_finds_becomes_a_recognition() -> None:
    page = Image.new("RGB", (400, 120), "white")
    font = ImageFont.truetype(str(OWN_FONTS / "NotoSans.ttf"), 32)
    ImageDraw.Draw(page).text((30, 35), "Museum open", fill="black", font=font)
    found = recognise(np.asarray(page), "en")
    assert [word.text for word in found.words] == ["Museum", "open"]
    assert found.language == "en"
