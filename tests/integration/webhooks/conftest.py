"""One account's webhooks: the service and the worker on the real database, and a receiver on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from local.receiver import Receiver
from shared.db.outbox import Effect
from shared.db.unit_of_work import UnitOfWork
from shared.vault.key_file import KeyFile, add_version
from shared.vault.keyring import Keyring
from shared.vault.vault import Vault
from shared.webhooks.announcing import announce
from shared.webhooks.messages import DeliverWebhook
from shared.webhooks.payloads import EventType, JobOutcome, TargetOutcome
from shared.webhooks.schemas import CreateEndpoint, Delivery, DeliveryFilter, EndpointWithSecret
from shared.webhooks.sealing import SigningSecrets
from shared.webhooks.sender import WebhookSender
from shared.webhooks.service import WebhookService
from shared.webhooks.transport import Transport

LEASE = 60
EARLIER_KEY = "a key of this test, 32 characters and more"
NETWORKS = (ip_network("127.0.0.0/8"),)


class WebhookDesk:
    """What a test does with webhooks."""

    def __init__(self, database: Any, receiver: Receiver, keys: Path):
        self.database, self.receiver, self.keys = database, receiver, keys
        self.account: str = database.account()
        self.sent: list[Effect] = []
        self.current: Any = None
        self.transport: Any = Transport(NETWORKS, seconds=2)
        add_version(keys / "vault")
        keyring = Keyring([KeyFile((keys / "vault").as_uri())])
        self.secrets = SigningSecrets(Vault(keyring, self.uow), EARLIER_KEY)

    def uow(self, account: str | None = "", *, system: bool = False) -> UnitOfWork:
        """A unit of work, of this account unless told otherwise."""
        account = self.account if account == "" else account
        return self.database.uow(account, system=system, deliver=self.sent.extend)

    def call(self, operation: str, *arguments: Any) -> Any:
        """One request."""
        with self.uow() as self.current:
            service = WebhookService(lambda: self.current, self.transport, self.secrets)
            return getattr(service, operation)(*arguments)

    def add(self, path: str = "", **order: Any) -> EndpointWithSecret:
        """An endpoint at the receiver."""
        body = {"url": self.receiver.url + path, **order}
        return self.call("create", CreateEndpoint.model_validate(body, strict=False))

    def happen(self, about: str = "job_1", type_: EventType = EventType.JOB_COMPLETED) -> str:
        """An event of the account."""
        target = TargetOutcome(language="es", state="done")
        outcome = JobOutcome(job=about, state="completed", targets=[target])
        with self.uow() as uow:
            return announce(uow, type_, outcome, about)

    @property
    def sender(self) -> WebhookSender:
        """A worker."""
        return WebhookSender(self.uow, self.transport, self.secrets)

    def deliver(self, task: DeliverWebhook) -> None:
        """Have a worker do one task."""
        self.sender.deliver(task, LEASE)

    def tasks(self) -> list[DeliverWebhook]:
        """The tasks that left since the last time."""
        bodies = [DeliverWebhook.model_validate(e.payload) for e in self.sent if e.kind == "task"]
        self.sent.clear()
        return bodies

    def work(self) -> int:
        """Do the tasks that left, but not those that follow from them; how many there were."""
        tasks = self.tasks()
        for task in tasks:
            self.deliver(task)
        return len(tasks)

    def waits(self) -> list[timedelta]:
        """How long from now, by the database's clock, each task that left is put off."""
        now = self.database.value("select clock_now()")
        return [(e.due_at or now) - now for e in self.sent]

    def deliveries(self, **chosen: Any) -> list[Delivery]:
        """Deliveries as callers see them, newest first."""
        return self.call("deliveries", DeliveryFilter(**chosen)).deliveries

    def delivery(self) -> Delivery:
        """The only one."""
        (found,) = self.deliveries()
        return found


@pytest.fixture
def hooks(database: Any, tmp_path: Path) -> Iterator[WebhookDesk]:
    """An account, and somebody who listens."""
    with Receiver() as receiver:
        yield WebhookDesk(database, receiver, tmp_path)
