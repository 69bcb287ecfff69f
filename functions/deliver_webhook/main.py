"""Messages to the endpoints of customers."""

from __future__ import annotations

from shared.context import Context
from shared.edge.task import Attempt, task
from shared.webhooks.messages import DeliverWebhook


def give_up(ctx: Context, body: DeliverWebhook, error: Exception) -> None:
    """Count a try that a fault of ours kept from being made, so that the next one follows."""
    ctx.webhook_sender.fail(body, error)


@task(failed=give_up)
def deliver_webhook(ctx: Context, body: DeliverWebhook, attempt: Attempt) -> None:
    """Make one try."""
    ctx.webhook_sender.deliver(body, attempt.lease_seconds)
