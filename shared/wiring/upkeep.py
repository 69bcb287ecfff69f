"""What `sweep` does."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import TYPE_CHECKING

from shared.wiring.clients import audit_anchors, keyring, redis_cache
from shared.wiring.security import SecurityServices
from shared.wiring.selftest import SelfTestServices
from shared.wiring.webhooks import WebhookServices

if TYPE_CHECKING:
    from shared.jobs.upkeep import Upkeep


class UpkeepServices(WebhookServices, SecurityServices, SelfTestServices):
    """What is done every minute."""

    @cached_property
    def upkeep(self) -> Upkeep:
        """One round of it."""
        from shared.audit.upkeep import AuditUpkeep
        from shared.jobs.upkeep import Upkeep
        from shared.members.upkeep import forget_ended
        from shared.privacy.exports import forget_exports
        from shared.privacy.upkeep import keep_erasures
        from shared.sessions.upkeep import forget_sessions
        from shared.vault.upkeep import VaultUpkeep

        others: list[Callable[[], None]] = [
            partial(audit_anchors().publish, self.open),
            AuditUpkeep(self.open, audit_anchors().of, self.security.tell).prove,
            partial(self.signing_secrets.reseal, self.open),
            VaultUpkeep(keyring(), self.open).keep,
            partial(forget_ended, self.open),
            partial(forget_sessions, self.open),
            partial(forget_exports, self.open),
            self.canary.round,
            partial(keep_erasures, self.open),
        ]
        return Upkeep(self.open, self._deliver, redis_cache(), others)
