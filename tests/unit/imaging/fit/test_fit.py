import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.imaging.draw.draw import draw
from shared.imaging.fit.placing import Room
from shared.imaging.fit.solver import fit
from shared.imaging.frame import Frame, filled
from shared.imaging.geometry import Box
from shared.imaging.ink.attached import dilated
from shared.imaging.typesetting.decoration import dressed
from shared.imaging.typesetting.fonts import FontLibrary
from shared.imaging.typesetting.shape import Shaper
from shared.scenes.schemas import Flag, Outline, Shadow, Style

TEXTS = st.one_of(
    st.text(alphabet="abcÁgjQ WMfi.,-Ñ ", min_size=1, max_size=60),
    st.text(alphabet="المتحف مفتوح كل يوم 12", min_size=1, max_size=40),
    st.text(alphabet="美術館は、毎日開館。しています「」", min_size=1, max_size=40),
    st.text(alphabet="संग्रहालय हर दिन", min_size=1, max_size=30),
    st.text(alphabet="ระวังพื้นเปียก", min_size=1, max_size=30),
    st.text(alphabet="המוזיאון פתוח 10-18 (WiFi)", min_size=1, max_size=40),
    st.text(alphabet="Музей открыт Άνοιξη ЁЙЩ", min_size=1, max_size=40),
    st.text(alphabet="박물관은 매일 열려 있습니다", min_size=1, max_size=30),
)
LANGUAGES = st.sampled_from(["es", "ar", "ja", "hi", "th", "he", "ru", "ko", "zh", "de"])
SIDES = st.floats(6, 300)
CLUSTERS = ["👩\u200d👩\u200d👧", "é\u0323\u0302", "🇩🇪", "ﷺ", "ที่", "क्ष्म", " "]
ANY_TEXT = st.one_of(
    TEXTS,
    st.text(min_size=1, max_size=40),
    st.text(alphabet="Straßenverkehr0-/.", min_size=20, max_size=90),
    st.lists(
        st.sampled_from(["👩\u200d👩\u200d👧", "é\u0323\u0302", "🇩🇪", "ﷺ", "ที่", "क्ष्म", " "]), max_size=12
    ).map("".join),
)
DRESSED = st.builds(
    Style,
    size=st.floats(6, 80),
    weight=st.sampled_from([400, 900]),
    italic=st.booleans(),
    family=st.sampled_from(["sans", "serif", "mono"]),
    alignment=st.sampled_from(["left", "center", "right"]),
    direction=st.sampled_from(["ltr", "rtl"]),
    line_height=st.floats(0.9, 2),
    letter_spacing=st.sampled_from([0.0, 0.0, -0.05, 0.3]),
    underline=st.booleans(),
    outline=st.none() | st.builds(Outline, colour=st.just("#ffffff"), width=st.floats(0.01, 0.2)),
    shadow=st.none()
    | st.builds(Shadow, colour=st.just("#000000"), along=st.floats(-0.3, 0.3), blur=st.floats(0, 0.1)),
)


def shaper_of(fonts: FontLibrary, language: str, style: Style, vertical: bool) -> Shaper:
    return Shaper.of(fonts, language, style.family, style.weight, style.italic).upright(vertical)


@settings(max_examples=150, deadline=None)
@given(ANY_TEXT, LANGUAGES, SIDES, SIDES, DRESSED, st.integers(1, 6), st.booleans())
def test_ink_never_leaves_the_room(
    fonts: FontLibrary,
    text: str,
    language: str,
    width: float,
    height: float,
    style: Style,
    lines: int,
    vertical: bool,
) -> None:
    room = Room(Box(0, 0, width, height), (Box(-20, 0, width + 5, height + 9),), lines)
    layout = fit(text, shaper_of(fonts, language, style, vertical), room, style)
    assert layout.size <= style.size
    # The layout's own word for its ink must be no less than what the glyphs' outlines say.
    for line in layout.lines:
        ink = dressed(line.shaped, style)
        if ink is not None:
            ink = ink.scaled(layout.size).moved(line.x, line.y)
            assert layout.ink is not None
            assert layout.ink.union(ink) == pytest.approx(layout.ink)
    if layout.ink is not None:
        assert layout.ink.left >= -20.01
        assert layout.ink.top >= -0.01
        assert layout.ink.right <= width + 5.01
        assert layout.ink.bottom <= height + 9.01


