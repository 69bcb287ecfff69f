"""Effects that must not be lost: written with the change, sent after commit, re-sent by `sweep`.

The writer claims its own rows for a short while, so that the sweeper leaves alone what is being sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import (
    DateTime,
    Double,
    Text,
    bindparam,
    column,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.core import tracing
from shared.core.priority import Priority
from shared.db.models import clock_now, outbox

if TYPE_CHECKING:
    from shared.db.batch import Row
    from shared.db.unit_of_work import UnitOfWork

CLAIM = timedelta(seconds=60)
Kind = Literal["task", "event", "erase", "message"]
Due = timedelta | datetime


@dataclass(frozen=True)
class Effect:
    """One row: a task for a function, an event or a whole message for a topic, or objects to erase.

    `due_at` None is now. `trace` is the `traceparent` of the work that wrote it: whoever sends it, it belongs
    to that work's trace.
    """

    id: int
    account: str
    kind: Kind
    destination: str
    payload: dict[str, Any]
    due_at: datetime | None = None
    priority: Priority | None = None
    trace: str | None = None


Deliver = Callable[[list[Effect]], None]


class Outbox:
    """Collects one unit of work's effects, inserts them in one statement, hands them over after commit."""

    def __init__(self, uow: UnitOfWork, deliver: Deliver):
        self._uow = uow
        self._deliver = deliver
        self._pending: list[dict[str, Any]] = []

    def task(
        self,
        function: str,
        body: dict[str, Any],
        due: Due = timedelta(),
        *,
        priority: Priority | None = None,
    ) -> None:
        """Have `function` called with `body`, which holds ids only; `priority` if it has several queues."""
        self._add("task", function, body, due, priority)

    def event(self, topic: str, body: dict[str, Any]) -> None:
        """Tell the subscribers of `topic`."""
        self._add("event", topic, body, timedelta())

    def message(self, topic: str, data: str, attributes: dict[str, str]) -> None:
        """Publish a message as it is, attributes and identity included."""
        self._add("message", topic, {"data": data, "attributes": attributes}, timedelta())

    def erase(self, body: dict[str, Any], due: Due = timedelta()) -> None:
        """Erase a `source` in the uploads bucket, and what `job` wrote below the prefixes `results`."""
        self._add("erase", "", body, due)

    def _add(
        self,
        kind: Kind,
        destination: str,
        payload: dict[str, Any],
        due: Due,
        priority: Priority | None = None,
    ) -> None:
        row: dict[str, Any] = {
            "kind": kind,
            "destination": destination,
            "payload": payload,
            "priority": priority,
            "trace": tracing.traceparent(),
        }
        row |= {"due_at": due.isoformat()} if isinstance(due, datetime) else {"wait": due.total_seconds()}
        if not self._uow.waits(_KEY):
            self._pending = []
            parameters = {"p_account": self._uow.account, "p_effects": self._pending}
            self._uow.later(_INSERTION, parameters, self._inserted, _KEY)
        self._pending.append(row)

    def _inserted(self, rows: list[Row]) -> None:
        found = [_effect(SimpleNamespace(**row)) for row in rows]
        effects = [effect for effect in found if effect.due_at is None or effect.kind == "task"]
        self._uow.after_commit(lambda: self._deliver(effects))


_KEY = "outbox"
_COLUMNS = (
    outbox.c.id,
    outbox.c.account_id,
    outbox.c.kind,
    outbox.c.destination,
    outbox.c.payload,
    outbox.c.priority,
    outbox.c.due_at,
    outbox.c.trace,
)
_FUTURE = (outbox.c.due_at > clock_now()).label("future")
_NEW = (
    func.jsonb_to_recordset(bindparam("p_effects", type_=JSONB))
    .table_valued(
        column("kind", Text),
        column("destination", Text),
        column("payload", JSONB),
        column("priority", Text),
        column("trace", Text),
        column("due_at", DateTime(timezone=True)),
        column("wait", Double),
        name="new",
    )
    .render_derived(with_types=True)
)
_DUE = func.coalesce(_NEW.c.due_at, clock_now() + func.make_interval(0, 0, 0, 0, 0, 0, _NEW.c.wait))
_INSERTION = (
    insert(outbox)
    .from_select(
        ["account_id", "kind", "destination", "payload", "priority", "trace", "due_at", "claimed_until"],
        select(
            bindparam("p_account", type_=Text),
            *(
                _NEW.c.kind,
                _NEW.c.destination,
                _NEW.c.payload,
                _NEW.c.priority,
                _NEW.c.trace,
                _DUE,
                _DUE + CLAIM,
            ),
        ),
    )
    .returning(*_COLUMNS, _FUTURE)
)


def _effect(row: Any) -> Effect:
    due = datetime.fromisoformat(row.due_at) if isinstance(row.due_at, str) else row.due_at
    priority = None if row.priority is None else Priority(row.priority)
    return Effect(
        row.id,
        row.account_id,
        row.kind,
        row.destination,
        row.payload,
        due if row.future else None,
        priority,
        row.trace,
    )


def claim_unsent(uow: UnitOfWork, limit: int) -> list[Effect]:
    """Take over due rows whose writer has not sent them in time, in the order in which they were written.

    Two sweepers never take the same row.
    """
    due = (
        select(outbox.c.id)
        .where(outbox.c.sent_at.is_(None), outbox.c.claimed_until < clock_now())
        .order_by(outbox.c.claimed_until)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(outbox)
        .where(outbox.c.id.in_(due.scalar_subquery()))
        .values(claimed_until=clock_now() + CLAIM, attempts=outbox.c.attempts + 1)
        .returning(*_COLUMNS, _FUTURE)
    )
    return sorted(map(_effect, uow.execute(statement)), key=lambda effect: effect.id)


def mark_sent(uow: UnitOfWork, ids: list[int]) -> None:
    """Record that these rows have left."""
    uow.execute(update(outbox).where(outbox.c.id.in_(ids)).values(sent_at=clock_now()))


def oldest_unsent_seconds(uow: UnitOfWork) -> float:
    """Age of the oldest row that is due and not sent, 0 without one; the outbox alert watches it."""
    age = func.extract("epoch", clock_now() - func.min(outbox.c.due_at))
    where = (outbox.c.sent_at.is_(None), outbox.c.due_at < clock_now())
    return float(uow.execute(select(func.coalesce(age, literal(0))).where(*where)).scalar_one())
