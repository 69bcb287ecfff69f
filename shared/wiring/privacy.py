"""An account's data: all of it exported, all of it erased."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from shared.core.config import ErasureSettings, StorageSettings, TokenSettings
from shared.wiring.clients import identity_tokens, people_eraser, signing_keys, storage
from shared.wiring.vault import VaultServices

if TYPE_CHECKING:
    from shared.privacy.eraser import Eraser
    from shared.privacy.erasures import ErasureService, Receipts
    from shared.privacy.exporter import Exporter
    from shared.privacy.exports import ExportService


class PrivacyServices(VaultServices):
    """What owners do with everything at once."""

    @cached_property
    def exports(self) -> ExportService:
        """The exports of the caller's account."""
        from shared.privacy.exports import ExportService

        return ExportService(
            lambda: self.uow, self.open_for_caller, storage, lambda: StorageSettings.load().results_bucket
        )

    @cached_property
    def exporter(self) -> Exporter:
        """The worker of exports."""
        from shared.privacy.exporter import Exporter
        from shared.privacy.files import JobFiles

        buckets = StorageSettings.load()
        files = JobFiles(storage(), buckets.uploads_bucket, buckets.results_bucket)
        return Exporter(
            lambda account, user: self.open(account, user=user),
            self.vault,
            storage(),
            files,
            buckets.results_bucket,
        )

    @cached_property
    def erasures(self) -> ErasureService:
        """The erasure of the caller's account."""
        from shared.privacy.erasures import ErasureService
        from shared.sessions.recency import RecentSignIn

        return ErasureService(
            lambda: self.uow,
            self.open_for_caller,
            lambda: self.vault,
            RecentSignIn(lambda user: self.open(None, user=user), identity_tokens),
            timedelta(hours=ErasureSettings.load().erasure_grace_hours),
            TokenSettings.load().token_issuer,
        )

    @cached_property
    def receipts(self) -> Receipts:
        """What is told of erasures to whoever knows a receipt's id."""
        from shared.privacy.erasures import Receipts

        return Receipts(lambda receipt: self.open(None, receipt))

    @cached_property
    def eraser(self) -> Eraser:
        """The worker of erasures."""
        from shared.privacy.eraser import Eraser

        buckets = StorageSettings.load()
        return Eraser(
            lambda account, user: self.open(account, user=user),
            self.vault,
            storage(),
            {"uploads": buckets.uploads_bucket, "results": buckets.results_bucket},
            people_eraser,
            signing_keys,
        )
