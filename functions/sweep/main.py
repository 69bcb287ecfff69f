"""Every minute: send what a crash left, act on deadlines, forget what is old."""

from __future__ import annotations

from shared.context import Context
from shared.edge.schedule import schedule


@schedule
def sweep(ctx: Context) -> None:
    """Do one round."""
    ctx.upkeep.sweep()