def seen_at(width: float, height: float, degrees: float, pull: tuple[float, float]) -> Frame:
    """A frame of about this size in the middle of a picture of 400 pixels, turned, two corners pulled in."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    corners = np.array([(-1, -1), (1, -1), (1, 1 - 2 * pull[0]), (-1 + 2 * pull[1], 1)])
    turned = corners * (width / 2, height / 2) @ np.array([(c, s), (-s, c)]) + 200
    return Frame.of([(float(x), float(y)) for x, y in turned])


@settings(max_examples=80, deadline=None)
@given(
    ANY_TEXT,
    LANGUAGES,
    st.floats(12, 220),
    st.floats(12, 220),
    DRESSED,
    st.integers(1, 4),
    st.booleans(),
    st.floats(-180, 180),
    st.tuples(st.floats(0, 0.3), st.floats(0, 0.3)),
)
def test_no_pixel_is_drawn_outside_the_room_though_nothing_cuts_it_off(
    fonts: FontLibrary,
    text: str,
    language: str,
    width: float,
    height: float,
    style: Style,
    lines: int,
    vertical: bool,
    degrees: float,
    pull: tuple[float, float],
) -> None:
    """By the pixels of letters, underline, outline and shadow, turned and in perspective, of any script."""
    frame = seen_at(width, height, degrees, pull)
    own = Box(0, 0, frame.width, frame.height)
    layout = fit(text, shaper_of(fonts, language, style, vertical), Room(own, (), lines), style)
    canvas = np.full((400, 400, 3), 128, np.uint8)
    everywhere = Box(-0.6 * own.right, -0.6 * own.bottom, 1.6 * own.right, 1.6 * own.bottom)
    draw(canvas, None, layout, frame, everywhere, (0, 0, 0), 0.0, style)
    room = filled((400, 400), [frame.corners(own)])
    beyond = (np.abs(canvas.astype(int) - 128).max(axis=2) > 8) & ~dilated(room, 2)
    assert not beyond.any()


@settings(max_examples=150, deadline=None)
@given(
    ANY_TEXT,
    LANGUAGES,
    SIDES,
    SIDES,
    st.floats(1, 3),
    st.floats(1, 3),
    DRESSED,
    st.integers(1, 6),
    st.booleans(),
)
def test_a_larger_box_never_makes_the_text_smaller(
    fonts: FontLibrary,
    text: str,
    language: str,
    width: float,
    height: float,
    wider: float,
    higher: float,
    style: Style,
    lines: int,
    vertical: bool,
) -> None:
    shaper = shaper_of(fonts, language, style, vertical)
    small = fit(text, shaper, Room(Box(0, 0, width, height), (), lines), style)
    box = Box(0, 0, width * wider, height * higher)
    large = fit(text, shaper, Room(box, (), lines), style)
    assert large.size >= small.size * (1 - 1e-9)
    around = fit(text, shaper, Room(Box(0, 0, width, height), (box,), lines), style)
    assert around.size >= small.size * (1 - 1e-9)


def test_text_that_fits_keeps_the_size_and_the_baseline(fonts: FontLibrary) -> None:
    style = Style(size=40)
    layout = fit("Hola", Shaper.of(fonts, "es"), Room(Box(0, 0, 300, 40)), style)
    assert layout.size == 40
    assert abs(layout.lines[0].y - 0.77 * 40) < 0.5
    assert layout.flags == ()


def test_long_text_wraps_into_the_lines_of_the_source(fonts: FontLibrary) -> None:
    layout = fit(
        "El museo está abierto todos los días del año",
        Shaper.of(fonts, "es"),
        Room(Box(0, 0, 420, 90), (), 2),
        Style(size=36, alignment="center", line_height=1.3),
    )
    assert len(layout.lines) == 2
    widths = [line.shaped.width for line in layout.lines]
    assert min(widths) > 0.6 * max(widths)


def test_free_space_is_used_before_the_text_shrinks(fonts: FontLibrary) -> None:
    shaper, style, own = Shaper.of(fonts, "es"), Style(size=30), Box(0, 0, 120, 30)
    tight = fit("Salida de emergencia", shaper, Room(own), style)
    roomy = fit("Salida de emergencia", shaper, Room(own, (Box(0, 0, 400, 30),)), style)
    assert tight.size < 18
    assert roomy.size == 30


def test_what_cannot_be_read_is_flagged(fonts: FontLibrary) -> None:
    shaper = Shaper.of(fonts, "es")
    small = fit("Salida de emergencia", shaper, Room(Box(0, 0, 60, 20)), Style(size=20))
    assert Flag.TOO_SMALL in small.flags
    hopeless = fit("Salida de emergencia " * 9, shaper, Room(Box(0, 0, 40, 12)), Style(size=20))
    assert {Flag.TOO_SMALL, Flag.OVERFLOW_RISK} <= set(hopeless.flags)


def test_a_missing_character_is_flagged(fonts: FontLibrary) -> None:
    layout = fit("a \ue000", Shaper.of(fonts, "es"), Room(Box(0, 0, 99, 40)), Style(size=20))
    assert Flag.MISSING_GLYPH in layout.flags


def test_right_to_left_text_stands_at_the_right(fonts: FontLibrary) -> None:
    layout = fit("مفتوح", Shaper.of(fonts, "ar"), Room(Box(0, 0, 400, 40)), Style(size=30))
    assert layout.ink is not None
    assert layout.ink.left > 200


def test_nothing_is_drawn_outside_the_allowed_box_at_any_angle(fonts: FontLibrary) -> None:
    style = Style(size=32)
    for quad in (
        [(60, 40), (240, 90), (228, 133), (48, 83)],
        [(40, 40), (250, 60), (240, 130), (44, 90)],
        [(40.5, 60.25), (240.5, 60.25), (240.5, 100.25), (40.5, 100.25)],
    ):
        frame = Frame.of(quad)
        box = Box(0, 0, frame.width, frame.height)
        layout = fit("Árbol grande", Shaper.of(fonts, "es"), Room(box), style)
        canvas = np.full((200, 300, 3), 255, np.uint8)
        draw(canvas, None, layout, frame, box, (0, 0, 0), softness=1.2)
        changed = (canvas != 255).any(axis=2)
        allowed = filled((200, 300), [frame.corners(Box(-1, -1, box.right + 1, box.bottom + 1))])
        assert changed.sum() > 300
        assert not (changed & ~allowed).any()


def test_letters_that_fill_the_box_are_not_smaller_to_save_a_line(fonts: FontLibrary) -> None:
    layout = fit("uno dos tres", Shaper.of(fonts, "es"), Room(Box(0, 0, 100, 120)), Style(size=40))
    assert len(layout.lines) == 3
    assert layout.size > 36


def test_a_long_compound_is_hyphenated_before_it_shrinks_much(fonts: FontLibrary) -> None:
    room = Room(Box(0, 0, 170, 110), (), 3)
    layout = fit("Geschwindigkeitsbegrenzung", Shaper.of(fonts, "de"), room, Style(size=24))
    assert layout.size > 20
    assert layout.lines[0].shaped.text.endswith("-")


def test_columns_follow_each_other_leftwards_from_the_right(fonts: FontLibrary) -> None:
    shaper = Shaper.of(fonts, "ja").upright(True)
    room = Room(Box(0, 0, 100, 160), (), 2)
    layout = fit("美術館は毎日開館。", shaper, room, Style(size=30, direction="ttb", line_height=1.4))
    first, second = layout.lines
    assert layout.size == 30
    assert first.shaped.vertical
    assert abs(first.x - 85) < 3
    assert abs(first.x - second.x - 42) < 1
