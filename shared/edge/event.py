"""Event functions: called for messages of Pub/Sub, and for new objects in a bucket.

    @event
    def on_upload(ctx: Context, event: ObjectFinalized) -> None:
        "Take a file that has arrived."
        ctx.jobs.take_upload(event.bucket, event.name, event.generation)

The handler takes, by the names of its parameters: `ctx`; `event`, annotated `ObjectFinalized` (an object that
came to be), a pydantic model (the message's data as JSON) or `Message` (the message as it came); and
`delivery: Delivery`. It runs in a unit of work in which the event's identity is recorded too, so that a
duplicate is acknowledged without a call. What it raises decides what becomes of the event: see `plan`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, overload

from pydantic import BaseModel

from shared.core import tracing
from shared.core.again import again
from shared.core.clock import utc_now
from shared.core.errors import ImangorError
from shared.core.logs import bound
from shared.core.metrics import Metric, count
from shared.core.names import TRACE_ATTRIBUTE
from shared.edge.content import json_model
from shared.edge.endpoint import hints_of
from shared.edge.envelope import Message as Message
from shared.edge.envelope import ObjectFinalized as ObjectFinalized
from shared.edge.envelope import unwrap
from shared.edge.errors import MalformedEvent
from shared.edge.plan import Drop, Retry, RetryAt, plan
from shared.edge.ports import ContextFactory
from shared.edge.reply import Rendered
from shared.edge.worker import Entry, Visit, log_outcome, make_entry, refuse, subject

Handler = Callable[..., None]


@dataclass(frozen=True)
class Delivery:
    """Which delivery of which event this is: `attempt` counts from 0, after `limit` it is a dead letter."""

    identity: str
    attempt: int
    limit: int
    published_at: datetime | None


@overload
def event(function: Handler, /) -> Entry: ...
@overload
def event(*, context: ContextFactory | None = None) -> Callable[[Handler], Entry]: ...
def event(
    function: Handler | None = None, /, *, context: ContextFactory | None = None
) -> Entry | Callable[[Handler], Entry]:
    """Make a handler the entry point of a storage or pubsub function.

    `context` replaces `shared.context.Context` in tests. Raises TypeError for a signature it cannot serve.
    """
    if function is None:
        return lambda handler: _compose(handler, context)
    return _compose(function, context)


def _compose(handler: Handler, context: ContextFactory | None) -> Entry:
    names = set(inspect.signature(handler).parameters)
    hint = hints_of(handler).get("event")
    modelled = isinstance(hint, type) and issubclass(hint, BaseModel | Message)
    if "event" not in names or not names <= {"ctx", "event", "delivery"} or not modelled:
        raise TypeError(f"{handler.__name__} takes ctx, event (a model) and, if it likes, delivery")

    def work(visit: Visit) -> Rendered:
        return _work(visit, handler, hint, names)

    return make_entry(handler, {"storage", "pubsub"}, work, context)


def _work(visit: Visit, handler: Handler, model: Any, names: set[str]) -> Rendered:
    try:
        message = unwrap(visit.request.headers, visit.request.mimetype, visit.raw)
        tracing.join(message.attributes.get(TRACE_ATTRIBUTE))
        happened = _event(message, model)
    except ImangorError as error:
        log_outcome(Drop(), error)
        return Rendered(204, {}, b"")
    delivery = Delivery(message.identity, message.attempt, visit.manifest.attempts, message.published_at)
    given = {"ctx": visit.ctx, "event": happened, "delivery": delivery}
    # The identity of an object holds its name, which is the customer's word.
    facts = {"event": sha256(message.identity.encode()).hexdigest()[:16], "attempt": message.attempt}
    with bound(**facts, **subject(happened)):
        reply = _deliver(visit, handler, {k: v for k, v in given.items() if k in names}, message)
        # Only the work may know which trace this belongs to, and its lines with it.
        _count_wait(message)
        return reply


def _deliver(visit: Visit, handler: Handler, given: dict[str, Any], message: Message) -> Rendered:
    def work() -> None:
        with visit.ctx.unit_of_work():
            if visit.ctx.inbox.first_time(visit.name, message.identity):
                handler(**given)

    try:
        again(work)
    except Exception as error:
        outcome = plan(error, message.attempt, None)
        log_outcome(outcome, error)
        if isinstance(outcome, Retry | RetryAt):
            visit.ctx.event_failures.note(message.identity, error)
            return refuse(Retry(), visit.request_id)
    return Rendered(204, {}, b"")


def _count_wait(message: Message) -> None:
    """Count how old the message is, at its end, by the clock of whoever took it in."""
    if message.published_at is not None:
        waited = max(0.0, (utc_now() - message.published_at).total_seconds())
        count(Metric.QUEUE_AGE, waited, kind="event")


def _event(message: Message, model: Any) -> Any:
    if model is Message:
        return message
    if model is ObjectFinalized:
        if message.finalized is None:
            raise MalformedEvent("The message is not about a new object.")
        return message.finalized
    return json_model(model, message.data)
