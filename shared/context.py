"""The composition root: the only file that names concrete adapters.

A context lives for one request; what is dear to build (pool, clients, fonts) lives as long as the process
and is built on first use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from shared.auth.principal import Principal
from shared.cache.rate_limit import RateLimiter, RateState
from shared.cache.read_through import invalidate
from shared.cache.redis import RedisCache
from shared.core.clock import utc_now
from shared.core.config import (
    CallerSettings,
    ChannelSettings,
    FontSettings,
    PaymentSettings,
    ProjectSettings,
    RedisSettings,
    StorageSettings,
    WebhookSettings,
)

if TYPE_CHECKING:
    from shared.accounts.service import AccountService
    from shared.auth.authenticator import Authenticator
    from shared.core.priority import Priority
    from shared.db.health import HealthCheck
    from shared.db.idempotency import IdempotencyKeys
    from shared.db.inbox import Inbox
    from shared.db.outbox import Effect
    from shared.db.unit_of_work import UnitOfWork
    from shared.imaging.fonts import FontLibrary
    from shared.jobs.arrivals import Arrivals
    from shared.jobs.messages import ProcessImage
    from shared.jobs.outputs import JobOutputs
    from shared.jobs.picture import PictureWorker
    from shared.jobs.publishing import Publisher
    from shared.jobs.rejected import DeadLetters
    from shared.jobs.results import ResultFiles
    from shared.jobs.service import JobService
    from shared.jobs.upkeep import Upkeep
    from shared.ledger.credits import Credits
    from shared.ledger.payments import Payments
    from shared.ledger.treasury import Treasury
    from shared.providers.translate import Translator
    from shared.providers.vision import VisionRecognizer
    from shared.queue.delivery import Delivery
    from shared.queue.pubsub import EventTopic
    from shared.queue.tasks import TaskQueue
    from shared.quotes.service import QuoteService
    from shared.scenes.service import SceneService
    from shared.storage.gcs import Storage
    from shared.translation.languages import Languages
    from shared.webhooks.messages import DeliverWebhook
    from shared.webhooks.sealing import Seal
    from shared.webhooks.sender import WebhookSender
    from shared.webhooks.service import WebhookService
    from shared.webhooks.transport import Transport

ROOT = Path(__file__).resolve().parents[1]
"""The folder that holds `shared`: the repository, or a deployed function's bundle."""


