"""A schedule function."""

from __future__ import annotations

from scenarios.in_memory import WORLD, Context

from shared.edge.schedule import schedule


@schedule(context=Context)
def tidy(ctx: Context) -> None:
    """Tidy up."""
    WORLD.seen.append("tidy")
    if WORLD.raising is not None:
        raise WORLD.raising
