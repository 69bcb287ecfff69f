import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.imaging.typesetting.bidi import levels, visual_runs
from shared.imaging.typesetting.fonts import FontLibrary
from shared.imaging.typesetting.shape import Shaper


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
    with_it = Shaper.of(fonts, "en").shape("a\ue000b")
    without = Shaper.of(fonts, "en").shape("ab")
    assert with_it.missing == {"\ue000"}
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


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=30))
def test_any_text_can_be_shaped(fonts: FontLibrary, text: str) -> None:
    for language in ("en", "ar", "ja"):
        shaped = Shaper.of(fonts, language).shape(text)
        assert all(glyph.index for glyph in shaped.glyphs)


def column(fonts: FontLibrary, text: str) -> dict[str, tuple[float, float, bool]]:
    """Each run of a Japanese column: where it starts, and whether it was turned."""
    line = Shaper.of(fonts, "ja").upright(True).shape(text)
    return {run.word.text: (run.x, run.y, run.matrix[1] != 0) for run in line.runs}


def test_in_a_column_letters_lie_on_their_side_and_short_numbers_share_a_cell(fonts: FontLibrary) -> None:
    runs = column(fonts, "令和12年ABC館")
    assert runs["令和"] == (0, 0, False)
    assert not runs["12"][2]
    assert abs(runs["年"][1] - 3) < 0.01
    assert runs["ABC"][2]
    assert runs["館"][1] > 4 + 1.5


def test_a_column_takes_the_upright_forms_of_punctuation(fonts: FontLibrary) -> None:
    across, down = (Shaper.of(fonts, "ja").upright(v).shape("ー「。") for v in (False, True))
    assert {glyph.index for glyph in across.glyphs}.isdisjoint(glyph.index for glyph in down.glyphs)
    assert down.ink is not None
    assert down.ink.left > -0.5
    assert down.ink.right < 0.5


def test_what_has_no_italic_is_slanted_and_its_ink_known(fonts: FontLibrary) -> None:
    upright, slanted = (Shaper.of(fonts, "ja", italic=i).shape("直l") for i in (False, True))
    assert upright.ink is not None
    assert slanted.ink is not None
    assert slanted.ink.width > upright.ink.width
    arabic = [Shaper.of(fonts, "ar", italic=i).shape("مفتوح").ink for i in (False, True)]
    assert arabic[0] == arabic[1]


def test_letters_are_set_apart_but_not_where_they_join(fonts: FontLibrary) -> None:
    latin, arabic = Shaper.of(fonts, "en"), Shaper.of(fonts, "ar")
    assert abs(latin.spaced(0.1).shape("abcd").width - latin.shape("abcd").width - 0.4) < 1e-9
    assert arabic.spaced(0.1).shape("مفتوح").width == arabic.shape("مفتوح").width
