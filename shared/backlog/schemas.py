"""What waits and what was given up, as the platform's own people see it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.ledger.schemas import AccountId

MOST_AT_ONCE: Final = 100

LetterId = Annotated[str, Field(pattern=r"^let_[1-9][0-9]{0,17}$", examples=["let_12"])]
Subscription = Annotated[str, Field(max_length=255, examples=["on-job-event"])]
QueueName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,99}$", examples=["process-image-bulk"])]


class Model(BaseModel):
    """Strict: an unknown member is an error."""

    model_config = ConfigDict(extra="forbid")


class DeadLetter(Model):
    """An event that was given up after its last delivery. What it says is not told, only how to find it."""

    id: LetterId
    subscription: str = Field(description="whose deliveries failed; the function has the same name")
    reason: str | None = Field(description="slug or kind of the last error, where it is known")
    event: str = Field(description="what log lines about this event have as `event`")
    account: str | None
    deliveries: int | None = Field(description="how often it was delivered")
    received_at: datetime
    returned: int = Field(description="how often it was given up again after it had been sent again")
    redriven_at: datetime | None
    redriven_by: str | None = Field(description="id of the person or key that had it sent again")


class LetterFilter(Model):
    """Which dead letters."""

    subscription: Subscription | None = None
    account: AccountId | None = None
    redriven: bool = Field(False, description="those that were sent again and have not come back, instead")
    limit: int = Field(50, ge=1, le=200)
    cursor: LetterId | None = Field(None, description="`next_cursor` of the page before")


class LetterPage(Model):
    """Dead letters, newest first."""

    letters: list[DeadLetter]
    next_cursor: LetterId | None = Field(description="null on the last page")


class RedriveLetters(Model):
    """Which dead letters to send again: all of a subscription, the oldest first."""

    subscription: Subscription


class Redriven(Model):
    """How many were sent again."""

    redriven: int = Field(description=f"at most {MOST_AT_ONCE} in one call")
    left: bool = Field(description="whether there are more")


class Queue(Model):
    """A queue of tasks."""

    name: str
    state: Literal["running", "paused", "disabled"]
    rate: float = Field(description="dispatches a second at most")
    concurrent: int = Field(description="dispatches running at a time at most")


class QueueList(Model):
    """All queues by name."""

    queues: list[Queue]
