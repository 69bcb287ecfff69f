"""Tells an account's endpoints that something happened, in the transaction in which it did."""

from __future__ import annotations

import hashlib
from typing import Final

from shared.core.ids import CROCKFORD
from shared.db.unit_of_work import UnitOfWork
from shared.webhooks.deliveries import Deliveries
from shared.webhooks.messages import FUNCTION, LARGEST_BYTES, DeliverWebhook
from shared.webhooks.payloads import DATA, EventType, Payload

_ENVELOPE_BYTES: Final = 200


def announce(uow: UnitOfWork, type_: EventType, data: Payload, about: str) -> str:
    """Record the event, and have it sent to every enabled endpoint that takes its type; gives its id.

    `about` names what it happened to: the same type about the same thing is the same event, so telling it
    again changes nothing. Raises TypeError for data that is not of the type's model, and ValueError for
    data that is too large for a message.
    """
    if not isinstance(data, DATA[type_][0]):
        raise TypeError(f"the data of {type_} is a {DATA[type_][0].__name__}")
    if len(data.model_dump_json().encode()) > LARGEST_BYTES - _ENVELOPE_BYTES:
        raise ValueError(f"the data of {type_} is too large")
    deliveries = Deliveries(uow)
    event = event_id(str(uow.account), about, type_)
    if deliveries.add_event(event, type_.value, data.model_dump(mode="json")):
        send(uow, event, deliveries.takers(type_.value))
    return event


def event_id(account: str, about: str, type_: EventType) -> str:
    """The id of an event, which follows from what happened: 130 bits of a SHA-256, written as our ids are."""
    digest = hashlib.sha256("\n".join((account, about, type_.value)).encode()).digest()
    value = int.from_bytes(digest, "big") >> 256 - 130
    return "evt_" + "".join(CROCKFORD[value >> shift & 31] for shift in range(125, -1, -5))


def send(uow: UnitOfWork, event: str, endpoints: list[str]) -> list[str]:
    """Have the event delivered to these endpoints; those that had it before get it again.

    Gives the ids of the deliveries.
    """
    started = Deliveries(uow).start(event, endpoints)
    for delivery, number in started:
        body = DeliverWebhook(account=str(uow.account), delivery=delivery, number=number)
        uow.outbox.task(FUNCTION, body.model_dump())
    return [delivery for delivery, _ in started]
