"""Security events: refused sign-ins and the like, which happen where no work commits."""

from __future__ import annotations

import logging
from collections.abc import Callable

from shared.audit.actions import Action
from shared.audit.chain import Fact
from shared.audit.log import record
from shared.core.actor import Actor
from shared.core.metrics import Metric, count
from shared.db.unit_of_work import UnitOfWork

_log = logging.getLogger(__name__)


class SecurityEvents:
    """Tells of events: to the logs, a metric that an alert watches, and the audit log."""

    def __init__(self, open_uow: Callable[[str | None], UnitOfWork], actor: Callable[[], Actor]):
        """`open_uow` opens a unit of work of its own under an account, or under none."""
        self._open_uow = open_uow
        self._actor = actor

    def tell(
        self, action: Action, target: str | None = None, account: str | None = None, **facts: Fact
    ) -> None:
        """Record an event in the chain of `account`, or of the platform; never raises.

        Whoever calls it keeps it rare: once for many refusals, not once for each.
        """
        who = self._actor()
        told = {"security_event": action.value, "target": target, "address": who.address, **facts}
        _log.warning("a security event", extra={"fields": told})
        count(Metric.SECURITY_EVENTS, event=action.value)
        self.note(action, target, account, **facts)

    def note(
        self, action: Action, target: str | None = None, account: str | None = None, **facts: Fact
    ) -> None:
        """As `tell`, where it is no event that anybody is called for: the audit log alone has it."""
        who = self._actor()
        try:
            with self._open_uow(account) as uow:
                record(uow, action, target, who=who, **facts)
        except Exception:
            # What was refused stays refused; that it was stands in the logs.
            _log.exception("a security event could not be recorded")
