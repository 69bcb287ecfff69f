"""The composition root: all services of one request, each built on first use.

What an operation may ask of its `ctx` stands in `shared/wiring`, a file for each part of the product; clients
and adapters are built in `shared/wiring/clients.py` alone. A context lives for one request; what is dear to
build (pool, clients, fonts) lives as long as the process.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shared.core.config import ReferenceSettings
from shared.wiring.accounts import AccountServices
from shared.wiring.audit import AuditServices
from shared.wiring.clients import ROOT, redis_cache
from shared.wiring.jobs import JobServices
from shared.wiring.ledger import LedgerServices
from shared.wiring.privacy import PrivacyServices
from shared.wiring.tokens import TokenServices
from shared.wiring.upkeep import UpkeepServices

if TYPE_CHECKING:
    from shared.db.health import HealthCheck
    from shared.reference.page import ReferencePage


class Context(
    JobServices,
    LedgerServices,
    UpkeepServices,
    AccountServices,
    AuditServices,
    TokenServices,
    PrivacyServices,
):
    """The services of one request."""

    @cached_property
    def health(self) -> HealthCheck:
        """Whether what everything needs is there."""
        from shared.db.health import HealthCheck

        return HealthCheck(self.open, redis_cache())

    @cached_property
    def reference(self) -> ReferencePage:
        """The page that shows the OpenAPI document."""
        from shared.reference.page import ReferencePage

        return ReferencePage(ROOT / ReferenceSettings.load().reference_folder)

    def openapi(self) -> bytes:
        """The committed OpenAPI document."""
        return (ROOT / "openapi.json").read_bytes()
