"""Lines are looked at in one crop where that costs less than a crop for each."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shared.imaging.ink.region import reaches_of, together
from shared.scenes.schemas import Style


def line(left: float, top: float, width: float = 200, height: float = 20) -> np.ndarray:
    return np.array(
        [(left, top), (left + width, top), (left + width, top + height), (left, top + height)], dtype=float
    )


def runs(lines: list[np.ndarray], inks: list[str], size: float = 17) -> list[range]:
    return together(reaches_of(lines), [Style(ink=ink, size=size) for ink in inks])


def test_a_paragraph_is_one_crop_and_text_of_another_colour_another() -> None:
    lines = [line(10, 10), line(10, 36), line(10, 62), line(10, 88)]
    assert runs(lines, ["#102030", "#112131", "#0f2030", "#d02030"]) == [range(3), range(3, 4)]


def test_text_of_another_size_has_a_crop_of_its_own() -> None:
    styles = [Style(size=17), Style(size=18), Style(size=26)]
    assert together(reaches_of([line(10, 10), line(10, 36), line(10, 70)]), styles) == [range(2), range(2, 3)]


def test_lines_far_apart_have_a_crop_each() -> None:
    assert runs([line(10, 10), line(900, 600)], ["#000000"] * 2) == [range(1), range(1, 2)]


def test_large_lines_are_looked_at_one_by_one() -> None:
    lines = [line(10, top, 3000, 200) for top in (10, 240)]
    assert runs(lines, ["#000000"] * 2, 160) == [range(1), range(1, 2)]


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900), st.integers(0, 3)), max_size=12))
def test_each_line_is_in_one_crop_with_lines_that_look_like_it(places: list[tuple[int, int, int]]) -> None:
    inks = [f"#{60 * shade:02x}0000" for _, _, shade in places]
    found = runs([line(x, y) for x, y, _ in places], inks)
    assert [i for run in found for i in run] == list(range(len(places)))
    assert all(len({inks[i] for i in run}) == 1 for run in found)
