import numpy as np
import pytest

from shared.imaging.draw.draw import draw
from shared.imaging.fit.placing import Room
from shared.imaging.fit.solver import Layout, fit
from shared.imaging.frame import Frame, filled
from shared.imaging.geometry import Box
from shared.imaging.typesetting.fonts import FontLibrary
from shared.imaging.typesetting.shape import Shaper
from shared.scenes.schemas import Outline, Shadow, Style

DRESS = {
    "plain": {},
    "outline": {"outline": Outline(colour="#ff0000", width=0.08)},
    "shadow": {"shadow": Shadow(colour="#0000ff", along=0.1, across=0.1, blur=0.03)},
    "underline": {"underline": True},
    "all": {
        "outline": Outline(colour="#ff0000", width=0.08),
        "shadow": Shadow(colour="#0000ff", along=0.1, across=0.1, blur=0.03),
        "underline": True,
        "italic": True,
    },
}
QUADS = {
    "upright": [(20, 20), (380, 20), (380, 80), (20, 80)],
    "turned": [(40, 30), (330, 120), (310, 180), (20, 90)],
    "perspective": [(20, 20), (380, 60), (380, 110), (20, 130)],
}


def drawn(
    fonts: FontLibrary,
    text: str,
    quad: list[tuple[float, float]],
    style: Style,
    language: str = "en",
    vertical: bool = False,
) -> tuple[np.ndarray, Layout, Frame]:
    canvas = np.full((220, 400, 3), 255, np.uint8)
    frame = Frame.of(quad)
    shaper = Shaper.of(fonts, language, style.family, style.weight, style.italic).upright(vertical)
    layout = fit(text, shaper, Room(Box(0, 0, frame.width, frame.height)), style)
    everything = Box(-19, -19, frame.width + 19, frame.height + 19)
    draw(canvas, None, layout, frame, everything, (0, 0, 0), 0.0, style)
    return canvas, layout, frame


@pytest.mark.parametrize("quad", QUADS)
@pytest.mark.parametrize("dress", DRESS)
def test_all_that_is_drawn_lies_in_the_ink_of_its_layout(fonts: FontLibrary, dress: str, quad: str) -> None:
    style = Style.model_validate({"size": 60, **DRESS[dress]})
    canvas, layout, frame = drawn(fonts, "Árbol fjg", QUADS[quad], style)
    assert layout.ink is not None
    ink = Box(layout.ink.left - 1, layout.ink.top - 1, layout.ink.right + 1, layout.ink.bottom + 1)
    changed = np.abs(canvas.astype(int) - 255).max(axis=2) > 8
    assert changed.sum() > 500
    assert not (changed & ~filled(changed.shape, [frame.corners(ink)])).any()


@pytest.mark.parametrize(
    "quad", [[(0, 0), (4800, 0), (4800, 90), (0, 90)], [(0, 0), (4800, 9), (4800, 60), (0, 90)]]
)
def test_a_line_wider_than_the_rasteriser_is_drawn_to_its_end(
    fonts: FontLibrary, quad: list[tuple[float, float]]
) -> None:
    canvas = np.full((100, 4800, 3), 255, np.uint8)
    frame, style = Frame.of(quad), Style(size=80)
    own = Box(0, 0, frame.width, frame.height)
    layout = fit("m" * 90, Shaper.of(fonts, "en"), Room(own), style)
    draw(canvas, None, layout, frame, own, (0, 0, 0), 0.0, style)
    assert layout.ink is not None
    end = frame.corners(layout.ink)[:, 0].max()
    assert end > 4300
    assert np.nonzero(canvas.min(axis=(0, 2)) < 128)[0].max() > end - 8


def test_an_outline_surrounds_the_letters_and_a_shadow_lies_under_them(fonts: FontLibrary) -> None:
    style = Style.model_validate({"size": 60, **DRESS["outline"]})
    canvas, _, _ = drawn(fonts, "II", QUADS["upright"], style)
    row = canvas[50].astype(int)
    black = np.nonzero(row.max(axis=1) < 40)[0]
    red = np.nonzero((row[:, 0] > 200) & (row[:, 1] < 60))[0]
    assert red.min() < black.min()
    assert red.max() > black.max()
    assert 3 <= black.min() - red.min() <= 6
    style = Style.model_validate({"size": 60, **DRESS["shadow"]})
    canvas, _, _ = drawn(fonts, "II", QUADS["upright"], style)
    blue = (canvas[..., 2] > 200) & (canvas[..., 0] < 120)
    assert blue.any()
    assert np.nonzero(blue)[1].max() > np.nonzero(canvas.max(axis=2) < 40)[1].max()


def test_an_underline_is_open_where_a_letter_goes_through(fonts: FontLibrary) -> None:
    style = Style(size=60, underline=True)
    (plain, layout, _), (deep, _, _) = (
        drawn(fonts, text, QUADS["upright"], style) for text in ("nnnn", "nppn")
    )
    row = round(layout.lines[0].y + 0.127 * layout.size) + 20

    def pieces(canvas: np.ndarray) -> int:
        return int((np.diff((canvas[row, :, 0] < 128).astype(int)) == 1).sum())

    assert pieces(plain) == 1
    assert pieces(deep) > 2


def test_a_column_is_underlined_at_its_right(fonts: FontLibrary) -> None:
    quad = [(100, 10), (180, 10), (180, 210), (100, 210)]
    style = Style(size=40, underline=True, direction="ttb")
    canvas, layout, _ = drawn(fonts, "美術館", quad, style, "ja", vertical=True)
    dark = canvas.min(axis=2) < 128
    assert dark[:, int(100 + layout.lines[0].x + 0.57 * layout.size)].sum() > 100


def test_perspective_text_is_as_crisp_and_as_dark_as_flat_text(fonts: FontLibrary) -> None:
    style = Style(size=60)
    nearly = [(20, 20), (380, 20), (380, 82), (20, 80)]
    flat, bent = (drawn(fonts, "Hill", quad, style)[0].astype(int) for quad in (QUADS["upright"], nearly))
    assert abs((255 - flat).sum() / (255 - bent).sum() - 1) < 0.05
    edges = [np.abs(np.diff(canvas[..., 0], axis=1)).max() for canvas in (flat, bent)]
    assert edges[1] > 0.8 * edges[0]


def test_transparency_is_filled_where_letters_are(fonts: FontLibrary) -> None:
    canvas, alpha = np.zeros((80, 200, 3), np.uint8), np.zeros((80, 200), np.uint8)
    frame = Frame.of([(10, 10), (190, 10), (190, 70), (10, 70)])
    layout = fit("Hill", Shaper.of(fonts, "en"), Room(Box(0, 0, 180, 60)), Style(size=50))
    draw(canvas, alpha, layout, frame, Box(0, 0, 180, 60), (9, 9, 9))
    assert alpha.max() == 255
    assert alpha[:, 195:].max() == 0
