"""New objects in the uploads bucket become work."""

from __future__ import annotations

from shared.context import Context
from shared.edge.event import ObjectFinalized, event
from shared.jobs.messages import Arrival


@event
def on_upload(ctx: Context, event: ObjectFinalized) -> None:
    """Queue the job that waited for this file, or make one for a file in an inbox."""
    ctx.arrivals.arrived(Arrival(event.name, event.generation, event.size, event.content_type))
