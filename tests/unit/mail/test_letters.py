"""Letters and messages: names are never markup, links or headers."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mail.errors import NoAddress
from shared.mail.letters import _LABELS, Kind, letter, plain
from shared.mail.message import checked, message

LINK = "https://app.example/#invitation=abc"
FACTS = {"account": "Acme", "inviter": "Ann", "role": "editor", "expires": "2 May 2027, 10:00", "link": LINK}
FACTS |= {"due": "9 May 2027"}
NAMELESS = {Kind.ERASURE_DONE}
"""What is written when nobody knows the account's name any more."""
NOON = datetime(2027, 5, 1, 12, tzinfo=UTC)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.links: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.links += [value for name, value in attrs if name == "href"]


def sent(kind: Kind = Kind.INVITATION, recipient: str = "bob@example.com", **facts: str):
    made = message(letter(kind, FACTS | facts), "eml_1", "no-reply@imangor.test", recipient, NOON)
    return message_from_bytes(bytes(made), policy=policy.default)


@pytest.mark.parametrize("kind", Kind)
def test_a_message_says_the_same_as_text_and_as_html(kind):
    mail = sent(kind)
    text, page = (mail.get_body((form,)).get_content() for form in ("plain", "html"))
    named = kind not in NAMELESS
    assert ["Acme" in part for part in (text, page, mail["Subject"])] == [named] * 3
    assert (LINK in text) == (LINK in page) == (kind in _LABELS)
    assert mail["Message-ID"] == "<eml_1@imangor.test>"
    assert (mail["To"], mail["From"]) == ("bob@example.com", "Imangor <no-reply@imangor.test>")


@pytest.mark.parametrize("facts", [{}, {"account": "A"}])
def test_a_letter_without_its_facts_is_not_written(facts):
    with pytest.raises(KeyError):
        letter(Kind.INVITATION, facts)


@given(st.text(max_size=200))
def test_no_name_adds_a_header_a_tag_or_a_link(name):
    mail, quiet = sent(account=name, inviter=name), sent()
    assert [k for k, _ in mail.items()] == [k for k, _ in quiet.items()]
    found, usual = Tags(), Tags()
    found.feed(mail.get_body(("html",)).get_content())
    usual.feed(quiet.get_body(("html",)).get_content())
    assert (found.seen, found.links) == (usual.seen, [LINK])
    assert len(plain(name)) <= 80


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ann\r\nBcc: x@evil.example", "Ann Bcc x@ evil. example"),
        ("<b>$account</b>", "b account b"),
        ("Win at https://evil.example/now!", "Win at https evil. example now"),
        ("Søren O’Neil & 株式会社", "Søren O’Neil & 株式会社"),
        ("x" * 100, "x" * 79 + "…"),
    ],
)
def test_a_name_is_shown_as_one_line_of_words(name, shown):
    assert plain(name) == shown


@pytest.mark.parametrize("address", ["ann@example.com", "a.b+c@x.example", "ü@bücher.example"])
def test_an_address_is_an_address(address):
    assert checked(address) == address


@pytest.mark.parametrize(
    "address",
    [
        *(
            "",
            "ann",
            "@x.example",
            "ann@",
            "ann@localhost",
            "a b@x.example",
            "a@x.example\r\nBcc: b@x.example",
        ),
        *("Ann <a@x.example>", "a@x.example,b@x.example", '"a b"@x.example', "a@x@y.example", "a@[1.2.3.4]"),
        *("a" * 65 + "@x.example", "a@" + "x" * 250 + ".example", "a..b@x.example", "a\0@x.example"),
        *(".a@x.example", "a.@x.example", "a@.x.example", "a@x.example.", "a@x..example"),
    ],
)
def test_what_is_none_is_refused(address):
    with pytest.raises(NoAddress):
        checked(address)
