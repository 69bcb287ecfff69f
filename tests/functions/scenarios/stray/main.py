"""An event handler in a folder whose manifest says http."""

from __future__ import annotations

from scenarios.in_memory import Context

from shared.edge.event import ObjectFinalized, event


@event(context=Context)
def stray(ctx: Context, event: ObjectFinalized) -> None:
    """Never reached."""
