"""What the local translation engine does with markup."""

from __future__ import annotations

import pytest

from local.engines.wording import bare, marked_up, pseudo_marked_up

HELD = '<span translate="no">Blue &amp; Lagoon</span>'


def shout(text: str, form: str) -> str:
    """Turns letters outside of tags into capitals."""
    parts = text.replace("<", "\0<").replace(">", ">\0").split("\0")
    return "".join(part if part.startswith("<") else part.upper() for part in parts)


@pytest.mark.parametrize("held", [HELD, '<b class="x notranslate">Blue</b>', "<i translate=no>Blue</i>"])
def test_an_element_that_is_not_to_be_translated_comes_back_as_it_is(held: str) -> None:
    assert marked_up(f"Visit {held} now", "fr", shout) == f"VISIT {held} NOW"
    assert held in pseudo_marked_up(f"Visit {held} now")


def test_other_elements_are_translated() -> None:
    assert marked_up('<span translate="yes">go</span>', "fr", shout) == '<span translate="yes">GO</span>'


def test_the_language_of_markup_is_that_of_its_words() -> None:
    assert bare(f"Visit {HELD} <b>now</b>").split() == ["Visit", "now"]
