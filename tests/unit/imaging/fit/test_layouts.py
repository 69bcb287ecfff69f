import numpy as np
import pytest

from shared.imaging.fit.layouts import SetText, lay_out
from shared.imaging.typesetting.fonts import FontLibrary
from shared.scenes.schemas import Block, Flag, Line, Scene, Source, Style, Translation

WHITE = np.full((600, 800, 3), 255, np.uint8)


def block(name: str, box: tuple[float, float, float, float], *texts: str, **style: object) -> Block:
    """A block of one line; a second text on is an alternative."""
    left, top, right, bottom = box
    polygon = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return Block(
        id=name,
        polygon=polygon,
        lines=[Line(polygon=polygon, text="source")],
        text="source",
        style=Style.model_validate({"size": bottom - top, **style}),
        translations={"x": Translation(text=texts[0], alternatives=list(texts[1:]), engine="t")},
    )


def laid(fonts: FontLibrary, blocks: list[Block], language: str = "es") -> dict[str, SetText]:
    source = Source(sha256="0" * 64, media_type="image/png", width=800, height=600)
    moved = [b.model_copy(update={"translations": {language: b.translations["x"]}}) for b in blocks]
    scene = Scene(source=source, engine="t", blocks=moved)
    return {text.block.id: text for text in lay_out(WHITE, scene, language, fonts)}


def wall(name: str, box: tuple[float, float, float, float]) -> Block:
    """A block that stays, and so hems others in."""
    return block(name, box, "")


def test_entries_that_looked_alike_keep_one_size(fonts: FontLibrary) -> None:
    walls = [wall("b8", (0, 0, 38, 600)), wall("b9", (262, 0, 300, 600))]
    texts = ["Sopa", "Ensalada de la casa con nueces", "Tarta"]
    found = laid(
        fonts,
        [
            *walls,
            *(block(f"b{i}", (40, 40 + 60 * i, 260, 70 + 60 * i), text) for i, text in enumerate(texts)),
        ],
    )
    sizes = {text.layout.size for text in found.values()}
    assert len(sizes) == 1
    assert 16 < sizes.pop() < 30


def test_one_entry_that_cannot_keep_up_is_flagged_and_does_not_shrink_the_others(fonts: FontLibrary) -> None:
    walls = [wall("b8", (0, 0, 38, 600)), wall("b9", (262, 0, 300, 600))]
    texts = ["Sopa", "Pan", "Una ensalada de la casa con nueces, queso fresco y peras de la región", "Té"]
    entries = [block(f"b{i}", (40, 40 + 36 * i, 260, 70 + 36 * i), text) for i, text in enumerate(texts)]
    found = laid(fonts, [*walls, *entries])
    assert found["b0"].layout.size == found["b1"].layout.size == found["b3"].layout.size == 30
    assert Flag.UNEVEN_SIZE in found["b2"].layout.flags
    assert Flag.UNEVEN_SIZE not in found["b0"].layout.flags


def test_a_shorter_wording_is_taken_where_the_preferred_one_is_not_legible(fonts: FontLibrary) -> None:
    walls = [wall("b8", (0, 0, 38, 600)), wall("b9", (142, 0, 300, 600)), wall("b7", (40, 0, 140, 38))]
    walls.append(wall("b6", (40, 62, 140, 600)))
    long, short = "Prohibido fumar en cualquier recinto del museo", "No fumar"
    tight = laid(fonts, [*walls, block("b1", (40, 40, 140, 60), long, short)])["b1"]
    assert tight.text == short
    assert Flag.SHORTENED in tight.layout.flags
    free = laid(fonts, [block("b1", (40, 40, 140, 60), "Sin humo", short)])["b1"]
    assert free.text == "Sin humo"
    assert Flag.SHORTENED not in free.layout.flags


def test_a_translation_tells_the_wording_that_was_drawn_first() -> None:
    given = Translation(text="Prohibido  fumar", alternatives=["No fumar", "Sin humo"], engine="t")
    assert given.worded("Prohibido fumar") == given
    short = given.worded("No fumar")
    assert (short.text, short.alternatives) == ("No fumar", ["Prohibido  fumar", "Sin humo"])


