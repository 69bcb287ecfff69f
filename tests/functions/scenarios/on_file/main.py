"""A storage function."""

from __future__ import annotations

from scenarios.in_memory import WORLD, Context

from shared.edge.event import Delivery, ObjectFinalized, event


@event(context=Context)
def on_file(ctx: Context, event: ObjectFinalized, delivery: Delivery) -> None:
    """Note a file."""
    WORLD.rows.append(event.identity)
    WORLD.seen.append((event, delivery))
    if WORLD.raising is not None:
        raise WORLD.raising
