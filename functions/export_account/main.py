"""Exports of whole accounts."""

from __future__ import annotations

from shared.context import Context
from shared.edge.task import Attempt, task
from shared.privacy.messages import ExportAccount


def give_up(ctx: Context, body: ExportAccount, error: Exception) -> None:
    """Write down that it was not made."""
    ctx.exporter.give_up(body, error)


@task(failed=give_up)
def export_account(ctx: Context, body: ExportAccount, attempt: Attempt) -> None:
    """Write everything that is kept of an account into a zip file."""
    ctx.exporter.export(body, attempt.lease_seconds)
