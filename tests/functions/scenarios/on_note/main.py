"""A pubsub function."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from scenarios.in_memory import WORLD, Context

from shared.edge.event import event


class NoteWritten(BaseModel):
    model_config = ConfigDict(extra="forbid")

    note: str


@event(context=Context)
def on_note(ctx: Context, event: NoteWritten) -> None:
    """Note a note."""
    WORLD.seen.append(event)
