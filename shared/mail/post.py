"""E-mails that leave after commit: a row with sealed contents, a task, and a worker that sends it.

A message that was handed over is not sent again, unless the worker died before it could write that down; then
it has the same Message-ID. What it said is forgotten as soon as it has left or was given up.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import insert, select, update

from shared.core.errors import ImangorError
from shared.core.ids import new_id
from shared.core.metrics import Metric, count
from shared.core.sealing import Vault
from shared.db.leases import acquire, confirm, release
from shared.db.models import clock_now, emails
from shared.db.unit_of_work import UnitOfWork
from shared.mail.letters import Kind, letter
from shared.mail.message import message
from shared.mail.messages import FUNCTION, SendEmail
from shared.mail.smtp import MailServer

PURPOSE: Final = "mail"


@dataclass(frozen=True)
class Envelope:
    """A letter that is written and sealed, before the transaction in which it is posted."""

    id: str
    kind: Kind
    sealed: bytes

    def post(self, uow: UnitOfWork) -> None:
        """Have it sent after the unit of work's commit."""
        values = {"id": self.id, "account_id": uow.account, "kind": self.kind, "sealed": self.sealed}
        uow.execute(insert(emails).values(**values))
        uow.outbox.task(FUNCTION, SendEmail(account=str(uow.account), email=self.id).model_dump())


def envelope(vault: Vault, kind: Kind, recipient: str, facts: Mapping[str, str]) -> Envelope:
    """Seal what a letter needs; `facts` as `letter` takes them. Call it before the transaction begins."""
    letter(kind, facts)
    email = new_id("eml")
    contents = json.dumps({"recipient": recipient, "facts": dict(facts)})
    return Envelope(email, kind, vault.seal(PURPOSE, contents.encode(), email))


class Postman:
    """The worker."""

    def __init__(self, open_uow: Callable[[str], UnitOfWork], vault: Vault, server: Callable[[], MailServer]):
        """`server` is asked for when there is something to send."""
        self._open_uow = open_uow
        self._vault = vault
        self._server = server

    def send(self, task: SendEmail, lease_seconds: float) -> None:
        """Send an e-mail, unless it was sent. Raises `LeaseHeld` while another worker sends it."""
        with self._open_uow(task.account) as uow:
            lease = acquire(uow, f"mail {task.email}", lease_seconds)
            columns = (emails.c.kind, emails.c.sealed, emails.c.created_at)
            waiting = (emails.c.id == task.email, emails.c.state == "pending")
            row = uow.execute(select(*columns).where(*waiting)).first()
            if row is None:
                release(uow, lease)
                return
        contents = json.loads(self._vault.open(PURPOSE, bytes(row.sealed), task.email))
        text, server = letter(Kind(row.kind), contents["facts"]), self._server()
        try:
            server.send(message(text, task.email, server.sender, contents["recipient"], row.created_at))
        except ImangorError:
            with self._open_uow(task.account) as uow:
                release(uow, lease)
            raise
        with self._open_uow(task.account) as uow:
            confirm(uow, lease)
            _end(uow, task.email, "sent")
            release(uow, lease)

    def give_up(self, task: SendEmail, error: Exception) -> None:
        """Write down that an e-mail was not sent."""
        with self._open_uow(task.account) as uow:
            _end(uow, task.email, error.slug if isinstance(error, ImangorError) else "internal")


def _end(uow: UnitOfWork, email: str, outcome: str) -> None:
    state, error = ("sent", None) if outcome == "sent" else ("failed", outcome)
    values = {"state": state, "error": error, "sealed": None, "finished_at": clock_now()}
    waiting = (emails.c.id == email, emails.c.state == "pending")
    if uow.execute(update(emails).where(*waiting).values(**values)).rowcount:
        count(Metric.EMAILS, outcome=outcome)
