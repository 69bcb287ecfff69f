"""Dead letters, as the platform's own people see them, send them again, and throw them away.

What is sent again is the message as it came, to the topic that it came from, so it has the identity that it
had: a function that has done it in the meantime does nothing. One that gives it up again brings it back here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, delete, select, update

from shared.audit.actions import Action
from shared.audit.log import record
from shared.auth.principal import Principal
from shared.backlog.errors import LetterNotFound, LetterRedriven
from shared.backlog.schemas import (
    MOST_AT_ONCE,
    DeadLetter,
    LetterFilter,
    LetterPage,
    RedriveLetters,
    Redriven,
)
from shared.db.inbox import Inbox
from shared.db.models import clock_now, dead_letters
from shared.db.unit_of_work import UnitOfWork

KEEPER: Final = "on_dead_letter"
"""The function that keeps dead letters, and remembers which it has kept."""
_PREFIX: Final = "let_"
_STAMPS: Final = ("CloudPubSubDeadLetter", "googclient_")
"""What Pub/Sub adds to the attributes of a message that it gives up."""
_DELIVERIES: Final = "CloudPubSubDeadLetterSourceDeliveryCount"

_l = dead_letters.c


class DeadLetterDesk:
    """The operations, each in a unit of work of the admin's account, as the system role."""

    def __init__(self, open_uow: Callable[[str], UnitOfWork]):
        """`open_uow` opens a unit of work under an account."""
        self._open_uow = open_uow

    def page(self, admin: Principal, query: LetterFilter) -> LetterPage:
        """Some of the letters, newest first."""
        sent = _l.redriven_at.is_not(None) if query.redriven else _l.redriven_at.is_(None)
        wanted: list[ColumnElement[bool]] = [sent]
        wanted += [_l.subscription == query.subscription] if query.subscription else []
        wanted += [_l.account_id == query.account] if query.account else []
        wanted += [_l.id < _number(query.cursor)] if query.cursor else []
        statement = select(dead_letters).where(*wanted).order_by(_l.id.desc()).limit(query.limit + 1)
        with self._open_uow(admin.account) as uow:
            rows = uow.execute(statement).all()
        letters = [_shown(row) for row in rows[: query.limit]]
        return LetterPage(letters=letters, next_cursor=letters[-1].id if len(rows) > query.limit else None)

    def redrive(self, admin: Principal, letter: str) -> DeadLetter:
        """Send one again. Raises `LetterNotFound`, and `LetterRedriven` where that was done."""
        with self._open_uow(admin.account) as uow:
            row = uow.execute(select(dead_letters).where(_l.id == _number(letter)).with_for_update()).first()
            if row is None:
                raise LetterNotFound()
            if row.redriven_at is not None:
                raise LetterRedriven()
            return _shown(_send_again(uow, admin, row))

    def redrive_all(self, admin: Principal, order: RedriveLetters) -> Redriven:
        """Send the oldest of a subscription again, at most `MOST_AT_ONCE`.

        Two who do that at once share the letters.
        """
        kept = (_l.subscription == order.subscription, _l.redriven_at.is_(None))
        oldest = select(dead_letters).where(*kept).order_by(_l.id).limit(MOST_AT_ONCE)
        with self._open_uow(admin.account) as uow:
            rows = uow.execute(oldest.with_for_update(skip_locked=True)).all()
            for row in rows:
                _send_again(uow, admin, row)
            left = uow.execute(select(_l.id).where(*kept).limit(1)).first() is not None
        return Redriven(redriven=len(rows), left=left)

    def discard(self, admin: Principal, letter: str) -> None:
        """Throw one away. Raises `LetterNotFound`."""
        with self._open_uow(admin.account) as uow:
            gone = delete(dead_letters).where(_l.id == _number(letter)).returning(_l.subscription)
            row = uow.execute(gone).first()
            if row is None:
                raise LetterNotFound()
            record(uow, Action.DEAD_LETTER_DISCARDED, letter, subscription=row.subscription)


def _send_again(uow: UnitOfWork, admin: Principal, row: Row[Any]) -> Row[Any]:
    """After the commit. Whoever keeps dead letters forgets having kept this one, so that it may return."""
    attributes = {k: v for k, v in row.message["attributes"].items() if not k.startswith(_STAMPS)}
    uow.outbox.message(row.subscription, row.message["data"], attributes)
    Inbox(uow).forget(KEEPER, row.identity)
    change = update(dead_letters).where(_l.id == row.id)
    marked = change.values(redriven_at=clock_now(), redriven_by=admin.id).returning(dead_letters)
    facts = {"subscription": row.subscription, "account": row.account_id}
    record(uow, Action.DEAD_LETTER_REDRIVEN, f"{_PREFIX}{row.id}", **facts)
    return uow.execute(marked).one()


def _number(letter: str) -> int:
    return int(letter.removeprefix(_PREFIX))


def _shown(row: Row[Any]) -> DeadLetter:
    return DeadLetter(
        id=f"{_PREFIX}{row.id}",
        subscription=row.subscription,
        reason=row.reason,
        event=hashlib.sha256(row.identity.encode()).hexdigest()[:16],
        account=row.account_id,
        deliveries=_deliveries(row.message["attributes"]),
        received_at=row.received_at,
        returned=row.returned,
        redriven_at=row.redriven_at,
        redriven_by=row.redriven_by,
    )


def _deliveries(attributes: Mapping[str, str]) -> int | None:
    told = attributes.get(_DELIVERIES, "")
    return int(told) if told.isascii() and told.isdecimal() else None
