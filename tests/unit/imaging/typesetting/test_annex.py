"""What is told at once of common characters is what all rules of the annex say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.imaging.typesetting.annex import by_all_rules, opportunities

TEXTS = st.one_of(
    st.text(alphabet="美術館は毎日々ァっー、。！？…・「」『』（）〜ABCé12.,:;)!?", min_size=1, max_size=12),
    st.text(alphabet="ระวังพื้นเปียกไม่ๆ1a.,!", min_size=1, max_size=12),
    st.text(alphabet="संग्रहालयहरदिन।१२-,", min_size=1, max_size=12),
    st.text(alphabet="안녕하세요반갑(AB)12.,!?가\u11a8", min_size=1, max_size=12),
    st.text(min_size=1, max_size=12),
)


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_any_text_is_broken_as_all_rules_say(text: str) -> None:
    assert opportunities(text) == by_all_rules(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("美術館は、毎日", {1, 2, 3, 5, 6}),
        ("「毎日」開館", {2, 4, 5}),
        ("ระวัง", set()),
        ("हिन्दी।", set()),
        ("", set()),
    ],
)
def test_lines_of_squares_break_anywhere_but_at_their_signs(text: str, found: set[int]) -> None:
    assert opportunities(text) == found
