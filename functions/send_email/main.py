"""E-mails to people."""

from __future__ import annotations

from shared.context import Context
from shared.edge.task import Attempt, task
from shared.mail.messages import SendEmail


def give_up(ctx: Context, body: SendEmail, error: Exception) -> None:
    """Write down that it was not sent, and forget what it said."""
    ctx.postman.give_up(body, error)


@task(failed=give_up)
def send_email(ctx: Context, body: SendEmail, attempt: Attempt) -> None:
    """Hand an e-mail to the mail server."""
    ctx.postman.send(body, attempt.lease_seconds)
