"""The steps of a picture's job: recognise it, then render it in each language."""

from __future__ import annotations

from shared.context import Context
from shared.edge.task import Attempt, task
from shared.jobs.messages import ProcessImage, Try


def give_up(ctx: Context, body: ProcessImage, error: Exception) -> None:
    """End what depends on a step that will never succeed."""
    ctx.pictures.fail(body, error)


@task(failed=give_up)
def process_image(ctx: Context, body: ProcessImage, attempt: Attempt) -> None:
    """Do one step."""
    ctx.pictures.process(body, Try(attempt.number, attempt.limit, attempt.lease_seconds))
