"""What becomes of a piece of work that the platform delivered: one pure decision for events and tasks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.core.config import Misconfigured
from shared.core.errors import DependencyDown, ImangorError, RetryLater

_PAUSE_SECONDS = 30.0


@dataclass(frozen=True)
class Ack:
    """The work is done."""


@dataclass(frozen=True)
class Drop:
    """The work will never succeed, or was tried often enough: give it up."""


@dataclass(frozen=True)
class Retry:
    """Let the platform deliver it again with its own delay.

    `pause` is set, in seconds, only when a dependency refuses everybody: it throttles the whole queue.
    """

    pause: float | None = None


@dataclass(frozen=True)
class RetryAt:
    """Deliver it again as new work, not before `time`."""

    time: datetime


Plan = Ack | Drop | Retry | RetryAt


def plan(error: Exception | None, attempt: int, limit: int | None) -> Plan:
    """Decide from the outcome of one attempt.

    `attempt` counts from 0. `limit` is how many attempts there are; None where the platform counts them and
    keeps what failed (a dead-letter topic). An error that is not ours is unknown and is tried again; so is a
    wrong setting, which the next deployment may put right.
    """
    if error is None:
        return Ack()
    if isinstance(error, RetryLater):
        return RetryAt(error.when)
    if isinstance(error, ImangorError) and not error.retry and not isinstance(error, Misconfigured):
        return Drop()
    if limit is not None and attempt >= limit - 1:
        return Drop()
    if isinstance(error, DependencyDown):
        return Retry(pause=error.retry_after or _PAUSE_SECONDS)
    return Retry()
