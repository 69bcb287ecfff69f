import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.providers.text_batches import batches, split_text

WORDY = st.text(alphabet="ab .!。」\n\u0301\u200dé漢", max_size=200)


@given(WORDY, st.integers(1, 40))
def test_cutting_loses_nothing_and_keeps_within_the_limit(text, limit):
    pieces = split_text(text, limit)
    assert "".join(p.text + p.gap for p in pieces) == text
    assert all(len(p.text) <= limit for p in pieces)
    assert all(p.text for p in pieces) or not text.strip() or pieces[-1].text == ""


@pytest.mark.parametrize(
    ("text", "limit", "parts"),
    [
        ("One two. Three four. Five", 21, ["One two. Three four.", "Five"]),
        ('He said "no." She left', 15, ['He said "no."', "She left"]),
        ("今日は晴れ。明日は雨。", 8, ["今日は晴れ。", "明日は雨。"]),
        ("one two three four", 9, ["one two", "three", "four"]),
        ("costs 3.50 here", 9, ["costs", "3.50 here"]),
        ("Heading\n\nA body text", 12, ["Heading", "A body text"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("aaae\u0301bb", 4, ["aaa", "e\u0301bb"]),
        ("within", 6, ["within"]),
        ("", 6, [""]),
    ],
)
def test_cuts_stand_where_a_reader_would_pause(text, limit, parts):
    assert [p.text for p in split_text(text, limit)] == parts


def test_a_long_run_of_marks_does_not_take_for_ever():
    text = "." + '"' * 60_000 + " " * 60_000
    assert "".join(p.text + p.gap for p in split_text(text)) == text


@given(st.lists(st.text(min_size=1, max_size=30)), st.integers(1, 5), st.integers(30, 60))
def test_batches_keep_order_and_both_limits(texts, strings, points):
    packed = list(batches(texts, strings, points))
    assert [t for batch in packed for t in batch] == texts
    assert all(0 < len(batch) <= strings and sum(map(len, batch)) <= points for batch in packed)


def test_a_batch_is_filled_before_the_next_begins():
    assert [len(b) for b in batches(["x"] * 2500)] == [1024, 1024, 452]
    assert [len(b) for b in batches(["x" * 15_000] * 3)] == [2, 1]
