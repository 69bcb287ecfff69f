import pytest

from shared.imaging.typesetting.fonts import FontLibrary
from shared.imaging.typesetting.reach import reach
from shared.imaging.typesetting.shape import Shaper


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Gypsum", "en"),
        ("summer", "en"),
        ("Άτομα", "el"),
        ("Йод", "ru"),
        ("الإعدادات", "ar"),
        ("سلطة خضراء", "ar"),
        ("الضيوف", "ar"),
        ("بيت", "ar"),
        ("دار", "ar"),
        ("प्याज़", "hi"),
        ("वर्षा", "hi"),
        ("गृह", "hi"),
        ("น้ำส้ม", "th"),
        ("デザート", "ja"),
        ("めぐり", "ja"),
    ],
)
def test_reach_is_that_of_the_faces(fonts: FontLibrary, text: str, language: str) -> None:
    ink = Shaper.of(fonts, language).shape(text).ink
    assert ink is not None
    assert reach(text) == pytest.approx((-ink.top, max(0.01, ink.bottom)), abs=0.09)
