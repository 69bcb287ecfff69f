import numpy as np
import pytest

from shared.imaging.files.decode import decode
from shared.imaging.group.joining import joined
from shared.imaging.ink.colours import from_hex
from shared.imaging.render import render
from shared.scenes.recognition import Word
from shared.scenes.schemas import Flag


def texts(scene) -> list[str]:
    return [block.text for block in scene.blocks]


def test_lines_of_a_paragraph_are_one_text(page) -> None:
    made = page()
    for i, line in enumerate(["The museum is open every", "day from nine in the", "morning until six"]):
        made.write(line, 40, 80 + i * 30)
    (block,) = made.scene().blocks
    assert block.text == "The museum is open every day from nine in the morning until six"
    assert [line.text for line in block.lines][1] == "day from nine in the"
    assert block.style.alignment == "left"
    assert abs(block.style.line_height - 30 / block.style.size) < 0.08


def test_words_hyphenated_at_the_line_end_are_closed() -> None:
    assert joined(["inter-", "national law"]) == "international law"
    assert joined(["well-known", "Anglo-", "Saxon"]) == "well-known Anglo-Saxon"
    assert joined(["美術館は", "毎日開館"]) == "美術館は毎日開館"


def test_price_column_stays_apart_and_every_dish_is_its_own(page) -> None:
    made = page()
    dishes = [("Tomato soup with bread", "6.50"), ("Green salad", "7.00"), ("Chicken with rice", "12.00")]
    for i, (dish, price) in enumerate(dishes):
        made.write(dish, 40, 80 + i * 34)
        made.write(price, 520, 80 + i * 34)
    assert sorted(texts(made.scene())) == sorted([part for dish in dishes for part in dish])


def test_columns_of_running_text_are_read_one_after_the_other(page) -> None:
    made = page(760)
    left = ["the first column goes on", "over several lines that", "belong together and end"]
    right = ["while the second column", "stands beside it and is", "read only afterwards too"]
    for i, (a, b) in enumerate(zip(left, right, strict=True)):
        made.write(a, 30, 80 + i * 30)
        made.write(b, 400, 80 + i * 30)
    assert texts(made.scene()) == [" ".join(left), " ".join(right)]


def test_heading_and_body_are_two_texts(page) -> None:
    made = page()
    made.write("Opening hours", 40, 80, size=40, weight=700)
    made.write("every day from nine to six", 40, 122)
    assert texts(made.scene()) == ["Opening hours", "every day from nine to six"]


def test_colour_parts_what_place_does_not(page) -> None:
    made = page()
    made.write("no smoking in this", 40, 80, ink=(180, 20, 20))
    made.write("room or the corridor", 40, 110, ink=(20, 20, 180))
    assert len(made.scene().blocks) == 2


def test_a_line_whose_words_go_on_may_be_measured_a_little_other(page) -> None:
    made = page()
    made.write("no smoking in this", 40, 80, ink=(20, 60, 20))
    made.write("room or the corridor", 40, 110, ink=(90, 130, 90))
    assert len(made.scene().blocks) == 1


@pytest.mark.parametrize(("deviation", "found"), [(0, 2), (14, 1)])
def test_stems_part_texts_only_where_noise_lets_them_be_told(page, deviation: int, found: int) -> None:
    noise = np.random.default_rng(7).normal(0, deviation, (400, 700, 1))
    made = page(700, 400, np.clip(200 + noise + np.zeros(3), 0, 255))
    made.write("公园内必须用绳子牵好小狗", 40, 80, size=30, ink=(120,) * 3, weight=300, language="zh")
    made.write("博物馆除星期一外每天开放", 40, 122, size=30, ink=(120,) * 3, weight=800, language="zh")
    assert len(made.scene().blocks) == found


@pytest.mark.parametrize(
    ("entries", "language", "apart"),
    [(["Οδός", "Χρώμα"], "el", 45), (["도착", "거리"], "ko", 45), (["הגדרות", "חדרים", "חיפוש"], "he", 37)],
)
def test_single_words_far_below_each_other_are_entries(
    page, entries: list[str], language: str, apart: int
) -> None:
    made = page()
    for i, entry in enumerate(entries):
        made.write(entry, 40, 80 + i * apart, language=language)
    assert texts(made.scene()) == entries


