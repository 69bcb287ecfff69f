"""Letting a system come to rest: wait while it works, and let time pass when it waits for time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from local.state import REPOSITORY
from shared.edge.manifest import load_all

if TYPE_CHECKING:
    from google.cloud.tasks_v2 import Task

    from tests.faults.harness.run import Run

LONGEST = 150.0
"""Seconds of real time within which everything must have come to rest."""
_CALM = 0.25
_STARTING = 30.0
_IN_VAIN = 6
_PAUSE = 0.02
ENDED = ["completed", "partly_completed", "failed", "cancelled", "expired"]


class NeverSettled(AssertionError):
    """Something is still left to do after the longest time."""


@dataclass
class Left:
    """What is left to do."""

    jobs: list[str]
    unsent: list[int]
    unheard: list[str]
    tasks: list[Task]

    def __bool__(self) -> bool:
        return bool(self.jobs or self.unsent or self.unheard or self.tasks)

    def __str__(self) -> str:
        return (
            f"jobs {self.jobs}, unsent effects {self.unsent}, unhandled events {self.unheard}, "
            f"tasks {[task.name.rsplit('/', 1)[-1] for task in self.tasks]}"
        )

    def in_delivery(self) -> bool:
        """Whether an event, or a task that was dispatched, is on its way to a function."""
        attempts = [task.last_attempt for task in self.tasks if task.dispatch_count]
        return bool(self.unheard) or any(not attempt.response_status.code for attempt in attempts)

    def key(self) -> tuple[Any, ...]:
        """Changes whenever something gets done."""
        tasks = tuple((t.name, t.dispatch_count, t.response_count) for t in self.tasks)
        return tuple(self.jobs), tuple(self.unsent), tuple(self.unheard), tasks


def settle(run: Run) -> None:
    """Return when nothing is left to do; raises `NeverSettled`."""
    deadline = time.monotonic() + LONGEST
    seen, since = None, time.monotonic()
    passed, before, passes = 0, None, 0
    # Twice, because what moves on between two of the questions is seen by neither.
    while left := what_is_left(run) or what_is_left(run):
        if time.monotonic() > deadline:
            raise NeverSettled(f"never came to rest: {left}")
        now = (left.key(), _busy(run))
        if now != seen:
            seen, since = now, time.monotonic()
        calm = time.monotonic() - since
        # A function that is being started serves nobody yet, so what is to be delivered gets more time.
        if not now[1] and calm > (_STARTING if left.in_delivery() else _CALM):
            passed = passed + 1 if left.key() == before else 0
            if passed > _IN_VAIN:
                raise NeverSettled(f"does not end however much time passes: {left}")
            before, seen = left.key(), None
            passes += 1
            if passes > run.passes:
                raise NeverSettled(f"has not ended after {passes} waits: {left}")
            _let_time_pass(run, left)
        time.sleep(_PAUSE)


def what_is_left(run: Run) -> Left:
    """Jobs that have not ended, effects that have not left, events not handled, tasks not done."""
    jobs = run.sql(
        "select id from jobs where account_id = :a and not state = any(:ended) order by id",
        a=run.account,
        ended=ENDED,
    )
    unsent = run.sql(
        "select id from outbox where account_id = :a and sent_at is null and (due_at <= clock_now() or "
        "kind = 'task') order by id",
        a=run.account,
    )
    tasks = [task for task in run.cloud.queues.waiting() if run.account.encode() in task.http_request.body]
    return Left([row[0] for row in jobs], [row[0] for row in unsent], unheard(run), tasks)


def unheard(run: Run) -> list[str]:
    """Published events, and objects that came to be, that no function has handled or given up."""
    sent = run.sql(
        "select id, destination from outbox where account_id = :a and kind = 'event' and sent_at is not null",
        a=run.account,
    )
    wanted = {
        _identity(function, f"//imangor/outbox#evt_{number}"): f"{function} evt_{number}"
        for number, topic in sent
        for function in _listeners().get(topic, [])
    }
    bucket = run.cloud.cloud.connection["buckets"]["uploads"]
    for name, generation in objects(run, "uploads"):
        wanted[_identity("on_upload", f"{bucket}/{name}#{generation}")] = f"on_upload {name}"
    if not wanted:
        return []
    handled = run.sql("select encode(identity, 'hex') from inbox where identity = any(:i)", i=list(wanted))
    dead = run.sql("select message::text from dead_letters where account_id = :a", a=run.account)
    known = {wanted[bytes.fromhex(row[0])] for row in handled}
    given_up = " ".join(row[0] for row in dead)
    return sorted(w for w in wanted.values() if w not in known and w.split(" ", 1)[1] not in given_up)


def objects(run: Run, bucket: str) -> list[tuple[str, int]]:
    """Names and generations of the account's objects in a bucket, past the harness's proxy."""
    name = run.cloud.cloud.connection["buckets"][bucket]
    folders = ("uploads/", "inbox/") if bucket == "uploads" else ("results/",)
    return [
        (blob.name, int(blob.generation))
        for folder in folders
        for blob in run.cloud.buckets.list_blobs(name, prefix=f"{folder}{run.account}/")
    ]


@cache
def _listeners() -> dict[str, list[str]]:
    """Functions by the topic that they listen to."""
    found: dict[str, list[str]] = {}
    for manifest in load_all(REPOSITORY / "functions").values():
        if manifest.topic_name:
            found.setdefault(manifest.topic_name, []).append(manifest.name)
    return found


def _identity(function: str, identity: str) -> bytes:
    """As the inbox remembers an event (`shared/db/inbox.py`)."""
    return sha256(f"{function}\n{identity}".encode()).digest()


def _busy(run: Run) -> int:
    """Requests that functions are serving now."""
    return sum(f["running"] for f in run.cloud.cloud.status()["functions"])


def _let_time_pass(run: Run, left: Left) -> None:
    """Go to the next moment at which something is due, and have it done."""
    if left.tasks:
        first = min(left.tasks, key=lambda task: task.schedule_time)
        moment = datetime.fromtimestamp(first.schedule_time.timestamp(), UTC)
        if moment > datetime.now(UTC):
            run.clock.pass_until(moment)
        run.cloud.queues.run_now(first)
    elif left.unsent:
        claimed = run.value("select min(claimed_until) from outbox where account_id = :a and sent_at is null")
        run.clock.pass_until(claimed)
        run.cloud.queues.sweep()
    elif left.jobs:
        query = "select min(due_at) from deadlines where account_id = :a and job_id = any(:j)"
        due = run.value(query, j=left.jobs)
        if due is None:
            raise NeverSettled(f"jobs without a deadline have not ended: {left.jobs}")
        run.clock.pass_until(due)
        run.cloud.queues.sweep()
