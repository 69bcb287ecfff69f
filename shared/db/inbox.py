"""Which events were handled. The row commits with the work, so a repeated event finds it or waits for it."""

from __future__ import annotations

import hashlib

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from shared.db.models import inbox
from shared.db.unit_of_work import UnitOfWork


class Inbox:
    """Remembers the identities of events by their SHA-256, so that no customer's name stands there."""

    def __init__(self, uow: UnitOfWork):
        self._uow = uow

    def first_time(self, source: str, event_id: str) -> bool:
        """Record the event; False when it was recorded before. Waits for a concurrent delivery to end."""
        statement = (
            insert(inbox)
            .values(identity=_identity(source, event_id))
            .on_conflict_do_nothing()
            .returning(inbox.c.identity)
        )
        return self._uow.execute(statement).first() is not None

    def forget(self, source: str, event_id: str) -> None:
        """Let the event be new to `source` once more; the system role may."""
        self._uow.execute(delete(inbox).where(inbox.c.identity == _identity(source, event_id)))


def _identity(source: str, event_id: str) -> bytes:
    return hashlib.sha256(f"{source}\n{event_id}".encode()).digest()
