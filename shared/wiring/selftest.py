"""The product tried by itself."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shared.core.config import SelfTestSettings, StorageSettings
from shared.wiring.clients import languages, redis_cache, storage
from shared.wiring.request import Request

if TYPE_CHECKING:
    from shared.db.unit_of_work import UnitOfWork
    from shared.jobs.schemas import CreateJob, Job, SignedUpload
    from shared.selftest.canary import Canary
    from shared.selftest.service import SelfTestService


class SelfTestServices(Request):
    """What tests, and what tells of it."""

    @cached_property
    def selftest(self) -> SelfTestService:
        """Self-tests as operators ask for them."""
        from shared.selftest.service import SelfTestService

        return SelfTestService(self.open, SelfTestSettings.load())

    @cached_property
    def canary(self) -> Canary:
        """The scheduled self-test."""
        from shared.jobs.service import JobService
        from shared.jobs.uploads import SignedUploads
        from shared.selftest.account import ACCOUNT, SENDER
        from shared.selftest.canary import Canary
        from shared.selftest.card import words
        from shared.storage.signed import send

        buckets = StorageSettings.load()
        uploads = SignedUploads(storage(), buckets.uploads_bucket)

        def accept(uow: UnitOfWork, order: CreateJob) -> Job:
            jobs = JobService(lambda: uow, lambda: self.open(ACCOUNT), uploads, languages(), redis_cache())
            return jobs.create(SENDER, order)

        def upload(request: SignedUpload, data: bytes) -> None:
            send(request.method, request.url, request.headers, data)

        card, settings = words(), SelfTestSettings.load()
        return Canary(self.open, accept, upload, storage(), buckets.results_bucket, card, settings)
