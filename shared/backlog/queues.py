"""Queues of tasks, as the platform's own people stop them and let them go on."""

from __future__ import annotations

from collections.abc import Callable

from shared.audit.actions import Action
from shared.audit.log import record
from shared.auth.principal import Principal
from shared.backlog.errors import QueueNotFound
from shared.backlog.schemas import Queue, QueueList
from shared.db.unit_of_work import UnitOfWork
from shared.queue.errors import NoSuchQueue
from shared.queue.tasks import Queues, QueueState


class QueueDesk:
    """The operations. Tasks still get into a queue that is paused, and wait there."""

    def __init__(self, open_uow: Callable[[str], UnitOfWork], queues: Callable[[], Queues]):
        """`open_uow` opens a unit of work under an account."""
        self._open_uow = open_uow
        self._queues = queues

    def all(self) -> QueueList:
        """Every queue. Raises `QueueUnavailable`."""
        return QueueList(queues=[_shown(state) for state in self._queues().all()])

    def pause(self, admin: Principal, queue: str) -> Queue:
        """Dispatch no more of a queue's tasks. Raises `QueueNotFound`, `QueueUnavailable`."""
        return self._change(admin, Action.QUEUE_PAUSED, queue, self._queues().pause)

    def resume(self, admin: Principal, queue: str) -> Queue:
        """Dispatch a queue's tasks again. Raises as `pause` does."""
        return self._change(admin, Action.QUEUE_RESUMED, queue, self._queues().resume)

    def _change(
        self, admin: Principal, action: Action, queue: str, change: Callable[[str], QueueState]
    ) -> Queue:
        """Doing it twice is harmless; what was done and not recorded would be worse than the other way."""
        try:
            self._queues().get(queue)
            with self._open_uow(admin.account) as uow:
                record(uow, action, queue)
            return _shown(change(queue))
        except NoSuchQueue:
            raise QueueNotFound() from None


def _shown(state: QueueState) -> Queue:
    return Queue.model_validate(
        {"name": state.name, "state": state.state, "rate": state.rate, "concurrent": state.concurrent}
    )
