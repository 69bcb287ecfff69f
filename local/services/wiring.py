"""What the manifests say about topics, subscriptions, queues and schedules, with this cloud's addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.gateway.invokers import EVENTS
from local.identity import PROJECT
from local.services.environment import Addresses, function_url, threads
from shared.edge.manifest import Manifest, Pace

DEAD_LETTER_FUNCTION = "on_dead_letter"
SHORTEST_BACKOFF, LONGEST_BACKOFF = 10.0, 600.0
_MOST_DELIVERIES = 100
_DOUBLINGS = 16
_LONGEST_ACK_DEADLINE = 600


def wiring(
    manifests: Mapping[str, Manifest], at: Addresses, shortest_backoff: float | None
) -> dict[str, Any]:
    """Topics, push subscriptions and queues as plain data; `shortest_backoff` in seconds is for tests."""
    dead = manifests[DEAD_LETTER_FUNCTION].topic_name if DEAD_LETTER_FUNCTION in manifests else None
    events = [m for m in manifests.values() if m.topic_name]
    return {
        "topics": sorted({m.topic_name for m in events if m.topic_name}),
        "subscriptions": [_subscription(m, at, dead, shortest_backoff) for m in events],
        "queues": [
            _queue(m, name, pace, shortest_backoff)
            for m in manifests.values()
            for name, pace in m.queues.items()
        ],
    }


def upload_topic(manifests: Mapping[str, Manifest]) -> str | None:
    """Full name of the topic that the uploads bucket notifies."""
    for manifest in manifests.values():
        if manifest.kind == "storage" and manifest.bucket == "uploads":
            return f"projects/{PROJECT}/topics/{manifest.topic_name}"
    return None


def schedules(manifests: Mapping[str, Manifest]) -> dict[str, str]:
    """Service name to cron expression."""
    return {m.service: m.schedule for m in manifests.values() if m.schedule}


def _subscription(m: Manifest, at: Addresses, dead: str | None, shortest: float | None) -> dict[str, Any]:
    return {
        "name": m.service,
        "topic": m.topic_name,
        "url": function_url(at, m.service),
        "invoker": EVENTS,
        "ack_deadline": min(max(10, m.timeout_seconds), _LONGEST_ACK_DEADLINE),
        "shortest_backoff": SHORTEST_BACKOFF if shortest is None else shortest,
        "longest_backoff": LONGEST_BACKOFF,
        # A dead letter that cannot be handled is tried again; it has nowhere further to go.
        "dead_letter": None if m.topic_name == dead else dead,
        "attempts": min(m.attempts, _MOST_DELIVERIES),
    }


def _queue(m: Manifest, name: str, pace: Pace, shortest: float | None) -> dict[str, Any]:
    assert m.queue is not None  # noqa: S101 - for the type checker: callers pass functions with queues
    # The one process here has a place for each priority, where the cloud has instances for each.
    share = threads(m) // len(m.queues) if m.queue.priorities else pace.concurrent
    return {
        "name": name,
        "attempts": m.queue_max_attempts,
        "shortest_backoff": float(m.queue.min_backoff[:-1]) if shortest is None else shortest,
        "longest_backoff": float(m.queue.max_backoff[:-1]),
        "doublings": _DOUBLINGS,
        "concurrent": min(pace.concurrent, share),
        "per_second": pace.rate,
    }
