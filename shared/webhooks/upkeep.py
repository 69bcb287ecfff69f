"""What `sweep` does for webhooks: begin tries whose task was lost, and forget what is old."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from shared.db.unit_of_work import UnitOfWork
from shared.webhooks.messages import FUNCTION, DeliverWebhook

FORGET: Final = (
    "delete from webhook_events where created_at < clock_now() - interval '30 days'",
    "delete from webhook_secrets where expires_at < clock_now()",
    "delete from webhook_endpoints where deleted_at < clock_now() - interval '31 days'",
)
"""An endpoint goes after the events that it had; deliveries go with either."""

# Longer than a try can take with workers that die, so that nothing is begun that is still under way. What
# waits for its turn comes last: it begins without the sweep, unless the tries before it were lost.
_OVERDUE: Final = """
select account_id, id from webhook_deliveries
where state = 'pending' and next_attempt_at < clock_now() - interval '10 minutes'
order by waiting, next_attempt_at limit :most
"""
_AGAIN: Final = """
update webhook_deliveries set next_attempt_at = clock_now()
where id = :delivery and state = 'pending' and next_attempt_at < clock_now() - interval '10 minutes'
returning tries
"""


def start_overdue(open_uow: Callable[[str | None], UnitOfWork], most: int) -> None:
    """Send the task of up to `most` overdue deliveries again; one task too many does nothing."""
    with open_uow(None) as uow:
        found = uow.sql(_OVERDUE, most=most).all()
    for row in found:
        with open_uow(row.account_id) as uow:
            number = uow.sql(_AGAIN, delivery=row.id).scalar()
            if number is not None:
                body = DeliverWebhook(account=row.account_id, delivery=row.id, number=number)
                uow.outbox.task(FUNCTION, body.model_dump())
