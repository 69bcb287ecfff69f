"""/v1/admin/dead-letters, /v1/admin/queues: what was given up, what waits; for the platform's own."""

from __future__ import annotations

from shared.backlog import errors, schemas
from shared.context import Context
from shared.edge import http
from shared.edge.http import mount
from shared.queue.errors import QueueUnavailable

LETTER = "/{letter_id}"
QUEUE = "/v1/admin/queues/{queue}"
QUEUE_ERRORS = [errors.QueueNotFound, QueueUnavailable]


@http.get("/", auth="admin", rate="120/minute", transaction=False)
def list_dead_letters(ctx: Context, query: schemas.LetterFilter) -> schemas.LetterPage:
    """List events that were given up, the newest first, with why."""
    return ctx.dead_letter_desk.page(ctx.caller, query)


@http.post("/redrive", auth="admin", rate="60/minute", transaction=False)
def redrive_dead_letters(ctx: Context, body: schemas.RedriveLetters) -> schemas.Redriven:
    """Send dead letters of a subscription again, the oldest first. What was done by now is not done twice."""
    return ctx.dead_letter_desk.redrive_all(ctx.caller, body)


@http.post(
    LETTER + "/redrive",
    auth="admin",
    rate="120/minute",
    transaction=False,
    errors=[errors.LetterNotFound, errors.LetterRedriven],
)
def redrive_dead_letter(ctx: Context, letter_id: schemas.LetterId) -> schemas.DeadLetter:
    """Send one dead letter again. If it is given up again, it comes back."""
    return ctx.dead_letter_desk.redrive(ctx.caller, letter_id)


@http.delete(
    LETTER,
    auth="admin",
    rate="120/minute",
    status=204,
    transaction=False,
    errors=[errors.LetterNotFound],
)
def discard_dead_letter(ctx: Context, letter_id: schemas.LetterId) -> None:
    """Throw a dead letter away."""
    ctx.dead_letter_desk.discard(ctx.caller, letter_id)


@http.get("/v1/admin/queues", auth="admin", rate="120/minute", transaction=False, errors=[QueueUnavailable])
def list_queues(ctx: Context) -> schemas.QueueList:
    """List the queues of tasks, and whether they are paused."""
    return ctx.queue_desk.all()


@http.post(QUEUE + "/pause", auth="admin", rate="60/minute", transaction=False, errors=QUEUE_ERRORS)
def pause_queue(ctx: Context, queue: schemas.QueueName) -> schemas.Queue:
    """Dispatch no more of a queue's tasks. What comes waits, and what runs goes on."""
    return ctx.queue_desk.pause(ctx.caller, queue)


@http.post(QUEUE + "/resume", auth="admin", rate="60/minute", transaction=False, errors=QUEUE_ERRORS)
def resume_queue(ctx: Context, queue: schemas.QueueName) -> schemas.Queue:
    """Dispatch a queue's tasks again."""
    return ctx.queue_desk.resume(ctx.caller, queue)


LETTERS = (list_dead_letters, redrive_dead_letters, redrive_dead_letter, discard_dead_letter)
backlog = mount("backlog", *LETTERS, list_queues, pause_queue, resume_queue)
