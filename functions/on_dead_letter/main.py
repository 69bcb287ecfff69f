"""Messages that were given up after their last delivery."""

from __future__ import annotations

from shared.context import Context
from shared.edge.event import Message, event


@event
def on_dead_letter(ctx: Context, event: Message) -> None:
    """Keep the message, and end the job that waited for it."""
    ctx.dead_letters.keep(event.identity, event.attributes, event.data.decode(errors="replace"))
