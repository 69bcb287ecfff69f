"""Who did what: recording it, reading it, proving it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shared.wiring.clients import audit_anchors
from shared.wiring.request import Request

if TYPE_CHECKING:
    from shared.accounts.audit import AuditService


class AuditServices(Request):
    """The audit log."""

    @cached_property
    def audit(self) -> AuditService:
        """The log of the caller's account."""
        from shared.accounts.audit import AuditService

        return AuditService(self.caller.account, self.open_for_caller, audit_anchors().of)

    def audit_of(self, account: str | None) -> AuditService:
        """The log of an account, or of the platform, as the platform's own people read it."""
        from shared.accounts.audit import AuditService

        return AuditService(account, lambda: self.open(account or self.caller.account), audit_anchors().of)
