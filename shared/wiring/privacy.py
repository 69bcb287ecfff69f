"""An account's data: all of it exported, all of it erased."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shared.core.config import StorageSettings
from shared.wiring.clients import storage
from shared.wiring.vault import VaultServices

if TYPE_CHECKING:
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
