"""Events and their deliveries in the database.

A delivery's tries are numbered from 0 for good; `tries` of them have ended. The schedule begins anew at
`first_try` when the delivery is replayed.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from shared.core.cursors import Place
from shared.core.ids import new_id
from shared.db.models import clock_now, webhook_deliveries, webhook_endpoints, webhook_events
from shared.db.unit_of_work import UnitOfWork
from shared.webhooks.errors import DeliveryNotFound, EventNotFound

KEPT_ATTEMPTS: Final = 30
"""So many of the last attempts are kept of a delivery; it has more only when it is replayed."""


@dataclass(frozen=True)
class EventRecord:
    """A row of `webhook_events`."""

    id: str
    type: str
    data: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True)
class DeliveryRecord:
    """A row of `webhook_deliveries`, with its event's type."""

    id: str
    endpoint_id: str
    event_id: str
    state: str
    tries: int
    first_try: int
    attempts: list[dict[str, Any]]
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
    type: str


_d, _e, _p = webhook_deliveries.c, webhook_events.c, webhook_endpoints.c
_EVENT = tuple(_e[field.name] for field in fields(EventRecord))
_DELIVERY = (*(_d[field.name] for field in fields(DeliveryRecord) if field.name != "type"), _e.type)
_JOINED = webhook_deliveries.join(webhook_events, _d.event_id == _e.id)


