"""Dispatching: one loop for each queue, requests as Cloud Tasks sends them, and what follows an answer."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import grpc

from local.messaging.background import spawn
from local.messaging.bell import Bell
from local.messaging.delivery import Caller, Reply, Sender
from local.messaging.tasks.pace import Pace
from local.messaging.tasks.rules import RUNNING, backoff, exhausted, method_of, own_headers
from local.messaging.tasks.schedule import Row, Schedule
from local.messaging.wire import seconds_of, stamp

LOG = logging.getLogger("tasks")
# google.rpc.Code of an HTTP status (google/rpc/code.proto); other 4xx and 5xx are UNKNOWN.
_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.ABORTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    501: grpc.StatusCode.UNIMPLEMENTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}


class Dispatcher:
    """Keeps a loop running for every queue."""

    def __init__(self, schedule: Schedule, bell: Bell, sender: Sender) -> None:
        self._schedule = schedule
        self._bell = bell
        self._sender = sender
        self._loops: dict[str, asyncio.Task[None]] = {}
        self._paces: dict[str, Pace] = {}
        self._under_way: dict[str, set[asyncio.Task[None]]] = {}

    def serve(self, name: str) -> None:
        """Look at a queue that is new or has changed, or at one with a new task."""
        limits = self._schedule.queue(name).rate_limits
        if name in self._loops:
            self._paces[name].change(limits)
        else:
            self._paces[name] = Pace(limits, time.time())
            self._under_way[name] = set()
            self._loops[name] = spawn(self._run(name))
        self._bell.ring(name)

    def stop(self, name: str) -> None:
        """A queue is gone; what is under way goes on without it."""
        self._loops.pop(name).cancel()
        del self._paces[name]

    def run_now(self, task: Any, queue: str) -> None:
        """Dispatch a task at once, whatever the queue's state, rate and limits; nothing where it runs."""
        row = self._schedule.force(task.name, time.time())
        if row:
            self._launch(queue, row)

    async def _run(self, name: str) -> None:
        pace, under_way = self._paces[name], self._under_way[name]
        while True:
            now = time.time()
            active = self._schedule.queue(name).state == RUNNING
            room = pace.room(len(under_way), now) if active else 0
            rows = self._schedule.claim(name, room, now) if room else []
            pace.spend(len(rows))
            for row in rows:
                self._launch(name, row)
            pause = pace.wait(now)
            await self._bell.wait(name, pause if active and pause else self._schedule.next_due(name, now))

    def _launch(self, queue: str, row: Row) -> None:
        under_way = self._under_way[queue]
        attempt = spawn(self._attempt(queue, row))
        under_way.add(attempt)
        attempt.add_done_callback(under_way.discard)
        attempt.add_done_callback(lambda _done: self._bell.ring(queue))

    async def _attempt(self, queue: str, row: Row) -> None:
        began = time.time()
        request = row.task.http_request
        reply = await self._sender.send(
            method_of(request),
            request.url,
            own_headers(request) | task_headers(row),
            request.body,
            timeout=seconds_of(row.task.dispatch_deadline),
            caller=_caller(request),
        )
        now = time.time()
        if queue in self._paces:
            self._paces[queue].settle(reply, began, len(self._under_way[queue]), now)
        if reply.status is not None and 200 <= reply.status < 300:
            self._schedule.end(row.task.name)
        elif queue in self._schedule.queues:
            self._failed(queue, row, reply, now)

    def _failed(self, queue: str, row: Row, reply: Reply, now: float) -> None:
        row.failures += 1
        row.status, row.reason = reply.status, reply.reason
        if reply.status is not None:
            row.task.response_count += 1
            row.task.last_attempt.response_time.CopyFrom(stamp(now))
            # Google counts as executions only answers outside the 5xx range.
            row.executions += reply.status < 500
        _note_status(row.task.last_attempt.response_status, reply)
        own = row.task.HasField("retry_config")
        config = row.task.retry_config if own else self._schedule.queue(queue).retry_config
        subject = (row.task.name.rpartition("/")[2], row.task.http_request.url, row.failures, reply.reason)
        if exhausted(config, row.failures, now - (row.started or now)):
            LOG.info("task %s to %s given up after %d attempts: %s", *subject)
            self._schedule.end(row.task.name)
            return
        LOG.info("task %s to %s failed, attempt %d: %s", *subject)
        self._schedule.retry(row, now + max(backoff(config, row.failures), reply.retry_after or 0.0))


def task_headers(row: Row) -> dict[str, str]:
    """The headers that Cloud Tasks adds; the ones about the last outcome only on a retry."""
    names = row.task.name.split("/")
    headers = {
        "User-Agent": "Google-Cloud-Tasks",
        "X-CloudTasks-QueueName": names[5],
        "X-CloudTasks-TaskName": names[7],
        "X-CloudTasks-TaskRetryCount": str(row.failures),
        "X-CloudTasks-TaskExecutionCount": str(row.executions),
        "X-CloudTasks-TaskETA": f"{seconds_of(row.task.schedule_time):.6f}",
    }
    if row.status is not None:
        headers["X-CloudTasks-TaskPreviousResponse"] = str(row.status)
    if row.reason:
        headers["X-CloudTasks-TaskRetryReason"] = row.reason
    return headers


def _note_status(status: Any, reply: Reply) -> None:
    if reply.status is None:
        late = reply.reason.startswith("DEADLINE_EXCEEDED")
        code = grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.UNAVAILABLE
    else:
        code = _CODES.get(reply.status, grpc.StatusCode.UNKNOWN)
    status.code, status.message = code.value[0], reply.reason


def _caller(request: Any) -> Caller | None:
    token = request.oidc_token
    if not token.service_account_email:
        return None
    return Caller(token.service_account_email, token.audience or request.url)
