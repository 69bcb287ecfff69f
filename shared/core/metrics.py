"""Metrics as structured log lines, which log-based metrics count; names stand here once."""

from __future__ import annotations

import logging
from enum import StrEnum

_log = logging.getLogger("imangor.metrics")


class Metric(StrEnum):
    """Every metric this service emits."""

    REQUEST_SECONDS = "request_seconds"
    CACHE = "cache"
    RATE_LIMIT_OPEN = "rate_limit_open"
    ATTEMPTS_FAILED = "attempts_failed"
    SECURITY_EVENTS = "security_events"
    PROVIDER_CALLS = "provider_calls"
    PROVIDER_RETRIES = "provider_retries"
    OUTBOX_SEND_FAILED = "outbox_send_failed"
    OUTBOX_AGE = "outbox_age"
    BOOKS_WRONG = "books_wrong"
    JOBS_ENDED = "jobs_ended"
    WORK_UNDONE = "work_undone"
    STEP_SECONDS = "step_seconds"
    QUEUE_AGE = "queue_age"
    SPANS_DROPPED = "spans_dropped"
    POOL_WAIT = "pool_wait"
    PROVIDER_UNITS = "provider_units"
    WEBHOOK_TRIES = "webhook_tries"
    WEBHOOKS_DEAD = "webhooks_dead"
    EMAILS = "emails"
    TRIAL = "trial"
    SELFTESTS = "selftests"
    SELFTEST_QUALITY = "selftest_quality"
    SELFTEST_SECONDS = "selftest_seconds"


def count(metric: Metric, value: float = 1, **labels: str | int | float) -> None:
    """Record one measurement. Labels come from small closed sets, never from user input."""
    _log.info(metric.value, extra={"fields": {"metric": metric.value, "value": value, "labels": labels}})
