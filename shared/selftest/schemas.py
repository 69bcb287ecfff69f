"""Self-tests as operators see them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.core.ids import id_pattern
from shared.jobs.schemas import JobId
from shared.selftest.scoring import Quality
from shared.selftest.stages import Stage

SelfTestId = Annotated[str, Field(pattern=id_pattern("tst"), examples=["tst_01k9z3v5w8x2y4a6b8c0d2e4f6"])]


class SelfTestState(StrEnum):
    """Where a self-test stands."""

    REQUESTED = "requested"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"


class Fault(StrEnum):
    """Why a self-test failed."""

    BROKEN = "broken"
    POOR = "poor"
    SLOW = "slow"


class SelfTest(BaseModel):
    """A card translated from end to end, as a customer's picture would be."""

    model_config = ConfigDict(extra="forbid")

    id: SelfTestId
    state: SelfTestState
    job: JobId | None = None
    requested_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    fault: Fault | None = Field(
        None, description="`broken`: it did not come to an end; `poor`: the result is not good; `slow`"
    )
    stage: Stage | None = Field(None, description="where it failed, or the one that is to blame")
    error: str | None = Field(None, description="slug of the error that stopped it, where there was one")
    quality: Quality | None = None
    milliseconds: dict[Stage, int] = Field({}, description="how long each stage took")
