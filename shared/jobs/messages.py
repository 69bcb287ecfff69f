"""What the functions behind a job are called with. Ids and facts only; small enough to import first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.jobs.schemas import JobId


@dataclass(frozen=True)
class Arrival:
    """One generation of one object. `content_type` is what the uploader said and proves nothing."""

    name: str
    generation: int
    size: int | None
    content_type: str | None = None


class ProcessImage(BaseModel):
    """One step of a picture's job: `recognise` once, then `render` for each target."""

    model_config = ConfigDict(extra="forbid")

    account: str
    job: JobId
    step: Literal["recognise", "render"]
    target: str | None = None


class JobEvent(BaseModel):
    """Something happened to a job: `type` is `job.` and the state it ended in."""

    model_config = ConfigDict(extra="forbid")

    account: str
    job: str
    type: str


@dataclass(frozen=True)
class Try:
    """Which attempt this is, from 0; how many there are; and how long its lease must hold."""

    number: int
    limit: int
    lease_seconds: float
