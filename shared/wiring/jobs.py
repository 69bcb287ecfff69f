"""Jobs: their files, scenes, prices, workers and upkeep."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shared.core.config import StorageSettings
from shared.wiring.backlog import BacklogServices
from shared.wiring.clients import (
    fonts,
    languages,
    redis_cache,
    result_files,
    storage,
    translator,
    vision,
)
from shared.wiring.security import SecurityServices

if TYPE_CHECKING:
    from shared.jobs.arrivals import Arrivals
    from shared.jobs.outputs import JobOutputs
    from shared.jobs.picture import PictureWorker
    from shared.jobs.publishing import Publisher
    from shared.jobs.rejected import DeadLetters
    from shared.jobs.service import JobService
    from shared.jobs.trial import Trial
    from shared.quotes.service import QuoteService
    from shared.scenes.service import SceneService
    from shared.translation.languages import Languages


class JobServices(SecurityServices, BacklogServices):
    """What makes and keeps jobs."""

    @cached_property
    def jobs(self) -> JobService:
        """Jobs as callers use them."""
        from shared.jobs.service import JobService
        from shared.jobs.uploads import SignedUploads

        uploads = SignedUploads(storage(), StorageSettings.load().uploads_bucket)
        return JobService(
            lambda: self.uow, self.open_for_caller, uploads, self.languages, redis_cache(), lambda: self.trial
        )

    @property
    def trial(self) -> Trial:
        """What a visitor may have."""
        from shared.cache.day_quota import DayQuota
        from shared.jobs.trial import Trial

        return Trial(
            lambda: self.uow,
            self.open_for_caller,
            DayQuota(redis_cache()),
            self.credentials,
            self.security.tell,
        )

    @cached_property
    def outputs(self) -> JobOutputs:
        """What jobs made, as callers get it."""
        from shared.jobs.outputs import JobOutputs

        bucket = StorageSettings.load().results_bucket
        return JobOutputs(self.open_for_caller, result_files(), storage(), bucket)

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
    def publisher(self) -> Publisher:
        """Writes what stands beside results."""
        from shared.jobs.publishing import Publisher

        return Publisher(self.uow, result_files())

    @cached_property
    def pictures(self) -> PictureWorker:
        """The worker of pictures."""
        from shared.jobs.picture import PictureWorker

        uploads = StorageSettings.load().uploads_bucket
        return PictureWorker(self.open, storage(), uploads, result_files(), vision, translator, fonts)

    @property
    def dead_letters(self) -> DeadLetters:
        """Messages that nobody could handle."""
        from shared.jobs.rejected import DeadLetters

        return DeadLetters(self.uow, self.event_failures.why)
