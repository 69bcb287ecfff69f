import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.imaging.draw import draw
from shared.imaging.fit import Room, fit
from shared.imaging.fonts import FontLibrary
from shared.imaging.frame import Frame, filled
from shared.imaging.shape import Box, Shaper
from shared.scenes.schemas import Flag, Style

TEXTS = st.one_of(
    st.text(alphabet="abcÁgjQ WMfi.,-Ñ ", min_size=1, max_size=60),
    st.text(alphabet="المتحف مفتوح كل يوم 12", min_size=1, max_size=40),
    st.text(alphabet="美術館は、毎日開館。しています「」", min_size=1, max_size=40),
    st.text(alphabet="संग्रहालय हर दिन", min_size=1, max_size=30),
    st.text(alphabet="ระวังพื้นเปียก", min_size=1, max_size=30),
)
LANGUAGES = st.sampled_from(["es", "ar", "ja", "hi", "th"])
SIDES = st.floats(6, 300)
STYLES = st.builds(
    Style,
    size=st.floats(6, 80),
    weight=st.sampled_from([400, 700]),
    alignment=st.sampled_from(["left", "center", "right"]),
    line_height=st.floats(0.9, 2),
)


@settings(max_examples=120, deadline=None)
@given(TEXTS, LANGUAGES, SIDES, SIDES, STYLES, st.integers(1, 4))
def test_ink_never_leaves_the_room(
    fonts: FontLibrary, text: str, language: str, width: float, height: float, style: Style, lines: int
) -> None:
    shaper = Shaper.of(fonts, language, weight=style.weight)
    layout = fit(text, shaper, Room(Box(0, 0, width, height), (), lines), style)
    assert layout.size <= style.size
    if layout.ink is not None:
        assert layout.ink.left >= -0.01
        assert layout.ink.top >= -0.01
        assert layout.ink.right <= width + 0.01
        assert layout.ink.bottom <= height + 0.01


@settings(max_examples=60, deadline=None)
@given(TEXTS, SIDES, SIDES, st.floats(1, 2), st.floats(1, 2), STYLES)
def test_a_larger_box_makes_the_text_smaller_only_to_save_a_line(
    fonts: FontLibrary, text: str, width: float, height: float, wider: float, higher: float, style: Style
) -> None:
    shaper = Shaper.of(fonts, "es", weight=style.weight)
    small = fit(text, shaper, Room(Box(0, 0, width, height)), style)
    large = fit(text, shaper, Room(Box(0, 0, width * wider, height * higher)), style)
    assert large.size >= small.size * 0.97 or len(large.lines) < len(small.lines)


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
    small = fit("Salida de emergencia", shaper, Room(Box(0, 0, 100, 20)), Style(size=20))
    assert Flag.TOO_SMALL in small.flags
    hopeless = fit("Salida de emergencia " * 9, shaper, Room(Box(0, 0, 40, 12)), Style(size=20))
    assert {Flag.TOO_SMALL, Flag.OVERFLOW_RISK} <= set(hopeless.flags)


def test_a_missing_character_is_flagged(fonts: FontLibrary) -> None:
    layout = fit("a \U0001f600", Shaper.of(fonts, "es"), Room(Box(0, 0, 99, 40)), Style(size=20))
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