class Context:
    """The services of one request."""

    def __init__(self, operation: str, request_id: str):
        """Make a context; nothing is connected yet."""
        self.operation = operation
        self.request_id = request_id
        self.principal: Principal | None = None
        self._uow: UnitOfWork | None = None

    @classmethod
    def for_request(cls, *, operation: str, request_id: str) -> Self:
        """The context of one request."""
        return cls(operation, request_id)

    @property
    def caller(self) -> Principal:
        """The authenticated caller, in an operation that has one."""
        if self.principal is None:
            raise RuntimeError("this operation is public")
        return self.principal

    @property
    def uow(self) -> UnitOfWork:
        """The unit of work that is open around the operation."""
        if self._uow is None:
            raise RuntimeError("no unit of work is open")
        return self._uow

    @contextmanager
    def unit_of_work(self) -> Iterator[UnitOfWork]:
        """Open the request's unit of work, under the caller's account if there is a caller."""
        with self.open(self.principal.account if self.principal else None) as uow:
            self._uow = uow
            try:
                yield uow
            finally:
                self._uow = None

    def open(self, account: str | None, key_hash: str | None = None) -> UnitOfWork:
        """A unit of work of its own."""
        from shared.db.engine import engine
        from shared.db.unit_of_work import UnitOfWork

        return UnitOfWork(engine, account, key_hash, self._deliver, partial(invalidate, redis_cache()))

    def open_for_caller(self) -> UnitOfWork:
        """A unit of work of its own under the caller's account."""
        return self.open(self.caller.account)

    def authenticate(self, authorization: str | None, api_key: str | None) -> Principal:
        """Prove who calls."""
        return self.authenticator.authenticate(authorization, api_key)

    def check_signature(self, headers: Mapping[str, str], body: bytes) -> None:
        """Prove that a message comes from the payment provider's adapter; raises `BadSignature`."""
        from shared.webhooks.signature import secret_bytes, verify

        secrets = PaymentSettings.load().payments_secret.split()
        verify([secret_bytes(secret) for secret in secrets], headers, body, utc_now().timestamp())

    def rate_limit(self, rule_name: str, principal_id: str, limit: int, window_seconds: int) -> RateState:
        """Count the request against a politeness limit."""
        return RateLimiter(redis_cache()).check(rule_name, principal_id, limit, window_seconds)

    def reschedule(
        self, body: ProcessImage | DeliverWebhook, when: datetime, priority: Priority | None
    ) -> None:
        """Have the same task delivered again by the same queue, not before `when`."""
        with self.open(body.account) as uow:
            uow.outbox.task(self.operation, body.model_dump(), due=when, priority=priority)

    @cached_property
    def authenticator(self) -> Authenticator:
        """Checks credentials."""
        from shared.auth.authenticator import Authenticator

        return Authenticator(lambda key_hash: self.open(None, key_hash), redis_cache())

    @cached_property
    def idempotency(self) -> IdempotencyKeys:
        """The caller's idempotency keys."""
        from shared.db.idempotency import IdempotencyKeys

        return IdempotencyKeys(self.caller.id, self.open_for_caller, lambda: self.uow)

    @property
    def inbox(self) -> Inbox:
        """Which events were handled, in the open unit of work."""
        from shared.db.inbox import Inbox

        return Inbox(self.uow)

    @cached_property
    def health(self) -> HealthCheck:
        """Whether what everything needs is there."""
        from shared.db.health import HealthCheck

        return HealthCheck(self.open, redis_cache())

    def openapi(self) -> bytes:
        """The committed OpenAPI document."""
        return (ROOT / "openapi.json").read_bytes()

    @cached_property
    def jobs(self) -> JobService:
        """Jobs as callers use them."""
        from shared.jobs.service import JobService
        from shared.jobs.uploads import SignedUploads

        uploads = SignedUploads(storage(), StorageSettings.load().uploads_bucket)
        return JobService(lambda: self.uow, self.open_for_caller, uploads, self.languages, redis_cache())

    @cached_property
    def outputs(self) -> JobOutputs:
        """What jobs made, as callers get it."""
        from shared.jobs.outputs import JobOutputs

        bucket = StorageSettings.load().results_bucket
        return JobOutputs(self.open_for_caller, result_files(), storage(), bucket)

    @cached_property
    def credits(self) -> Credits:
        """Credits as callers read them."""
        from shared.ledger.credits import Credits

        return Credits(lambda: self.uow, self.open_for_caller)

    @property
    def payments(self) -> Payments:
        """What a payment provider tells, in the open unit of work."""
        from shared.ledger.payments import Payments

        return Payments(self.uow)

    @cached_property
    def treasury(self) -> Treasury:
        """Every account's credits, as platform admins use them."""
        from shared.ledger.treasury import Treasury

        return Treasury(self.open)

    @property
    def publisher(self) -> Publisher:
        """Writes what stands beside results."""
        from shared.jobs.publishing import Publisher

        return Publisher(self.uow, result_files())

    @cached_property
    def webhooks(self) -> WebhookService:
        """Webhooks as callers use them."""
        from shared.webhooks.service import WebhookService

        return WebhookService(lambda: self.uow, webhook_transport(), webhook_seal())

    @cached_property
    def webhook_sender(self) -> WebhookSender:
        """The worker of webhooks."""
        from shared.webhooks.sender import WebhookSender

        return WebhookSender(self.open, webhook_transport(), webhook_seal())

    @cached_property
    def accounts(self) -> AccountService:
        """The caller's own account."""
        from shared.accounts.service import AccountService

        return AccountService(lambda: self.uow, self.languages)

    @cached_property
    def quotes(self) -> QuoteService:
        """What jobs would cost."""
        from shared.quotes.service import QuoteService

        return QuoteService(lambda: self.uow, self.languages)

    @cached_property
    def scenes(self) -> SceneService:
        """Scenes as callers read them."""
        from shared.scenes.service import SceneService

        return SceneService(lambda: self.uow)

    @property
    def languages(self) -> Languages:
        """The languages of this deployment."""
        return languages()

    @property
    def arrivals(self) -> Arrivals:
        """Objects that arrived in the uploads bucket."""
        from shared.jobs.arrivals import Arrivals

        def exists(name: str, generation: int) -> bool:
            bucket = StorageSettings.load().uploads_bucket
            return storage().stat(bucket, name, generation) is not None

        return Arrivals(self.uow, self.languages, exists)

    @property
    def dead_letters(self) -> DeadLetters:
        """Messages that nobody could handle."""
        from shared.jobs.rejected import DeadLetters

        return DeadLetters(self.uow)

    @cached_property
    def upkeep(self) -> Upkeep:
        """What is done every minute."""
        from shared.jobs.upkeep import Upkeep

        return Upkeep(self.open, self._deliver)

    @cached_property
    def pictures(self) -> PictureWorker:
        """The worker of pictures."""
        from shared.jobs.picture import PictureWorker

        uploads = StorageSettings.load().uploads_bucket
        return PictureWorker(self.open, storage(), uploads, result_files(), vision, translator, fonts)

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


@cache
def redis_cache() -> RedisCache:
    """The process's Redis."""
    return RedisCache(RedisSettings.load())


@cache
def storage() -> Storage:
    """The process's storage client."""
    from shared.storage.gcs import Storage

    return Storage(StorageSettings.load())


@cache
def languages() -> Languages:
    """The process's list of languages."""
    from shared.translation.languages import Language, Languages

    def load() -> list[Language]:
        return [Language(**each._asdict()) for each in translator("global").languages()]

    return Languages(redis_cache(), load)


def result_files() -> ResultFiles:
    """The files in the results bucket."""
    from shared.jobs.results import ResultFiles

    return ResultFiles(storage(), StorageSettings.load().results_bucket)


@cache
def task_queue() -> TaskQueue:
    """The process's Cloud Tasks client."""
    from shared.queue.tasks import TaskQueue

    return TaskQueue(ProjectSettings.load(), ChannelSettings.load(), CallerSettings.load())


@cache
def topics() -> EventTopic:
    """The process's Pub/Sub client."""
    from shared.queue.pubsub import EventTopic

    return EventTopic(ProjectSettings.load())


def vision(location: str) -> VisionRecognizer:
    """Recognition in a location."""
    from shared.providers.vision import VisionRecognizer

    return VisionRecognizer(ChannelSettings.load(), location)


def translator(location: str) -> Translator:
    """Translation in a location."""
    from shared.providers.translate import Translator

    return Translator(ProjectSettings.load().google_cloud_project, ChannelSettings.load(), location)


def webhook_transport() -> Transport:
    """The way to customers."""
    from shared.webhooks.transport import Transport

    return Transport(WebhookSettings.load().networks)


def webhook_seal() -> Seal:
    """What customers' signing secrets are encrypted with."""
    from shared.webhooks.sealing import Seal

    return Seal(WebhookSettings.load().webhook_key)


@cache
def fonts() -> FontLibrary:
    """The pinned fonts of this deployment."""
    from shared.imaging.fonts import FontLibrary

    return FontLibrary(ROOT / FontSettings.load().fonts_folder)
