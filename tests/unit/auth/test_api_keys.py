"""API keys: their shape, their checksum, and what is stored of them."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.auth.api_keys import ALPHABET, hint, is_well_formed, key_hash, new_key

KEY = "img_live_000000000000000000000000000000"
CHECKSUM = "33STrS"
"""CRC-32 of the above in six digits of base 62, digits before capitals before small letters."""


@pytest.mark.parametrize("kind", ["live", "test"])
def test_a_new_key_is_well_formed_and_never_the_same(kind):
    keys = {new_key(kind) for _ in range(50)}
    assert len(keys) == 50
    for key in keys:
        assert is_well_formed(key)
        assert key.startswith(f"img_{kind}_")
        assert len(key) == 45
        assert set(key[9:]) <= set(ALPHABET)


def test_every_character_of_the_alphabet_is_used():
    assert set("".join(new_key("live")[9:39] for _ in range(200))) == set(ALPHABET)
    assert sorted(ALPHABET) == sorted(string.digits + string.ascii_letters)


@given(st.integers(0, 44), st.characters())
def test_one_changed_character_is_always_noticed(position, character):
    key = new_key("live")
    changed = key[:position] + character + key[position + 1 :]
    assert is_well_formed(changed) == (changed == key)


@given(st.integers(0, 43))
def test_two_neighbours_exchanged_are_always_noticed(position):
    key = new_key("test")
    changed = key[:position] + key[position + 1] + key[position] + key[position + 2 :]
    assert is_well_formed(changed) == (changed == key)


@given(st.text())
def test_noise_is_not_a_key(text):
    assert not is_well_formed(text)


@pytest.mark.parametrize("change", ["{}\n", " {}", "{} ", "{}0", "x{}"])
def test_nothing_may_stand_around_a_key(change):
    assert not is_well_formed(change.format(new_key("live")))


def test_the_checksum_is_the_published_one():
    assert is_well_formed(KEY + CHECKSUM)


def test_the_stored_hash_depends_on_key_and_pepper():
    hashes = {key_hash(key, pepper) for key in (KEY, KEY + "x") for pepper in ("a", "b")}
    assert len(hashes) == 4
    assert {len(digest) for digest in hashes} == {32}
    assert key_hash(KEY, "a") == key_hash(KEY, "a")


def test_a_hint_tells_keys_apart_without_giving_them_away():
    key = new_key("live")
    assert hint(key) == f"img_live_…{key[-4:]}"
