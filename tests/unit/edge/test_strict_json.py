from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.errors import MalformedRequest
from shared.edge.strict_json import MAX_DEPTH, loads, storable

sound_text = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | sound_text,
    lambda inner: st.lists(inner) | st.dictionaries(sound_text, inner),
    max_leaves=20,
)


@given(values)
def test_sound_json_is_read_as_it_was_written(value: object):
    assert loads(json.dumps(value).encode()) == value


@given(st.binary())
def test_any_bytes_are_read_or_refused(raw: bytes):
    with suppress(MalformedRequest):
        loads(raw)


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def test_the_depth_has_one_limit():
    loads(nested(MAX_DEPTH))
    for depth in (MAX_DEPTH + 1, 10_000, 1_000_000):
        with pytest.raises(MalformedRequest):
            loads(nested(depth))


@pytest.mark.parametrize(
    "raw", ["NaN", "-Infinity", "[1e400]", '{"a":1,"a":1}', '{"b":{"a":1,"a":2}}', "01", ""]
)
def test_what_readers_disagree_about_is_refused(raw: str):
    with pytest.raises(MalformedRequest):
        loads(raw.encode())


@pytest.mark.parametrize(
    "raw", [b'"\\u0000"', b'{"\\ud83d": 1}', b'["a", {"b": "\\udc00"}]', b"\xef\xbb\xbf{}"]
)
def test_texts_that_cannot_be_kept_are_refused(raw: bytes):
    with pytest.raises(MalformedRequest):
        loads(raw)


def test_a_whole_pair_is_a_character():
    assert loads(b'"\\ud83d\\ude00"') == "😀"
    assert storable("😀")
