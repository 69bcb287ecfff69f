"""Parts of a text that a translation leaves as they are."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.translation.protect import marked, protected, restored, unmarked


def parts(text: str, *terms: str) -> list[str]:
    return [text[start:end] for start, end in protected(text, terms)]


@pytest.mark.parametrize(
    ("text", "terms", "found"),
    [
        ("Visit www.example.com.", [], ["www.example.com"]),
        ("Mail to info@example.com, please", [], ["info@example.com"]),
        ("Ask @imangor about #summer2026", [], ["@imangor", "#summer2026"]),
        ("Part XK-900.3 fits", [], ["XK-900.3"]),
        ("Open 24h a day, room 12", [], []),
        ("ASPENDOS and Perge", ["Aspendos", "PERGE"], ["ASPENDOS", "Perge"]),
        ("Blue  Lagoon Spa", ["Lagoon", "Blue Lagoon"], ["Blue  Lagoon"]),
        ("Sparta and Spa", ["Spa"], ["Spa"]),
        ("東京タワーへようこそ", ["東京タワー"], ["東京タワー"]),
        ("C++ here", ["C++"], ["C++"]),
    ],
)
def test_addresses_codes_and_terms_are_found(text: str, terms: list[str], found: list[str]) -> None:
    assert parts(text, *terms) == found


@given(st.text(), st.lists(st.text(min_size=1, max_size=5).filter(str.strip), max_size=3))
def test_marking_changes_nothing_but_the_marks(text: str, terms: list[str]) -> None:
    found = protected(text, terms)
    assert unmarked(marked(text, found)) == text
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(found))
    assert restored(text, [text[start:end] for start, end in found]) == text


@given(st.text(alphabet="ab <>&\"'"), st.text(alphabet="AB ").filter(str.strip))
def test_a_part_in_other_cases_or_spaces_is_put_right(around: str, part: str) -> None:
    term = " ".join(part.split())
    spoilt = f"{around}{term.lower()}"
    whole = restored(spoilt, [term])
    assert whole is not None
    assert term in whole


def test_a_lost_part_is_told() -> None:
    assert restored("Visita la laguna azul", ["Blue Lagoon"]) is None
    assert restored("Spa", ["Spa", "Spa"]) is None


@pytest.mark.parametrize("part", ["@", "a.", "A1-", "www.", "#", "<"])
def test_hostile_text_is_searched_quickly(part: str) -> None:
    text = part * 4000
    start = time.process_time()
    restored(unmarked(marked(text, protected(text, ["a b"] * 200))), [])
    assert time.process_time() - start < 3
