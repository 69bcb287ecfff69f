import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.imaging.bidi import levels, visual_runs
from shared.imaging.fonts import FontLibrary
from shared.imaging.linebreak import balanced, segments, wrapped
from shared.imaging.shape import Shaper

WIDTHS = st.lists(st.floats(0.1, 9), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("es", "Precaución: ¡piso mojado!"),
        ("ar", "المتحف مفتوح (12%) كل يوم"),
        ("he", "המוזיאון פתוח כל יום"),
        ("hi", "संग्रहालय हर दिन खुला है"),
        ("th", "พิพิธภัณฑ์เปิดทุกวัน"),
        ("ja", "美術館は毎日開館しています。"),
        ("ko", "박물관은 매일 엽니다"),
        ("el", "Το μουσείο είναι ανοιχτό"),
        ("ru", "Музей открыт"),
        ("bn", "জাদুঘর খোলা"),
        ("ta", "அருங்காட்சியகம்"),
        ("vi", "Bảo tàng mở cửa hằng ngày"),
    ],
)
def test_no_character_of_common_languages_is_missing(fonts: FontLibrary, language: str, text: str) -> None:
    shaped = Shaper.of(fonts, language).shape(text)
    assert not shaped.missing
    assert shaped.ink is not None
    assert all(glyph.index for glyph in shaped.glyphs)


def test_a_character_no_font_has_is_named_and_left_out(fonts: FontLibrary) -> None:
    with_it = Shaper.of(fonts, "en").shape("a\U0001f600b")
    without = Shaper.of(fonts, "en").shape("ab")
    assert with_it.missing == {"\U0001f600"}
    assert [g.index for g in with_it.glyphs] == [g.index for g in without.glyphs]


def test_arabic_letters_join(fonts: FontLibrary) -> None:
    shaper = Shaper.of(fonts, "ar")
    joined = {g.index for g in shaper.shape("بب").glyphs}
    assert joined != {g.index for g in shaper.shape("ب").glyphs}


def test_han_is_written_as_the_language_does(fonts: FontLibrary) -> None:
    def face(language: str) -> str:
        return next(
            typeface.pinned.file
            for typeface in fonts.candidates("sans", False, language)
            if ord("直") in typeface.characters
        )

    assert face("ja") == "NotoSansJP.ttf"
    assert face("zh-CN") == "NotoSansSC.ttf"
    assert face("zh-TW") == face("zh-Hant-HK") == "NotoSansTC.ttf"
    assert face("ko") == "NotoSansKR.ttf"


def test_bold_is_wider_than_regular(fonts: FontLibrary) -> None:
    regular, bold = (Shaper.of(fonts, "en", weight=w).shape("Museum").width for w in (400, 700))
    assert bold > regular * 1.03


def test_numbers_and_latin_run_left_to_right_in_arabic() -> None:
    text = "אב 12 cd"
    found = levels(text, True)
    assert found == [1, 1, 1, 2, 2, 1, 2, 2]
    assert [text[a:b] for a, b in visual_runs(found)] == ["cd", " ", "12", "אב "]


def test_brackets_follow_what_they_hold() -> None:
    assert levels("ab (אב)", False)[3] == 0
    assert levels("אב (אב) cd", False)[3] == 1


@given(st.text(alphabet="ab אب12.,()%-", max_size=20), st.booleans())
def test_visual_runs_hold_every_character_once(text: str, rtl: bool) -> None:
    runs = visual_runs(levels(text, rtl))
    assert sorted(i for a, b in runs for i in range(a, b)) == list(range(len(text)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wet floor here", ["wet ", "floor ", "here"]),
        ("self-service now", ["self-", "service ", "now"]),
        ("12\u00a0km", ["12\u00a0km"]),
        ("床、濡「れ」", ["床、", "濡", "「れ」"]),
        ("-5 and 3-4", ["-5 ", "and ", "3-4"]),
    ],
)
def test_lines_end_where_they_may(text: str, expected: list[str]) -> None:
    assert segments(text) == expected


@given(st.text(max_size=40), st.booleans())
def test_segments_joined_are_the_text(text: str, whole: bool) -> None:
    assert "".join(segments(text, whole)) == text


@given(WIDTHS, st.floats(0.5, 20))
def test_wrapping_loses_nothing_and_keeps_to_the_limit(widths: list[float], limit: float) -> None:
    nothing = [0.0] * len(widths)
    lines = wrapped(widths, nothing, limit)
    assert [i for a, b in lines for i in range(a, b)] == list(range(len(widths)))
    assert all(sum(widths[a:b]) <= limit + 1e-6 or b - a == 1 for a, b in lines)
    assert len(balanced(widths, nothing, limit)) == len(lines)


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=30))
def test_any_text_can_be_shaped(fonts: FontLibrary, text: str) -> None:
    for language in ("en", "ar", "ja"):
        shaped = Shaper.of(fonts, language).shape(text)
        assert all(glyph.index for glyph in shaped.glyphs)
