"""Texts that no translation should touch."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.translation.keep import is_kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "42",
        "12:30 – 14:00",
        "€ 5,00",
        "50%",
        "+49 30 1234567",
        "2026-11-23",
        "A4",
        "B-17/2",
        "XK-900.3",
        "H",
        "é",
        "→",
        "www.example.com",
        "https://example.com/menu?x=1",
        "info@example.com",
        "example.org",
        "shop.example.de.com/a",
        "www.example.com 10:00 A1",
        "★★★",
    ],
)
def test_numbers_codes_addresses_and_single_letters_stay(text):
    assert is_kept(text)


@pytest.mark.parametrize(
    "text",
    [
        "Exit",
        "Open 24h a day",
        "EXIT",
        "No parking",
        "Room 12",
        "Visit www.example.com",
        "出",
        "出口",
        "выход",
        "مخرج",
        "ab",
        "I am",
        "a.b",
        "co.operation",
    ],
)
def test_words_are_translated(text):
    assert not is_kept(text)


@given(st.text(alphabet="0123456789 .,:%€$+-/()\n"))
def test_what_has_no_letters_stays(text):
    assert is_kept(text)


@given(st.text(), st.text())
def test_a_word_among_anything_is_translated(before, after):
    assert not is_kept(f"{before} parking {after}")


@given(st.text())
def test_white_space_around_does_not_matter(text):
    assert is_kept(text) == is_kept(f" {text}\n")


@pytest.mark.parametrize(
    "text", ["@" * 3000, "a." * 3000, "www." * 3000, "A1" * 5000 + "é", "-" * 9000 + "a"]
)
def test_hostile_text_is_judged_quickly(text):
    start = time.process_time()
    is_kept(text)
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    "text",
    [
        "٢٥ ر.س",
        "٢٠٢٦/١١/٢٥",
        "₹ ५००",
        "रु 500",
        "100円",
        "5,000원",
        "฿50 บาท",
        "100 руб.",
        "50 kr",
        "R$ 10",
        "CHF 10.–",
        "500 ml",
        "2.5kg",
        "10 km/h",
        "3°C",
        "3 x 4 cm",
        "+49 (0)30 1234567",
        "#summer2026",
        "@imangor",
        "XII",
        "COVID-19",
    ],
)
def test_amounts_of_any_script_units_handles_and_codes_stay(text):
    assert is_kept(text)


@pytest.mark.parametrize(
    "text", ["in 5 m Entfernung", "9:00 Uhr", "12 Nov", "2 in 1", "2026年开放", "kr", "5 km de long"]
)
def test_words_beside_numbers_are_translated(text):
    assert not is_kept(text)


@pytest.mark.parametrize("digits", ["0123456789", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९", "๐๑๒๓๔๕๖๗๘๙"])
@given(st.data())
def test_numbers_of_any_script_stay(digits, data):
    number = data.draw(st.text(alphabet=digits, min_size=1, max_size=6))
    for text in (number, f"{number}%", f"€{number}", f"{number} kg", f"{number}/{number}", f"({number})"):
        assert is_kept(text)


def test_terms_that_are_not_translated_stay_whatever_their_case():
    assert is_kept("BLUE  LAGOON!", ["Blue Lagoon"])
    assert not is_kept("The Blue Lagoon", ["Blue Lagoon"])
