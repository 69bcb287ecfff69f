"""The identity service, told what the database decided of a person."""

from __future__ import annotations

from shared.context import Context
from shared.edge.task import task
from shared.members.messages import SyncIdentity


@task
def sync_identity(ctx: Context, body: SyncIdentity) -> None:
    """Make somebody's claims, and whether they may sign in, agree with the database."""
    ctx.identity_sync.sync(body)
