"""Tells an account that it was stopped: by a limit once a period, by a breaker once an hour."""

from __future__ import annotations

from shared.core.errors import ImangorError
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.breaker import BreakerTripped
from shared.ledger.errors import SpendLimitReached
from shared.webhooks.announcing import announce
from shared.webhooks.payloads import EventType, ReachedLimit, TrippedBreaker


def alarm(uow: UnitOfWork, error: ImangorError) -> None:
    """Announce what kind of stop the error is; any other error is nothing to be alarmed about."""
    if isinstance(error, SpendLimitReached):
        limit = ReachedLimit(whose=error.whose, period=error.period, limit=error.limit, began=error.began)
        announce(uow, EventType.SPEND_LIMIT_REACHED, limit, about=f"{error.who}/{error.period}/{error.began}")
    elif isinstance(error, BreakerTripped):
        breaker = TrippedBreaker(scope=error.scope, period=error.period, limit=error.limit)
        hour = uow.now.strftime("%Y-%m-%dT%H")
        announce(uow, EventType.BREAKER_TRIPPED, breaker, about=f"{error.scope}/{error.period}/{hour}")
