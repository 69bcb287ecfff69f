"""The stages that the self-test's card goes through, how long each took, and at which one it was lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from shared.jobs.schemas import Step
from shared.jobs.states import JobState

TRANSLATE: Final = "translate"
"""The provider of translations, as receipts name it."""


class Stage(StrEnum):
    """A part of the way, in the order in which a picture takes it."""

    ACCEPT = "accept"
    UPLOAD = "upload"
    NOTICE = "notice"
    RECOGNISE = "recognise"
    DISPATCH = "dispatch"
    TRANSLATE = "translate"
    DRAW = "draw"
    PUBLISH = "publish"


Times = dict[Stage, int]
"""Milliseconds by stage."""


def times(
    started_at: datetime, sent: Mapping[Stage, int], steps: Sequence[Step], published_at: datetime
) -> Times:
    """How long each stage of a job took that is completed.

    `sent` is what the first two took from `started_at` on; `published_at` is when its receipt was written.
    What lies between is waiting: for the event and the task, and for attempts that failed.
    """
    read, drawn = _last(steps, "recognise"), _last(steps, "render")
    uploaded_at = started_at + timedelta(milliseconds=sum(sent.values()))
    asked = round(sum(call.milliseconds for call in drawn.calls if call.provider == TRANSLATE))
    return {
        **sent,
        Stage.NOTICE: _between(uploaded_at, read.started_at),
        Stage.RECOGNISE: _between(read.started_at, read.finished_at),
        Stage.DISPATCH: _between(read.finished_at, drawn.started_at),
        Stage.TRANSLATE: asked,
        Stage.DRAW: max(0, _between(drawn.started_at, drawn.finished_at) - asked),
        Stage.PUBLISH: _between(drawn.finished_at, published_at),
    }


def lost_at(state: JobState, steps: Sequence[Step]) -> tuple[Stage, str | None]:
    """Where a job is that did not come to its end, and the error of its last attempt, if one failed."""
    if state is JobState.COMPLETED:
        return Stage.PUBLISH, None
    if not steps:
        return Stage.NOTICE, None
    last = steps[-1]
    if last.outcome == "done":
        return Stage.DISPATCH, None
    if last.step == "recognise":
        return Stage.RECOGNISE, last.error
    asked = any(call.provider == TRANSLATE and call.outcome != "ok" for call in last.calls)
    return (Stage.TRANSLATE if asked else Stage.DRAW), last.error


def _last(steps: Sequence[Step], name: Literal["recognise", "render"]) -> Step:
    return next(step for step in reversed(steps) if step.step == name and step.outcome == "done")


def _between(earlier: datetime, later: datetime) -> int:
    return max(0, round((later - earlier).total_seconds() * 1000))
