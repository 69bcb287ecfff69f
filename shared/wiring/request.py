"""A request, event or task under way: who calls, its transaction, and what leaves after that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Self

from shared.auth.principal import Principal
from shared.cache.read_through import invalidate
from shared.core.actor import Actor, truncated
from shared.core.config import ChannelSettings, StorageSettings
from shared.core.credentials import Credentials
from shared.core.tracing import export_to
from shared.wiring.clients import redis_cache, span_exporter, storage, task_queue, topics

if TYPE_CHECKING:
    from shared.core.priority import Priority
    from shared.db.inbox import Inbox
    from shared.db.outbox import Effect
    from shared.db.unit_of_work import UnitOfWork
    from shared.jobs.messages import ProcessImage
    from shared.mail.messages import SendEmail
    from shared.privacy.messages import EraseAccount, ExportAccount
    from shared.queue.delivery import Delivery
    from shared.webhooks.messages import DeliverWebhook


class Request:
    """What every service of a request stands on."""

    def __init__(self, operation: str, request_id: str):
        """Make a context; nothing is connected yet."""
        self.operation = operation
        self.request_id = request_id
        self.principal: Principal | None = None
        self.credentials = Credentials()
        self._uow: UnitOfWork | None = None

    @classmethod
    def for_request(cls, *, operation: str, request_id: str) -> Self:
        """The context of one request."""
        exporter = span_exporter()
        export_to(None if exporter is None else exporter.take)
        return cls(operation, request_id)

    @property
    def caller(self) -> Principal:
        """The authenticated caller, in an operation that has one."""
        if self.principal is None:
            raise RuntimeError("this operation is public")
        return self.principal

    @property
    def actor(self) -> Actor:
        """Who is at work, for the audit log: the caller; nobody known; or the service itself."""
        caller, address = self.principal, truncated(self.credentials.address)
        if caller is not None:
            return Actor(caller.kind, caller.id, caller.account or None, address, self.request_id)
        if self.credentials.address == Credentials.address:
            return Actor("system", self.operation, None, None, self.request_id)
        return Actor("anonymous", self.operation, None, address, self.request_id)

    @property
    def uow(self) -> UnitOfWork:
        """The unit of work that is open around the operation."""
        if self._uow is None:
            raise RuntimeError("no unit of work is open")
        return self._uow

    @contextmanager
    def unit_of_work(self) -> Iterator[UnitOfWork]:
        """Open the request's unit of work, under the caller's account if the caller has one."""
        with self.open_for_caller() if self.principal else self.open(None) as uow:
            self._uow = uow
            try:
                yield uow
            finally:
                self._uow = None

    def open(
        self,
        account: str | None,
        key_hash: str | None = None,
        *,
        user: str | None = None,
        identity: str | None = None,
        visitor: str | None = None,
    ) -> UnitOfWork:
        """A unit of work of its own; the arguments are those of `UnitOfWork`."""
        from shared.db.engine import engine
        from shared.db.unit_of_work import UnitOfWork

        forget = partial(invalidate, redis_cache())
        return UnitOfWork(
            engine,
            account,
            key_hash,
            self._deliver,
            forget,
            user=user,
            identity=identity,
            visitor=visitor,
            actor=lambda: self.actor,
        )

    def open_for_caller(self) -> UnitOfWork:
        """A unit of work of its own: under the caller's account, or as a person who acts for none.

        A visitor's sees nothing of other visitors.
        """
        caller = self.caller
        if caller.kind == "trial":
            return self.open(caller.account, visitor=caller.id)
        return self.open(caller.account) if caller.account else self.open(None, user=caller.user)

    def check_database(self) -> None:
        """Raise `DependencyDown` where the database does not answer this function's user."""
        with self.open(None) as uow:
            uow.sql("select 1")

    def reschedule(
        self,
        body: ProcessImage | DeliverWebhook | SendEmail | ExportAccount | EraseAccount,
        when: datetime,
        priority: Priority | None,
    ) -> None:
        """Have the same task delivered again by the same queue, not before `when`."""
        with self.open(body.account) as uow:
            uow.outbox.task(self.operation, body.model_dump(), due=when, priority=priority)

    @property
    def inbox(self) -> Inbox:
        """Which events were handled, in the open unit of work."""
        from shared.db.inbox import Inbox

        return Inbox(self.uow)

    def _deliver(self, effects: list[Effect]) -> None:
        if effects:
            self._delivery.deliver(effects)

    @cached_property
    def _delivery(self) -> Delivery:
        from shared.queue.delivery import Delivery

        return Delivery(self.open, task_queue(), topics(), self._erase, ChannelSettings.load().task_deadlines)

    def _erase(self, body: dict[str, Any]) -> None:
        from shared.queue.delivery import erase_objects

        erase_objects(storage(), StorageSettings.load(), body)
