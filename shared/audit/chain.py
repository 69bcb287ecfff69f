"""The hash chain: each entry's hash covers its content and the hash of the entry before it.

The database computes it (trigger `chain_entry`) and this computes it again, from what stands in the rows or
in an export. The text that is hashed is the JSON array of the entry's members exactly as PostgreSQL writes
`jsonb`: a space after comma and colon, members of objects ordered by the length of their names in bytes, then
by these bytes (PostgreSQL, "jsonb Containment and Existence", and `jsonb_build_array`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

PLATFORM: Final = "platform"
"""The chain of what belongs to no account."""
START: Final = b""
"""What stands before the first entry of a chain."""
Fact = str | int | bool | None
Facts = Mapping[str, Fact]
What = Literal["edited", "missing", "order", "forged", "truncated", "head", "anchor"]


@dataclass(frozen=True)
class Link:
    """One entry of a chain, as far as its hash covers it, with the hashes that stand beside it."""

    chain: str
    number: int
    at: datetime
    actor_kind: str
    actor: str
    action: str
    target: str | None
    address: str | None
    request: str | None
    facts: Facts
    previous: bytes
    hash: bytes

    def computed(self) -> bytes:
        """The hash that the content and `previous` give."""
        return hashlib.sha256(self.previous + _text(self).encode()).digest()


@dataclass(frozen=True)
class Mark:
    """A point that a chain has passed: how many entries it had, and the hash of the last."""

    number: int
    hash: bytes


@dataclass(frozen=True)
class Flaw:
    """What is wrong, and with which entry of the chain."""

    what: What
    number: int


def flaws(links: Iterable[Link], head: Mark | None, anchors: Iterable[Mark] = ()) -> Iterator[Flaw]:
    """Everything that is wrong with a chain, whose entries come in the order of their numbers.

    `head` is what the database keeps as the chain's end, `anchors` what was published of it elsewhere.
    """
    published = {mark.number: mark.hash for mark in anchors}
    number, last = 0, START
    for link in links:
        for what in _wrong(link, number, last):
            yield Flaw(what, link.number)
        if published.pop(link.number, link.hash) != link.hash:
            yield Flaw("anchor", link.number)
        number, last = link.number, link.hash
    end = head or Mark(0, START)
    if end.number > number:
        yield Flaw("truncated", number + 1)
    elif (end.number, end.hash) != (number, last):
        yield Flaw("head", number)
    for missing in sorted(published):
        yield Flaw("truncated" if missing > number else "anchor", missing)


def _wrong(link: Link, number: int, last: bytes) -> Iterator[What]:
    if link.number <= number:
        yield "order"
    elif link.number > number + 1:
        yield "missing"
    if link.computed() != link.hash:
        yield "edited"
    if link.previous != last and link.number == number + 1:
        yield "forged"


def _text(link: Link) -> str:
    at = link.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    names = sorted(link.facts, key=lambda name: (len(name.encode()), name.encode()))
    facts = {name: link.facts[name] for name in names}
    members = [link.chain, link.number, at, link.actor_kind, link.actor, link.action]
    members += [link.target, link.address, link.request]
    return json.dumps([*members, facts], ensure_ascii=False)
