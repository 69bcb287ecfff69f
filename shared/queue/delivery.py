"""Sends the outbox's effects: tasks, events, erasures. What fails stays in the outbox for `sweep`."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Final

from shared.core import tracing
from shared.core.config import StorageSettings
from shared.core.errors import TransientError
from shared.core.metrics import Metric, count
from shared.core.names import TRACE_ATTRIBUTE
from shared.db.outbox import Effect, mark_sent
from shared.db.unit_of_work import UnitOfWork
from shared.queue.pubsub import EventTopic
from shared.queue.tasks import TaskQueue
from shared.storage.gcs import Storage

SOURCE: Final = "//imangor/outbox"
"""With the row's id, the identity that an event keeps when it is published twice (CloudEvents)."""

_log = logging.getLogger(__name__)


class Delivery:
    """Knows a way out for each kind of effect."""

    def __init__(
        self,
        open_uow: Callable[[str], UnitOfWork],
        queue: TaskQueue,
        topics: EventTopic,
        erase: Callable[[dict[str, Any]], None],
        deadlines: Mapping[str, int],
    ):
        """`erase` does what an erasure asks for; `deadlines` are the seconds that each task may take."""
        self._open_uow = open_uow
        self._queue = queue
        self._topics = topics
        self._erase = erase
        self._deadlines = deadlines

    def deliver(self, effects: list[Effect]) -> None:
        """Send each effect and mark those that left. Never raises for one that did not.

        After the first that its service does not take now, the others of its kind are left to `sweep`:
        waiting for each would keep the rest from leaving.
        """
        closed: set[str] = set()
        sent: dict[str, list[int]] = defaultdict(list)
        for effect in effects:
            if effect.kind not in closed and self._left(effect, closed):
                sent[effect.account].append(effect.id)
        for account, ids in sent.items():
            with self._open_uow(account) as uow:
                mark_sent(uow, ids)

    def _left(self, effect: Effect, closed: set[str]) -> bool:
        try:
            self._send(effect)
        except Exception as error:
            if isinstance(error, TransientError):
                closed.add(effect.kind)
            count(Metric.OUTBOX_SEND_FAILED, kind=effect.kind)
            facts = {"effect": effect.id, "kind": effect.kind, "error": type(error).__name__}
            _log.warning("an effect was not sent", extra={"fields": facts})
            return False
        return True

    def _send(self, effect: Effect) -> None:
        if effect.kind == "task":
            body = json.dumps(effect.payload).encode()
            deadline = self._deadlines.get(effect.destination, 600)
            with tracing.span(f"queue {effect.destination}", tracing.Kind.PRODUCER):
                self._queue.enqueue(
                    effect.destination,
                    body,
                    task_name(effect),
                    effect.due_at,
                    deadline,
                    effect.priority,
                    effect.trace,
                )
        elif effect.kind == "event":
            data = json.dumps(effect.payload).encode()
            attributes = {"ce-source": SOURCE, "ce-id": f"evt_{effect.id}"}
            if effect.trace:
                attributes[TRACE_ATTRIBUTE] = effect.trace
            with tracing.span(f"publish {effect.destination}", tracing.Kind.PRODUCER):
                self._topics.publish(effect.destination, data, attributes)
        elif effect.kind == "message":
            data = effect.payload["data"].encode()
            with tracing.span(f"publish {effect.destination}", tracing.Kind.PRODUCER):
                self._topics.publish(effect.destination, data, effect.payload["attributes"])
        else:
            self._erase(effect.payload)


def erase_objects(storage: Storage, buckets: StorageSettings, body: dict[str, Any]) -> None:
    """Erase a `source`, and what `job` wrote below the prefixes `results`."""
    if source := body.get("source"):
        storage.delete(buckets.uploads_bucket, source, generation=body.get("generation"))
    for prefix in body.get("results", ()):
        storage.delete_where(buckets.results_bucket, prefix, "job", body["job"])


def task_name(effect: Effect) -> str:
    """The same for the same row, so that a row sent twice is one task while Cloud Tasks remembers names.

    A hash, because names in sequence make Cloud Tasks slow.
    """
    return hashlib.sha256(f"{effect.id} {effect.account} {effect.payload}".encode()).hexdigest()[:40]
