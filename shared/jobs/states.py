"""The states of a job and of a target language, and the only ways between them.

The database refuses every other way; a test holds this table and the database's together.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class JobState(StrEnum):
    """Where a job stands."""

    AWAITING_UPLOAD = "awaiting_upload"
    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    PARTLY_COMPLETED = "partly_completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class TargetState(StrEnum):
    """Where one target language of a job stands."""

    PENDING = "pending"
    PROCESSING = "processing"
    IN_REVIEW = "in_review"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


JOB_MOVES: Final = {
    JobState.AWAITING_UPLOAD: {JobState.QUEUED, JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED},
    JobState.QUEUED: {JobState.PROCESSING, JobState.FAILED, JobState.CANCELLED},
    JobState.PROCESSING: {
        JobState.COMPLETED,
        JobState.PARTLY_COMPLETED,
        JobState.FAILED,
        JobState.CANCELLED,
    },
}
TARGET_MOVES: Final = {
    TargetState.PENDING: {TargetState.PROCESSING, TargetState.FAILED, TargetState.CANCELLED},
    TargetState.PROCESSING: {
        TargetState.IN_REVIEW,
        TargetState.DONE,
        TargetState.FAILED,
        TargetState.CANCELLED,
    },
    TargetState.IN_REVIEW: {TargetState.DONE, TargetState.FAILED, TargetState.CANCELLED},
}
ENDED: Final = frozenset(JobState) - JOB_MOVES.keys()
TARGET_ENDED: Final = frozenset(TargetState) - TARGET_MOVES.keys()


def outcome(targets: list[TargetState]) -> JobState | None:
    """The state of a processing job whose targets stand so, or None while one is still under way."""
    if any(state not in TARGET_ENDED for state in targets):
        return None
    done = sum(state is TargetState.DONE for state in targets)
    if done == len(targets):
        return JobState.COMPLETED
    return JobState.PARTLY_COMPLETED if done else JobState.FAILED
