"""Lines are looked at in one crop where that costs less than a crop for each."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shared.imaging.ink.region import reaches_of, together


def line(left: float, top: float, width: float = 200, height: float = 20) -> np.ndarray:
    return np.array(
        [(left, top), (left + width, top), (left + width, top + height), (left, top + height)], dtype=float
    )


def runs(lines: list[np.ndarray], blocks: list[int]) -> list[range]:
    return together(reaches_of(lines), blocks, [12.0] * len(lines))


def test_a_paragraph_is_one_crop_and_the_next_block_another() -> None:
    lines = [line(10, 10), line(10, 36), line(10, 62), line(10, 88)]
    assert runs(lines, [0, 0, 0, 1]) == [range(3), range(3, 4)]


def test_lines_far_apart_have_a_crop_each() -> None:
    assert runs([line(10, 10), line(900, 600)], [0, 0]) == [range(1), range(1, 2)]


def test_large_lines_are_looked_at_one_by_one() -> None:
    lines = [line(10, top, 3000, 200) for top in (10, 240)]
    assert runs(lines, [0, 0]) == [range(1), range(1, 2)]


@given(
    st.lists(
        st.tuples(st.integers(0, 900), st.integers(0, 900), st.integers(0, 3)), min_size=1, max_size=12
    ).map(lambda places: sorted(places, key=lambda place: place[2]))
)
def test_each_line_is_in_one_crop_with_lines_of_its_block_only(places: list[tuple[int, int, int]]) -> None:
    blocks = [block for _, _, block in places]
    found = runs([line(x, y) for x, y, _ in places], blocks)
    assert [i for run in found for i in run] == list(range(len(places)))
    assert all(len({blocks[i] for i in run}) == 1 for run in found)
