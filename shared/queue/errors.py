"""Errors of the queue room."""

from __future__ import annotations

from shared.core.errors import NotFound, TransientError


class QueueUnavailable(TransientError):
    """The task queue or the event topic does not take anything now."""

    slug = "queue-unavailable"


class NoSuchQueue(NotFound):
    """There is no queue of that name."""
