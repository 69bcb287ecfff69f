"""Task functions: called by Cloud Tasks with a body of ids.

    @task(failed=fail_step)
    def process_image(ctx: Context, body: ImageStep, attempt: Attempt) -> None:
        "Recognise or render a picture."
        ctx.steps.process(body, attempt.number)

The handler takes, by the names of its parameters: `ctx`, `body` (a pydantic model) and `attempt: Attempt`. No
unit of work is open around it: the service opens short ones. `failed(ctx, body, error)` is told when the work
is given up, after a permanent error or the last attempt, and must leave a record; if it fails, the queue
delivers once more.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, overload

from pydantic import BaseModel

from shared.core.errors import ImangorError
from shared.core.logs import bound
from shared.core.metrics import Metric, count
from shared.edge.content import json_model
from shared.edge.endpoint import hints_of
from shared.edge.errors import AttemptsExhausted
from shared.edge.plan import Drop, Plan, Retry, RetryAt, plan
from shared.edge.ports import ContextFactory
from shared.edge.reply import Rendered
from shared.edge.worker import Entry, Visit, log_outcome, make_entry, refuse, subject

Handler = Callable[..., None]
Failed = Callable[[Any, Any, Exception], None]

_DONE = Rendered(200, {}, b"")


@dataclass(frozen=True)
class Attempt:
    """Which try this is: `number` counts from 0, and there are `limit` of them.

    `lease_seconds` is how long a lease must hold so that this attempt cannot outlive it.
    """

    number: int
    limit: int
    task: str
    lease_seconds: int


@overload
def task(function: Handler, /) -> Entry: ...
@overload
def task(
    *, failed: Failed | None = None, context: ContextFactory | None = None
) -> Callable[[Handler], Entry]: ...
def task(
    function: Handler | None = None, /, *, failed: Failed | None = None, context: ContextFactory | None = None
) -> Entry | Callable[[Handler], Entry]:
    """Make a handler the entry point of a task function.

    `context` replaces `shared.context.Context` in tests. Raises TypeError for a signature it cannot serve.
    """
    if function is None:
        return lambda handler: _compose(handler, failed, context)
    return _compose(function, failed, context)


def _compose(handler: Handler, failed: Failed | None, context: ContextFactory | None) -> Entry:
    names = set(inspect.signature(handler).parameters)
    model = hints_of(handler).get("body")
    modelled = isinstance(model, type) and issubclass(model, BaseModel)
    if "body" not in names or not names <= {"ctx", "body", "attempt"} or not modelled:
        raise TypeError(f"{handler.__name__} takes ctx, body (a pydantic model) and, if it likes, attempt")

    def work(visit: Visit) -> Rendered:
        return _work(visit, handler, model, names, failed)

    return make_entry(handler, {"task"}, work, context)


def _work(visit: Visit, handler: Handler, model: Any, names: set[str], failed: Failed | None) -> Rendered:
    try:
        body = json_model(model, visit.raw)
    except ImangorError as unreadable:
        log_outcome(Drop(), unreadable)
        return _DONE
    attempt = _attempt(visit)
    given = {"ctx": visit.ctx, "body": body, "attempt": attempt}
    _count_wait(visit)
    with bound(task=attempt.task, attempt=attempt.number, **subject(body)):
        error = _try(handler, {k: v for k, v in given.items() if k in names}, attempt)
        outcome = plan(error, attempt.number, attempt.limit)
        if error is None:
            return _DONE
        try:
            log_outcome(outcome, error)
            return _settle(visit, outcome, error, body, failed)
        finally:
            # Its traceback holds this frame, and what the handler worked on, such as a decoded picture.
            del error


def _count_wait(visit: Visit) -> None:
    """Count how long after its time the task came, by the queue's own word."""
    try:
        due = float(visit.request.headers.get("X-CloudTasks-TaskETA", ""))
    except ValueError:
        return
    count(Metric.QUEUE_AGE, max(0.0, time.time() - due), kind="task")


def _try(handler: Handler, given: dict[str, Any], attempt: Attempt) -> Exception | None:
    """Run the handler; what it raised, or None. The queue's extra delivery, after an attempt that never
    answered, is not for another try but for giving up in good order.
    """
    if attempt.number >= attempt.limit:
        return AttemptsExhausted()
    try:
        handler(**given)
    except Exception as error:
        return error
    return None


def _settle(visit: Visit, outcome: Plan, error: Exception, body: Any, failed: Failed | None) -> Rendered:
    if isinstance(outcome, Retry):
        return refuse(outcome, visit.request_id)
    if isinstance(outcome, RetryAt):
        lane = visit.manifest.priority_of(visit.request.headers.get("X-CloudTasks-QueueName", ""))
        visit.ctx.reschedule(body, outcome.time, lane)
    elif failed is not None:
        failed(visit.ctx, body, error)
    return _DONE


def _attempt(visit: Visit) -> Attempt:
    headers = visit.request.headers
    count = headers.get("X-CloudTasks-TaskRetryCount", "")
    number = int(count) if count.isascii() and count.isdigit() and len(count) < 10 else 0
    return Attempt(
        number,
        visit.manifest.attempts,
        headers.get("X-CloudTasks-TaskName", ""),
        visit.manifest.lease_seconds,
    )
