"""What follows from a job's end."""

from __future__ import annotations

from shared.context import Context
from shared.edge.event import event
from shared.jobs.messages import JobEvent


@event
def on_job_event(ctx: Context, event: JobEvent) -> None:
    """Write scene, receipt or error beside the job's results."""
    ctx.uow.act_for(event.account)
    ctx.publisher.publish(event.job)
