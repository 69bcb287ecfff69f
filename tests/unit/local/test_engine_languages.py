"""Which language the local Vision gives a paragraph."""

import pytest

from local.engines.languages import language_within


@pytest.mark.parametrize(
    ("text", "page", "expected"),
    [
        ("Bienvenidos a la ciudad de los museos y de los parques", "en", "es"),
        ("Bienvenidos a la ciudad de los museos y de los parques", "es-MX", "es-MX"),
        ("Please keep the door closed", "en", "en"),
        ("Central hospital admission area", "en", "en"),
        ("Tomato soup", "en", "en"),
        ("Pizza margherita", "en", "en"),
        ("12.50 €", "en", "en"),
        ("立入禁止区域", "ja", "ja"),
        ("Пожалуйста, не курите в этом помещении", "en", "ru"),
    ],
)
def test_a_paragraph_has_its_page_s_language_unless_its_words_plainly_have_another(
    text: str, page: str, expected: str
) -> None:
    assert language_within(text, page) == expected