@pytest.mark.parametrize(("apart", "found"), [(33, 1), (39, 2)])
def test_a_wider_step_between_lines_set_evenly_is_meant(page, apart: int, found: int) -> None:
    made = page(500, 500)
    first, second = (
        ["No dogs are let", "into the garden.", "The house opens"],
        ["Please keep all", "of your tickets."],
    )
    baselines = [80, 112, 144, 144 + apart, 176 + apart]
    for line, baseline in zip([*first, *second], baselines, strict=True):
        made.write(line, 40, baseline, size=24)
    assert len(made.scene().blocks) == found


@pytest.mark.parametrize(("apart", "found"), [(42, 1), (50, 2)])
def test_a_short_line_before_a_slightly_wider_pitch_ends_its_text(page, apart: int, found: int) -> None:
    made = page(800, 500)
    lines = ["公园内必须用绳子牵好小狗", "博物馆除星期", "六岁以下儿童可以免费乘车", "所有房间内都不允许吸烟"]
    for line, baseline in zip(lines, [80, 122, 122 + apart, 164 + apart], strict=True):
        made.write(line, 40, baseline, size=28, language="zh")
    assert len(made.scene().blocks) == found


def test_bullets_begin_new_texts(page) -> None:
    made = page()
    for i, line in enumerate(["1. wash your hands", "2. close the door", "3. turn off the light"]):
        made.write(line, 40, 80 + i * 30)
    assert len(made.scene().blocks) == 3


@pytest.mark.parametrize("turn", [-14, 9, 90])
def test_turned_text_is_grouped_the_same(page, turn: float) -> None:
    made = page(700, 700, turn=turn)
    made.write("please keep this door", 180, 330, size=30)
    made.write("closed at all times", 180, 368, size=30)
    (block,) = made.scene().blocks
    assert block.text == "please keep this door closed at all times"
    assert abs(block.angle - turn) < 1
    assert abs(block.style.size - 30) < 2.5
    first = np.array(block.polygon[0])
    start = (made.matrix @ [180, 330 - 0.77 * 30, 1])[:2]
    assert np.linalg.norm(first - start) < 6


@pytest.mark.parametrize("size", [14, 24, 60])
@pytest.mark.parametrize(
    ("weight", "ink", "ground"), [(400, (20, 30, 90), (250, 240, 200)), (700, (255,) * 3, (0, 90, 60))]
)
def test_style_is_measured_from_the_pixels(page, size: int, weight: int, ink, ground) -> None:
    made = page(900, 200, ground)
    made.write("Please close the gate", 40, 110, size=size, weight=weight, ink=ink)
    style = made.scene().blocks[0].style
    assert abs(style.size - size) <= 0.05 * size
    assert np.abs(np.subtract(from_hex(style.ground), ground)).max() <= 2
    assert np.abs(np.subtract(from_hex(style.ink), ink)).max() <= 25
    assert abs(style.weight - weight) <= 100


def test_centred_lines_are_told_from_the_page(page) -> None:
    made = page()
    for i, (line, x) in enumerate(
        [("in case of fire use", 100), ("the stairs", 160), ("not the lifts please", 99)]
    ):
        made.write(line, x, 80 + i * 30)
    assert made.scene().blocks[0].style.alignment == "center"


def test_a_title_whose_middle_meets_that_of_one_of_many_entries_below_it_keeps_its_edge(page) -> None:
    made = page(900, 400)
    made.write("Notifications", 250, 60, 40)
    for i, line in enumerate(
        ["New messages", "Weekly summary by e-mail", "Play a sound", "All of the others"]
    ):
        made.write(line, 292, 130 + i * 60)
    title = next(block for block in made.scene().blocks if block.text == "Notifications")
    assert title.style.alignment == "left"


@pytest.mark.parametrize(("x", "alignment"), [(40, "left"), (347, "center"), (600, "left")])
def test_a_lone_line_is_centred_only_in_the_middle_of_the_picture(page, x: int, alignment: str) -> None:
    made = page(1000, 700, (255, 255, 255))
    made.write("No parking here", x, 120, size=40)
    assert made.scene().blocks[0].style.alignment == alignment


@pytest.mark.parametrize(("x", "alignment"), [(110, "left"), (185, "center")])
def test_a_lone_line_is_centred_on_its_sign_wherever_that_stands(page, x: int, alignment: str) -> None:
    ground = np.full((400, 1000, 3), 90)
    ground[60:200, 100:500] = (250, 210, 40)
    made = page(1000, 400, ground)
    made.write("No parking here", x, 140, size=30)
    assert made.scene().blocks[0].style.alignment == alignment


def test_a_lone_line_from_right_to_left_keeps_its_right_edge(page) -> None:
    made = page(1000, 400)
    made.write("ممنوع الوقوف", 700, 120, size=40, language="ar")
    assert made.scene().blocks[0].style.alignment == "right"


