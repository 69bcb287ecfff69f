"""What our e-mails say. Names come from customers: they are shortened to one line and are never markup."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from string import Template
from typing import Final

_LONGEST_NAME: Final = 80
_NOT_PLAIN: Final = re.compile(r"[^\w .,'’&()+@-]+")


class Kind(StrEnum):
    """Every e-mail that we send."""

    INVITATION = "invitation"
    ERASURE_ORDERED = "erasure_ordered"
    ERASURE_CANCELLED = "erasure_cancelled"
    ERASURE_DONE = "erasure_done"


@dataclass(frozen=True)
class Letter:
    """An e-mail before it has an address: its subject, paragraphs, and a link with its label."""

    subject: str
    paragraphs: tuple[str, ...]
    link: tuple[str, str] | None = None

    @property
    def text(self) -> str:
        """As plain text."""
        link = [f"{self.link[0]}:\n{self.link[1]}"] if self.link else []
        return "\n\n".join([*self.paragraphs, *link]) + "\n"

    @property
    def html(self) -> str:
        """As a page without pictures, scripts or anything from elsewhere."""
        parts = [f"<p>{html.escape(paragraph)}</p>" for paragraph in self.paragraphs]
        if self.link:
            label, url = map(html.escape, self.link)
            parts.append(f'<p><a href="{url}">{label}</a></p><p>{url}</p>')
        return _PAGE.substitute(subject=html.escape(self.subject), body="\n".join(parts))


_PAGE: Final = Template(
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>$subject</title></head>\n'
    '<body style="font: 16px/1.5 sans-serif; max-width: 36em; margin: 2em auto; padding: 0 1em">\n'
    "$body\n</body></html>\n"
)
_TEXTS: Final = {
    Kind.INVITATION: (
        "Join $account on Imangor",
        "$inviter invites you to the account “$account” on Imangor, as $role.",
        "The invitation is for this address alone, can be used once, and ends on $expires (UTC).",
        "If you do not know what this is about, you need not do anything.",
    ),
    Kind.ERASURE_ORDERED: (
        "$account on Imangor will be erased",
        "An owner, or one of its keys, asked that the account “$account” be erased with everything in it.",
        "This begins on $due (UTC). Until then each of its owners can stop it. After that nobody can.",
        "Keep the link below: it will have the receipt when the account is gone.",
    ),
    Kind.ERASURE_CANCELLED: (
        "$account on Imangor stays",
        "The account “$account” will not be erased: one of its owners, or one of its keys, stopped that.",
    ),
    Kind.ERASURE_DONE: (
        "Your account on Imangor was erased",
        "Everything of the account that you were an owner of was erased on $due (UTC).",
        "The link below has a signed receipt. It says who asked, when, and how much was erased.",
    ),
}
_LABELS: Final = {
    Kind.INVITATION: "Accept the invitation",
    Kind.ERASURE_ORDERED: "The receipt",
    Kind.ERASURE_DONE: "The receipt",
}


def letter(kind: Kind, facts: Mapping[str, str]) -> Letter:
    """Write a letter. `facts` are what its text names, and `link`; KeyError where one is missing."""
    names = {name: plain(value) for name, value in facts.items() if name != "link"}
    subject, *paragraphs = (Template(text).substitute(names) for text in _TEXTS[kind])
    link = (_LABELS[kind], facts["link"]) if kind in _LABELS else None
    return Letter(subject, tuple(paragraphs), link)


def plain(name: str) -> str:
    """A name as a letter shows it: one short line of words, in which no program sees a link."""
    line = " ".join(_NOT_PLAIN.sub(" ", name).split())
    line = re.sub(r"(?<=\w)[.@](?=\w)", lambda dot: f"{dot[0]} ", line)
    return line if len(line) <= _LONGEST_NAME else line[: _LONGEST_NAME - 1] + "…"
