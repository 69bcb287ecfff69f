"""Everything that customers are told of, and what they are told: ids, states and numbers, never content.

A type of event is a member here, with the model of its data beside it. Whoever lets it happen calls
`shared.webhooks.announcing.announce`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field


class EventType(StrEnum):
    """What happened. `docs` and `openapi.json` list them from here."""

    JOB_COMPLETED = "job.completed"
    JOB_PARTLY_COMPLETED = "job.partly_completed"
    JOB_FAILED = "job.failed"
    JOB_CANCELLED = "job.cancelled"
    JOB_EXPIRED = "job.expired"
    SPEND_LIMIT_REACHED = "spend.limit_reached"
    BREAKER_TRIPPED = "account.breaker_tripped"
    ENDPOINT_DISABLED = "endpoint.disabled"
    ENDPOINT_TEST = "endpoint.test"


class Payload(BaseModel):
    """The data of an event."""

    model_config = ConfigDict(extra="forbid")


class TargetOutcome(Payload):
    """How one language of a job ended."""

    language: str
    state: str
    error: str | None = Field(None, description="slug of what went wrong")


class JobOutcome(Payload):
    """How a job ended."""

    job: str
    state: str
    parent: str | None = None
    targets: list[TargetOutcome]
    error: str | None = Field(None, description="slug of what went wrong")
    finished_at: datetime | None = None


class ReachedLimit(Payload):
    """A limit of spending, and whose it is: the account's, or that of one of its API keys."""

    whose: Literal["account", "key"]
    period: Literal["day", "month"]
    limit: int = Field(description="credits that may be spent in the period")
    began: str = Field(description="first day of the period (UTC)", examples=["2026-11-25"])


class TrippedBreaker(Payload):
    """Files that came too fast: under one name of the inbox (`object`), or in the whole `inbox`."""

    scope: Literal["object", "inbox"]
    period: Literal["minute", "hour"]
    limit: int = Field(description="files that are taken in the period")


class DisabledEndpoint(Payload):
    """A webhook endpoint that gets nothing any more."""

    endpoint: str
    reason: str = Field(description="`gone`: it answered 410; `failing`: it failed for days")


class EndpointTest(Payload):
    """An event that nothing happened for."""

    endpoint: str


DATA: Final[dict[EventType, tuple[type[Payload], str]]] = {
    EventType.JOB_COMPLETED: (JobOutcome, "Every language of a job is done."),
    EventType.JOB_PARTLY_COMPLETED: (JobOutcome, "A job ended with some of its languages done."),
    EventType.JOB_FAILED: (JobOutcome, "A job ended with no language done."),
    EventType.JOB_CANCELLED: (JobOutcome, "A job was cancelled."),
    EventType.JOB_EXPIRED: (JobOutcome, "The file of a job never came."),
    EventType.SPEND_LIMIT_REACHED: (ReachedLimit, "A job was refused by a limit of spending, once a period."),
    EventType.BREAKER_TRIPPED: (TrippedBreaker, "The breaker of an inbox rejects files, told once an hour."),
    EventType.ENDPOINT_DISABLED: (DisabledEndpoint, "A webhook endpoint was disabled by its answers."),
    EventType.ENDPOINT_TEST: (EndpointTest, "Somebody asked for a test."),
}
"""The model of each type's data, and what the type means."""