def test_a_heading_over_the_middle_of_a_menu_is_centred(page) -> None:
    made = page()
    made.write("Menu of the day", 165, 70, size=40, weight=700)
    # As in a photo taken aslant, the first dish begins where the heading does.
    for i, (x, dish) in enumerate([(166, "Tomato soup"), (120, "Chicken with rice"), (74, "Cake")]):
        made.write(dish, x, 140 + 40 * i)
        made.write("6.50", 500 + 17 * i, 140 + 40 * i)
    heading, *_ = made.scene().blocks
    assert (heading.text, heading.style.alignment) == ("Menu of the day", "center")


def test_entries_of_a_list_are_texts_of_their_own(page) -> None:
    made = page()
    entries = ["Monday to Friday: 9 am to 6 pm", "Saturday: 10 am to 2 pm", "Sunday: closed"]
    for i, entry in enumerate(entries):
        made.write(entry, 40, 80 + i * 30)
    assert texts(made.scene()) == entries


def test_ids_follow_the_reading_order(page) -> None:
    made = page()
    made.write("second", 40, 300)
    made.write("first", 40, 60, size=40)
    assert [(b.id, b.text) for b in made.scene().blocks] == [("b1", "first"), ("b2", "second")]


def test_words_the_engine_doubts_flag_their_block(page) -> None:
    made = page()
    made.write("hardly legible", 40, 80)
    made.words = [word.model_copy(update={"confidence": 0.3}) for word in made.words]
    assert made.scene().blocks[0].flags == [Flag.LOW_CONFIDENCE]


def test_a_picture_without_words_is_a_scene_without_blocks(page) -> None:
    scene = page().scene()
    assert scene.blocks == []
    assert scene.source.width == 640


def test_words_where_no_ink_is_still_make_a_scene(page) -> None:
    made = page()
    made.write("invisible", 40, 80, ink=(245, 245, 240))
    assert texts(made.scene()) == ["invisible"]


def test_senseless_polygons_neither_fail_nor_leave_the_picture(page, translate, fonts) -> None:
    made = page(300, 200)
    polygons = [
        [(-50, -50), (-10, -50), (-10, -30), (-50, -30)],
        [(290, 190), (500, 190), (500, 260), (290, 260)],
        [(900, 900), (950, 900), (950, 920), (900, 920)],
        [(100, 100), (100, 100), (100, 100), (100, 100)],
        [(60, 60), (60.2, 60), (60.2, 90), (60, 90)],
        [(10, 10), (5, 5), (20, 3), (1, 30)],
        [(20, 20), (280, 20), (280, 190), (20, 190)],
        [(200, 150), (200, 50), (240, 50), (240, 150)],
    ]
    names = ["before", "edge", "beyond", "point", "sliver", "crossed", "huge", "upwards"]
    made.words = [Word(text=n, polygon=p, confidence=0.9) for n, p in zip(names, polygons, strict=True)]
    picture = made.picture()
    scene = made.scene(picture)
    assert not {"before", "beyond"} & set(" ".join(texts(scene)).split())
    scene = translate(scene, dict.fromkeys(texts(scene), "hola a todos"))
    assert decode(render(picture, scene, "es", fonts).data).rgb.shape == (200, 300, 3)


@pytest.mark.parametrize(("sure", "found"), [(0.8, "Search mail"), (0.99, "Q Search mail")])
def test_a_magnifying_glass_is_no_letter(page, sure: float, found: str) -> None:
    made = page()
    made.write("Q Search mail", 40, 80)
    made.words[0] = made.words[0].model_copy(update={"confidence": sure})
    assert texts(made.scene()) == [found]


@pytest.mark.parametrize(("lines", "alignment"), [(3, "left"), (2, "center")])
def test_full_lines_are_running_text(page, lines: int, alignment: str) -> None:
    made = page()
    for i in range(lines):
        made.write("公园内必须用绳子牵好小狗", 60, 80 + 40 * i, size=30, language="zh")
    (block,) = made.scene().blocks
    assert block.style.alignment == alignment


def test_a_name_is_apart_from_what_describes_it_smaller_and_paler(page) -> None:
    made = page(ground=(40, 35, 32))
    made.write("Clam chowder", 40, 80, size=34, ink=(223, 214, 194), weight=600, family="serif")
    made.write("with sourdough and chives", 40, 112, size=27, ink=(130, 120, 104), family="serif")
    assert texts(made.scene()) == ["Clam chowder", "with sourdough and chives"]
