"""Queues and tasks in the database: what is due, what runs, and names that may not come back yet."""

from __future__ import annotations

import secrets
import sqlite3
import time
from dataclasses import dataclass
from typing import Any

import grpc
from google.cloud.tasks_v2.types import queue as queue_types
from google.cloud.tasks_v2.types import task as task_types

from local.messaging.rpc import Refusal
from local.messaging.wire import seconds_of, stamp

# Ended tasks keep their names for about an hour (the reference allows up to 24), deleted queues for 3 days.
TASK_TOMBSTONE, QUEUE_TOMBSTONE = 3600.0, 3 * 86400.0
_Queue, _Task = queue_types.Queue.pb(), task_types.Task.pb()


@dataclass
class Row:
    """A task with what its next dispatch must tell: failures so far, answers below 500, the last outcome."""

    task: Any
    failures: int
    executions: int
    started: float | None
    status: int | None
    reason: str


class Schedule:
    """All queues and unfinished tasks; each change is one transaction."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.queues: dict[str, Any] = {
            row["name"]: _Queue.FromString(row["body"]) for row in database.execute("select * from queues")
        }
        with database:
            # What was under way when the process died is delivered again.
            database.execute("update tasks set running = 0 where running = 1")

    def queue(self, name: str) -> Any:
        """The queue, or NOT_FOUND."""
        if name not in self.queues:
            raise Refusal(grpc.StatusCode.NOT_FOUND, "Queue does not exist.")
        return self.queues[name]

    def keep_queue(self, queue: Any) -> None:
        """Add or replace a queue; FAILED_PRECONDITION where one of this name was deleted recently."""
        if queue.name not in self.queues and self._buried(queue.name):
            raise Refusal(
                grpc.StatusCode.FAILED_PRECONDITION,
                "The queue cannot be created because a queue with this name existed too recently.",
            )
        with self._database:
            self._database.execute(
                "insert or replace into queues values (?, ?)", (queue.name, queue.SerializeToString())
            )
        self.queues[queue.name] = queue

    def drop_queue(self, name: str) -> None:
        """Remove a queue with its tasks."""
        with self._database:
            self._database.execute("delete from tasks where queue = ?", (name,))
            self._database.execute("delete from queues where name = ?", (name,))
            self._bury(name, QUEUE_TOMBSTONE)
        del self.queues[name]

    def purge(self, name: str) -> None:
        """Remove all tasks of a queue."""
        with self._database:
            until = time.time() + TASK_TOMBSTONE
            self._database.execute(
                "insert or replace into tombstones select name, ? from tasks where queue = ? and named",
                (until, name),
            )
            self._database.execute("delete from tasks where queue = ?", (name,))

    def add(self, task: Any, queue: str, now: float) -> None:
        """Accept a task, named where it has no name; ALREADY_EXISTS where its name was used recently."""
        named = bool(task.name)
        if not named:
            task.name = f"{queue}/tasks/{secrets.randbelow(9 * 10**18) + 10**18}"
        elif self.find(task.name):
            raise Refusal(grpc.StatusCode.ALREADY_EXISTS, "Requested entity already exists")
        elif self._buried(task.name):
            raise Refusal(
                grpc.StatusCode.ALREADY_EXISTS,
                "The task cannot be created because a task with this name existed too recently. For more "
                "information about task de-duplication see "
                "https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues.tasks/create"
                "#body.request_body.FIELDS.task.",
            )
        if not task.HasField("schedule_time") or seconds_of(task.schedule_time) < now:
            task.schedule_time.CopyFrom(stamp(now))
        task.create_time.CopyFrom(stamp(int(now)))
        with self._database:
            self._database.execute(
                "insert into tasks (name, queue, named, body, due) values (?, ?, ?, ?, ?)",
                (task.name, queue, named, task.SerializeToString(), seconds_of(task.schedule_time)),
            )

    def find(self, name: str) -> Any | None:
        """The task as it stands, or None."""
        row = self._database.execute("select body from tasks where name = ?", (name,)).fetchone()
        return _Task.FromString(row["body"]) if row else None

    def names(self, queue: str) -> list[str]:
        """All tasks of a queue."""
        return [
            row["name"] for row in self._database.execute("select name from tasks where queue = ?", (queue,))
        ]

    def claim(self, queue: str, limit: int, now: float) -> list[Row]:
        """Start up to `limit` due tasks of a queue, the longest due first."""
        rows = self._database.execute(
            "select * from tasks where queue = ? and running = 0 and due <= ? order by due limit ?",
            (queue, now, limit),
        ).fetchall()
        return [self._start(row, now) for row in rows]

    def force(self, name: str, now: float) -> Row | None:
        """Start one task whatever its time; None where it runs already."""
        query = "select * from tasks where name = ? and running = 0"
        row = self._database.execute(query, (name,)).fetchone()
        return self._start(row, now) if row else None

    def next_due(self, queue: str, now: float) -> float:
        """Seconds from `now` until a task is due (at most a minute)."""
        query = "select min(due) from tasks where queue = ? and running = 0 and due > ?"
        due = self._database.execute(query, (queue, now)).fetchone()[0]
        return 60.0 if due is None else min(60.0, due - now)

    def retry(self, row: Row, due: float) -> None:
        """Put a failed task back for another attempt."""
        row.task.schedule_time.CopyFrom(stamp(due))
        with self._database:
            self._database.execute(
                "update tasks set running = 0, body = ?, due = ?, attempts = ?, executions = ?,"
                " status = ?, reason = ? where name = ?",
                (
                    row.task.SerializeToString(),
                    due,
                    row.failures,
                    row.executions,
                    row.status,
                    row.reason,
                    row.task.name,
                ),
            )

    def end(self, name: str) -> bool:
        """Remove a task and keep its name from coming back; whether there was one."""
        with self._database:
            row = self._database.execute(
                "delete from tasks where name = ? returning named", (name,)
            ).fetchone()
            if row and row["named"]:
                self._bury(name, TASK_TOMBSTONE)
        return row is not None

    def _start(self, row: sqlite3.Row, now: float) -> Row:
        task = _Task.FromString(row["body"])
        task.dispatch_count += 1
        task.last_attempt.Clear()
        task.last_attempt.schedule_time.CopyFrom(task.schedule_time)
        task.last_attempt.dispatch_time.CopyFrom(stamp(now))
        if not task.HasField("first_attempt"):
            task.first_attempt.dispatch_time.CopyFrom(stamp(now))
        started = row["started"] or now
        with self._database:
            self._database.execute(
                "update tasks set running = 1, body = ?, started = ? where name = ?",
                (task.SerializeToString(), started, row["name"]),
            )
        return Row(task, row["attempts"], row["executions"], started, row["status"], row["reason"])

    def _buried(self, name: str) -> bool:
        query = "select 1 from tombstones where name = ? and until > ?"
        return self._database.execute(query, (name, time.time())).fetchone() is not None

    def _bury(self, name: str, seconds: float) -> None:
        now = time.time()
        self._database.execute("delete from tombstones where until <= ?", (now,))
        self._database.execute("insert or replace into tombstones values (?, ?)", (name, now + seconds))
