"""A task function."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from scenarios.in_memory import WORLD, Context

from shared.edge.task import Attempt, task


class Work(BaseModel):
    model_config = ConfigDict(extra="forbid")

    job: str


def give_up(ctx: Context, body: Work, error: Exception) -> None:
    """Leave a record."""
    if WORLD.failing is not None:
        raise WORLD.failing
    WORLD.failed.append((body.job, type(error).__name__))


@task(failed=give_up, context=Context)
def do_work(ctx: Context, body: Work, attempt: Attempt) -> None:
    """Work."""
    WORLD.seen.append(attempt)
    if WORLD.raising is not None:
        raise WORLD.raising