def test_columns_stay_columns_in_japanese_and_are_set_across_in_english(fonts: FontLibrary) -> None:
    sign = (300, 60, 340, 360)
    found = laid(fonts, [block("b1", sign, "美術館入口", direction="ttb", size=40)], "ja")["b1"]
    assert found.layout.lines[0].shaped.vertical
    wide = laid(fonts, [block("b1", sign, "Museum", direction="ttb", size=40)], "en")["b1"]
    assert not wide.layout.lines[0].shaped.vertical
    assert wide.layout.size == 40


def test_across_text_that_has_no_room_in_a_column_lies_on_its_side(fonts: FontLibrary) -> None:
    walls = [wall("b8", (240, 0, 296, 600)), wall("b9", (344, 0, 400, 600))]
    sign = block("b1", (300, 60, 340, 360), "Entrance", direction="ttb", size=40)
    found = laid(fonts, [*walls, sign], "en")["b1"]
    start, end = found.frame.to_picture([(0, 0), (found.frame.width, 0)])
    assert end[1] - start[1] == pytest.approx(300)
    assert found.layout.size > 30


def test_no_two_texts_meet_and_what_stays_is_left_free(fonts: FontLibrary) -> None:
    long = "una traducción mucho más larga que el texto de la fuente"
    corners = [(40 + 170 * (i % 3), 40 + 70 * (i // 3)) for i in range(6)]
    blocks = [block(f"b{i}", (x, y, x + 80, y + 24), long) for i, (x, y) in enumerate(corners)]
    blocks.append(wall("b9", (560, 40, 640, 200)))
    found = laid(fonts, blocks)
    boxes = [text.frame.corners(text.allowed) for text in found.values()] + [np.array(blocks[-1].polygon)]
    for i, one in enumerate(boxes):
        for other in boxes[i + 1 :]:
            before = one.max(axis=0) <= other.min(axis=0) + 0.01
            apart = before | (other.max(axis=0) <= one.min(axis=0) + 0.01)
            assert apart.any()


@pytest.mark.parametrize("gap", [3, 0, -4, -10])
@pytest.mark.parametrize("alignment", ["left", "center"])
def test_texts_whose_own_boxes_touch_or_overlap_are_not_drawn_over_each_other(
    fonts: FontLibrary, gap: float, alignment: str
) -> None:
    above = block(
        "b0", (300, 100, 420, 130), "Una organización mundial más larga", size=28, alignment=alignment
    )
    below = block(
        "b1", (300, 130 + gap, 420, 160 + gap), "de la salud de todos", size=28, alignment=alignment
    )
    found = laid(fonts, [above, below])
    upper, lower = (found[name].frame.corners(found[name].layout.ink) for name in ("b0", "b1"))
    assert upper[:, 1].max() <= lower[:, 1].min() + 0.01
    for text in found.values():
        assert text.layout.size > 0.55 * 28 or Flag.TOO_SMALL in text.layout.flags


def test_a_box_that_is_shared_moves_no_text_that_fits_beside_it(fonts: FontLibrary) -> None:
    alone = laid(fonts, [block("b0", (300, 100, 500, 130), "casa", size=28)])["b0"]
    pair = [
        block("b0", (300, 100, 500, 130), "casa", size=28),
        block("b1", (300, 126, 500, 156), "cesa", size=28),
    ]
    beside = laid(fonts, pair)["b0"]
    assert beside.layout.size == alone.layout.size
    assert beside.layout.lines[0].y == pytest.approx(alone.layout.lines[0].y, abs=0.01)


def test_a_line_that_something_ends_begins_earlier_unless_others_begin_where_it_does(
    fonts: FontLibrary,
) -> None:
    sign, long = wall("b9", (402, 0, 440, 600)), "Ayuntamiento viejo"
    free = laid(fonts, [sign, block("b1", (240, 40, 400, 70), long)])["b1"]
    assert free.layout.size == 30
    assert free.allowed.left < -20
    listed = [sign, block("b1", (240, 40, 400, 70), long), block("b2", (240, 140, 400, 170), "Parque")]
    assert laid(fonts, listed)["b1"].allowed.left == 0
