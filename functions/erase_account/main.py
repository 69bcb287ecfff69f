"""Erasing whole accounts."""

from __future__ import annotations

from shared.context import Context
from shared.edge.task import Attempt, task
from shared.privacy.messages import EraseAccount


@task
def erase_account(ctx: Context, body: EraseAccount, attempt: Attempt) -> None:
    """Go on with an erasure; what is given up here the sweep begins anew."""
    ctx.eraser.erase(body, attempt.lease_seconds)