class Deliveries:
    """Those of the unit of work's account."""

    def __init__(self, uow: UnitOfWork):
        self._uow = uow

    def add_event(self, event: str, type_: str, data: dict[str, Any]) -> bool:
        """Record an event; False when it was recorded before."""
        row = {"id": event, "account_id": self._uow.account, "type": type_, "data": data}
        statement = insert(webhook_events).values(**row).on_conflict_do_nothing().returning(_e.id)
        return self._uow.execute(statement).first() is not None

    def event(self, event: str) -> EventRecord:
        """The event; raises `EventNotFound`."""
        row = self._uow.execute(select(*_EVENT).where(_e.id == event)).first()
        if row is None:
            raise EventNotFound()
        return EventRecord(**row._mapping)

    def events(self, limit: int, type_: str | None, after: Place | None) -> list[EventRecord]:
        """Up to `limit` events, newest first, that come after the given place."""
        conditions: list[ColumnElement[bool]] = [] if type_ is None else [_e.type == type_]
        if after is not None:
            conditions.append(tuple_(_e.created_at, _e.id) < after)
        order = (_e.created_at.desc(), _e.id.desc())
        statement = select(*_EVENT).where(*conditions).order_by(*order).limit(limit)
        return [EventRecord(**row._mapping) for row in self._uow.execute(statement)]

    def takers(self, type_: str) -> list[str]:
        """The enabled endpoints that take events of a type."""
        wanted = or_(func.cardinality(_p.types) == 0, _p.types.contains([type_]))
        where = and_(_p.state == "enabled", _p.deleted_at.is_(None), wanted)
        return list(self._uow.execute(select(_p.id).where(where).order_by(_p.id)).scalars())

    def start(self, event: str, endpoints: list[str]) -> list[tuple[str, int]]:
        """Begin an event's deliveries, anew where there was one; each with the number of its next try."""
        if not endpoints:
            return []
        own = {"account_id": self._uow.account, "event_id": event}
        rows = [{"id": new_id("whd"), "endpoint_id": endpoint, **own} for endpoint in endpoints]
        again = {
            "state": "pending",
            "first_try": case((_d.state == "pending", _d.first_try), else_=_d.tries),
            "next_attempt_at": clock_now(),
            "finished_at": None,
        }
        statement = insert(webhook_deliveries).values(rows)
        statement = statement.on_conflict_do_update(index_elements=["endpoint_id", "event_id"], set_=again)
        return [tuple(row) for row in self._uow.execute(statement.returning(_d.id, _d.tries))]

    def find(self, delivery: str, *, lock: bool = False) -> DeliveryRecord | None:
        """The delivery; with `lock`, nobody else changes it before this transaction ends."""
        statement = select(*_DELIVERY).select_from(_JOINED).where(_d.id == delivery)
        statement = statement.with_for_update(of=webhook_deliveries) if lock else statement
        row = self._uow.execute(statement).first()
        return None if row is None else DeliveryRecord(**row._mapping)

    def get(self, delivery: str) -> DeliveryRecord:
        """The delivery; raises `DeliveryNotFound`."""
        found = self.find(delivery)
        if found is None:
            raise DeliveryNotFound()
        return found

    def page(
        self, limit: int, after: Place | None, endpoint: str | None, event: str | None, state: str | None
    ) -> list[DeliveryRecord]:
        """Up to `limit` deliveries, newest first, that come after the given place."""
        chosen = ((_d.endpoint_id, endpoint), (_d.event_id, event), (_d.state, state))
        conditions: list[ColumnElement[bool]] = [column == value for column, value in chosen if value]
        if after is not None:
            conditions.append(tuple_(_d.created_at, _d.id) < after)
        order = (_d.created_at.desc(), _d.id.desc())
        statement = select(*_DELIVERY).select_from(_JOINED).where(*conditions).order_by(*order).limit(limit)
        return [DeliveryRecord(**row._mapping) for row in self._uow.execute(statement)]

    def begin(self, delivery: DeliveryRecord, seconds: float) -> None:
        """A try is under way; without a word of it, until so many seconds have passed."""
        self._set(delivery, busy_until=clock_now() + timedelta(seconds=seconds), waiting=False)

    def put_off(self, delivery: DeliveryRecord) -> None:
        """The try waits until another one at its endpoint has ended."""
        self._set(delivery, waiting=True)

    def under_way(self, endpoint: str, *, but: str) -> int:
        """How many tries at the endpoint are under way, other than those of the delivery `but`."""
        busy = and_(_d.endpoint_id == endpoint, _d.busy_until > clock_now(), _d.id != but)
        counted: int = self._uow.execute(select(func.count()).where(busy)).scalar_one()
        return counted

    def next_waiting(self, endpoint: str) -> tuple[str, int] | None:
        """Take the delivery that has waited longest at the endpoint, with the number of its try."""
        waits = and_(_d.endpoint_id == endpoint, _d.waiting, _d.state == "pending")
        first = select(_d.id).where(waits).order_by(_d.next_attempt_at, _d.id).limit(1).scalar_subquery()
        statement = update(webhook_deliveries).where(_d.id == first).values(waiting=False)
        row = self._uow.execute(statement.returning(_d.id, _d.tries)).first()
        return None if row is None else (row.id, row.tries)

    def record(self, delivery: DeliveryRecord, attempt: dict[str, Any], wait: timedelta | None) -> None:
        """A try failed. With `wait` the next is due then; without, the delivery is dead."""
        self._end_try(delivery, attempt, {"next_attempt_at": clock_now() + wait} if wait else _ended("dead"))

    def record_success(self, delivery: DeliveryRecord, attempt: dict[str, Any]) -> None:
        """The message arrived."""
        self._end_try(delivery, attempt, _ended("delivered"))

    def give_up(self, *, endpoint: str | None = None, delivery: str | None = None) -> None:
        """End what is pending for an endpoint, or one delivery, without another try."""
        where = _d.id == delivery if endpoint is None else _d.endpoint_id == endpoint
        pending = and_(where, _d.state == "pending")
        self._uow.execute(update(webhook_deliveries).where(pending).values(**_ended("dead")))

    def _end_try(self, delivery: DeliveryRecord, attempt: dict[str, Any], values: dict[str, Any]) -> None:
        attempts = [*delivery.attempts, attempt][-KEPT_ATTEMPTS:]
        counted = {"tries": _d.tries + 1, "attempts": attempts, "busy_until": None, "waiting": False}
        self._set(delivery, **counted, **values)

    def _set(self, delivery: DeliveryRecord, **values: Any) -> None:
        self._uow.execute(update(webhook_deliveries).where(_d.id == delivery.id).values(**values))


def _ended(state: str) -> dict[str, Any]:
    return {"state": state, "next_attempt_at": None, "finished_at": clock_now()}
