"""Words to paragraphs by geometry alone: invented pages, turned, scaled and shuffled."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.imaging.group.columns import vertical_words
from shared.imaging.group.joining import compounds_in, joined
from shared.imaging.group.lines import lines_of
from shared.imaging.group.order import in_reading_order
from shared.imaging.group.paragraphs import paragraphs
from shared.imaging.group.placed import placed
from shared.imaging.typesetting.reach import reach
from shared.imaging.typesetting.scripts import runs_on
from shared.scenes.recognition import Word

EM = 20.0


def width(text: str) -> float:
    return sum(0.95 if runs_on(char) else 0.5 for char in text) * EM


def row(text: str, left: float, baseline: float, leftward: bool = False, size: float = 1.0) -> list[Word]:
    """A line of words whose boxes hug their letters; `leftward` ones begin at the right."""
    words, x = [], left
    pieces = text.split()
    for i, piece in enumerate(pieces):
        rise, fall = reach(piece)
        start, end = (x - width(piece) * size, x) if leftward else (x, x + width(piece) * size)
        top, bottom = baseline - rise * EM * size, baseline + fall * EM * size
        quad = [(start, top), (end, top), (end, bottom), (start, bottom)]
        spaced = not runs_on(piece)
        words.append(
            Word(text=piece, polygon=quad, confidence=0.9, space_after=spaced, line_end=i == len(pieces) - 1)
        )
        step = width(piece) * size + (0.28 * EM * size if spaced else 0)
        x += -step if leftward else step
    return words


def column(text: str, centre: float, top: float) -> list[Word]:
    """A column of vertical writing; `text` has a space where the engine ends a word."""
    words, y = [], top
    for piece in text.split():
        low = y + len(piece) * EM
        quad = [(centre - 9, y + 1), (centre + 9, y + 1), (centre + 9, low - 1), (centre - 9, low - 1)]
        words.append(Word(text=piece, polygon=quad, confidence=0.9, space_after=False))
        y = low
    return words


def read(words: list[Word]) -> list[list[str]]:
    """The lines of each text, in reading order."""
    lines = lines_of(words)
    groups = in_reading_order(paragraphs(placed(lines, [None] * len(lines))))
    return [[line.words for line in group] for group in groups]


def moved(words: list[Word], degrees: float, scale: float) -> list[Word]:
    turn = math.radians(degrees)
    c, s = math.cos(turn) * scale, math.sin(turn) * scale
    return [
        word.model_copy(update={"polygon": [(c * x - s * y, s * x + c * y) for x, y in word.polygon]})
        for word in words
    ]


def menu() -> list[Word]:
    words = row("Today", 150, 40, size=1.6)
    for i, (dish, price) in enumerate(
        [("Tomato soup", "6.50"), ("Salad", "7.00"), ("Fish and chips", "12.00")]
    ):
        words += row(dish, 20, 100 + 40 * i) + row(price, 420, 100 + 40 * i)
    return words


def two_columns() -> list[Word]:
    left = ["the first column goes on", "over several lines that", "belong together here"]
    right = ["while the second column", "stands beside it and is", "read only afterwards"]
    words = []
    for i, (a, b) in enumerate(zip(left, right, strict=True)):
        words += row(a, 20, 60 + 28 * i) + row(b, 360, 60 + 28 * i)
    return words


def sidebar() -> list[Word]:
    words = []
    for i, entry in enumerate(["Settings", "Search", "Archive", "Account"]):
        words += row(entry, 20, 60 + 26 * i)
    for i, line in enumerate(
        ["Please keep your ticket until", "the end of the visit to the", "museum and its garden."]
    ):
        words += row(line, 260, 60 + 30 * i)
    return words


def vertical() -> list[Word]:
    words = row("美術館 の ご案内", 300, 40)
    for i, text in enumerate(["毎日 九時 から 六時", "まで 開館 して", "います"]):
        words += column(text, 400 - 30 * i, 80)
    return words


def right_to_left() -> list[Word]:
    words = []
    for i, line in enumerate(["המוזיאון פתוח בכל יום", "חוץ מיום שני בבוקר", "נא לשמור את הכרטיס"]):
        words += row(line, 400, 60 + 28 * i, leftward=True)
    return words


PAGES = {
    "menu": (
        menu,
        [["Today"], ["Tomato soup"], ["6.50"], ["Salad"], ["7.00"], ["Fish and chips"], ["12.00"]],
    ),
    "columns": (
        two_columns,
        [
            ["the first column goes on", "over several lines that", "belong together here"],
            ["while the second column", "stands beside it and is", "read only afterwards"],
        ],
    ),
    "sidebar": (
        sidebar,
        [
            ["Settings"],
            ["Search"],
            ["Archive"],
            ["Account"],
            ["Please keep your ticket until", "the end of the visit to the", "museum and its garden."],
        ],
    ),
    "vertical": (vertical, [["美術館のご案内"], ["毎日九時から六時", "まで開館して", "います"]]),
    "right to left": (
        right_to_left,
        [["המוזיאון פתוח בכל יום", "חוץ מיום שני בבוקר", "נא לשמור את הכרטיס"]],
    ),
}


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(sorted(PAGES)),
    st.floats(-30, 30),
    st.floats(0.6, 8),
    st.randoms(use_true_random=False),
)
def test_a_page_reads_the_same_however_it_lies(
    name: str, degrees: float, scale: float, rng: random.Random
) -> None:
    make, expected = PAGES[name]
    words = moved(make(), degrees, scale)
    assert read(words) == expected
    rng.shuffle(words)
    assert [set(text) for text in read([w.model_copy(update={"line_end": False}) for w in words])] == [
        set(text) for text in expected
    ]


def test_columns_are_told_from_rows_of_single_characters() -> None:
    down = [
        word
        for i, text in enumerate(["有 評 是 是", "非 非 之 士"])
        for word in column(text, 200 - 40 * i, 20)
    ]
    across = [
        Word(text=char, polygon=[(x, y), (x + 19, y), (x + 19, y + 19), (x, y + 19)], confidence=0.9)
        for y, text in ((20, "有評是是"), (55, "非非之士"))
        for x, char in zip(range(20, 200, 20), text, strict=False)
    ]
    assert all(vertical_words(down))
    assert not any(vertical_words(across))


def test_a_turned_word_of_another_script_is_no_column() -> None:
    tall = Word(text="Museum", polygon=[(0, 0), (20, 0), (20, 90), (0, 90)], confidence=0.9)
    assert vertical_words([tall]) == [False]


def test_digits_side_by_side_belong_to_their_column() -> None:
    words = column("十一月 25 日", 100, 20)
    digits = words[1]
    quad = [(91.0, digits.polygon[0][1]), (109.0, digits.polygon[0][1]), (109.0, digits.polygon[0][1] + 18)]
    words[1] = digits.model_copy(update={"polygon": [*quad, (91.0, digits.polygon[0][1] + 18)]})
    words[2] = column("日", 100, digits.polygon[0][1] + 19)[0]
    assert vertical_words(words) == [True, True, True]
    assert read(words) == [["十一月25日"]]


def test_a_space_of_a_monospaced_face_parts_no_line_of_small_letters() -> None:
    first, second = row("summer", 40, 60), row("comes", 40 + width("summer") + 0.9 * EM, 60)
    words = [*(word.model_copy(update={"line_end": False}) for word in first), *second]
    assert [line.line.text for line in lines_of(words)] == ["summer comes"]


def test_words_from_right_to_left_are_joined_in_the_order_they_are_read() -> None:
    assert read(row("קונים ממנה iPhone", 400, 50, leftward=True)) == [["קונים ממנה iPhone"]]
    # A name of two Latin words keeps its own order within the line: it stands at the left end of it.
    words = row("תפוחי אדמה", 400, 50, leftward=True) + row("New York", 229, 50)
    assert read(words) == [["תפוחי אדמה New York"]]


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["inter-", "national law"], "international law"),
        (["INTER-", "NATIONAL"], "INTERNATIONAL"),
        (["Haupt-", "bahnhof"], "Hauptbahnhof"),
        (["a well-", "known place"], "a well-known place"),
        (["mother-in-", "law"], "mother-in-law"),
        (["by e-", "mail"], "by e-mail"),
        (["a 24-", "hour service"], "a 24-hour service"),
        (["Vor-", "und Nachteile"], "Vor- und Nachteile"),
        (["pre-", "and post-war"], "pre- and post-war"),
        (["Anglo-", "Saxon"], "Anglo-Saxon"),
        (["open -", "closed"], "open - closed"),
        (["ther\u00ad", "mometer"], "thermometer"),
        (["the end\u00ad"], "the end"),
        (["בית־", "ספר"], "בית־ספר"),
        (["美術館は", "毎日開館"], "美術館は毎日開館"),
        (["พิพิธภัณฑ์", "เปิดทุกวัน"], "พิพิธภัณฑ์เปิดทุกวัน"),
    ],
)
def test_divided_words_are_closed_and_compounds_kept(lines: list[str], text: str) -> None:
    assert joined(lines) == text


def test_a_compound_seen_whole_elsewhere_keeps_its_hyphen() -> None:
    known = compounds_in(["wheel-chair access (check-in)", "nothing here"])
    assert joined(["the wheel-", "chair"], known) == "the wheel-chair"
    assert joined(["the arm-", "chair"], known) == "the armchair"


@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=4))
def test_joining_loses_nothing_but_hyphens(lines: list[str]) -> None:
    lines = [line.strip() for line in lines]
    kept = "".join(char for char in "".join(lines) if char not in " -\u2010\u2011\u00ad")
    result = "".join(char for char in joined(lines) if char not in " -\u2010\u2011\u00ad")
    assert result == kept
