"""A letter as an Internet message (RFC 5322): plain text, and the same as HTML."""

from __future__ import annotations

import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from shared.mail.errors import NoAddress
from shared.mail.letters import Letter

LONGEST: Final = 254
_WORD: Final = r"[^\s@.<>()\[\]\\,;:\"\x00-\x1f\x7f]+"
_ADDRESS: Final = re.compile(rf"(?=.{{1,64}}@){_WORD}(\.{_WORD})*@{_WORD}(\.{_WORD})+")


def checked(address: str) -> str:
    """An address in the form `name@domain`, without anything around it; raises `NoAddress`.

    Stricter than RFC 5322: nothing quoted, no comments, so that it is one word in every header and command.
    """
    if not _ADDRESS.fullmatch(address) or len(address) > LONGEST:
        raise NoAddress()
    return address


def message(letter: Letter, message_id: str, sender: str, recipient: str, date: datetime) -> EmailMessage:
    """The message. `message_id` is the part before the @; the policy refuses line ends in every header."""
    made = EmailMessage(policy=SMTP)
    made["From"] = _header(sender, "Imangor")
    made["To"] = _header(recipient)
    made["Subject"] = letter.subject
    made["Date"] = format_datetime(date)
    made["Message-ID"] = f"<{message_id}@{sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(letter.text)
    made.add_alternative(letter.html, subtype="html")
    return made


def _header(address: str, name: str = "") -> Address:
    user, _, domain = checked(address).partition("@")
    return Address(name, user, domain)
