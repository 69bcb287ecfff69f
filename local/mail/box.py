"""The mails that arrived, newest last, each a file; the oldest make room."""

from __future__ import annotations

import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

_KEPT = 500
_SHOWN = 20
_REFUSALS = {"refused.test": "550 No such mailbox", "busy.test": "451 Try again later"}


class Mailbox:
    """Takes mail to anybody but the domains that stand for servers which refuse it, now or for ever."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_RCPT(  # noqa: N802 - the name is the library's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, or say what a refusing server would."""
        refusal = _REFUSALS.get(address.rpartition("@")[2])
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 OK"

    async def handle_DATA(  # noqa: N802 - the name is the library's
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail."""
        content = envelope.original_content or b""
        path = self._folder / f"{time.time_ns()}.eml"
        partial = path.with_suffix(".partial")
        partial.write_bytes(content)
        partial.replace(path)
        for old in sorted(self._folder.glob("*.eml"))[:-_KEPT]:
            old.unlink(missing_ok=True)
        return "250 Kept"


def latest(folder: Path, count: int = _SHOWN) -> list[EmailMessage]:
    """The mails that arrived last, the newest first."""
    paths = sorted(folder.glob("*.eml"), reverse=True)[:count]
    return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in paths]


def shown(mail: EmailMessage) -> dict[str, Any]:
    """What the console page shows of a mail."""
    text = mail.get_body(("plain",))
    headers = {name.lower(): str(mail[name]) for name in ("To", "Subject", "Date", "Message-ID")}
    return {**headers, "text": text.get_content() if text is not None else ""}
