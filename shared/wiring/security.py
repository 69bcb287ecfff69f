"""What is told of attempts to get in that were refused."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shared.audit.actions import Action
from shared.cache.rate_limit import RateLimiter
from shared.wiring.clients import redis_cache
from shared.wiring.request import Request

if TYPE_CHECKING:
    from shared.audit.security import SecurityEvents
    from shared.auth.failed_sign_ins import FailedSignIns


class SecurityServices(Request):
    """Events, and failures that are none."""

    @cached_property
    def security(self) -> SecurityEvents:
        """What somebody should look at."""
        from shared.audit.security import SecurityEvents

        return SecurityEvents(self.open, lambda: self.actor)

    @cached_property
    def failed_sign_ins(self) -> FailedSignIns:
        """What the audit log has of sign-ins that failed."""
        from shared.auth.failed_sign_ins import FailedSignIns
        from shared.auth.known_keys import account_of_key

        def record(target: str | None, account: str | None, reason: str) -> None:
            self.security.note(Action.SIGN_IN_FAILED, target, account, reason=reason)

        def find_account(key: str) -> str | None:
            with self.open(None) as uow:
                return account_of_key(uow, key)

        return FailedSignIns(RateLimiter(redis_cache()), record, find_account)
