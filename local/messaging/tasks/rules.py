"""What Cloud Tasks accepts, the values it fills in, and when a failed task comes again."""

from __future__ import annotations

import math
import re
from typing import Any

from google.cloud.tasks_v2.types import queue as queue_types
from google.cloud.tasks_v2.types import target, task

from local.messaging.rpc import invalid, unsupported
from local.messaging.wire import seconds_of, span

RUNNING, PAUSED = 1, 2
MAX_TASK_BYTES = 1_048_576
FULL_VIEW, BASIC_VIEW = 2, 1
DEFAULT_DISPATCH_DEADLINE = 600.0
_QUEUE = re.compile(r"projects/[^/]+/locations/[^/]+/queues/[A-Za-z0-9-]{1,100}")
_PARENT = re.compile(r"projects/[^/]+/locations/[^/]+")
_TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,500}")
_MAX_AHEAD = 30 * 86400
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
_RESERVED_HEADER = re.compile(
    r"(host|content-length|user-agent|x-google-.*|x-appengine-.*|x-cloudtasks-.*)$", re.I
)
_Queue, _Task = queue_types.Queue.pb(), task.Task.pb()


def check_parent(parent: str) -> None:
    """INVALID_ARGUMENT unless this is a location's full name."""
    if not _PARENT.fullmatch(parent):
        raise invalid(f"Invalid location name: {parent!r}.")


def complete_queue(queue: Any) -> None:
    """Check a queue and fill in the defaults of a new Cloud Tasks queue, in place."""
    if not _QUEUE.fullmatch(queue.name):
        raise invalid(f"Invalid queue name: {queue.name!r}.")
    for field, _value in queue.ListFields():
        if field.name in {"app_engine_routing_override", "http_target"}:
            raise unsupported(f"Queue.{field.name}")
    limits = queue.rate_limits
    limits.max_dispatches_per_second = limits.max_dispatches_per_second or 500
    limits.max_concurrent_dispatches = limits.max_concurrent_dispatches or 1000
    if not 0 < limits.max_dispatches_per_second <= 500 or not 0 < limits.max_concurrent_dispatches <= 5000:
        raise invalid("RateLimits: at most 500 dispatches per second and 5000 concurrent ones.")
    limits.max_burst_size = max(1, math.ceil(limits.max_dispatches_per_second))
    complete_retry(queue.retry_config)


def complete_retry(config: Any) -> None:
    """Check a retry configuration and fill in Google's defaults, in place."""
    config.max_attempts = config.max_attempts or 100
    if not config.HasField("min_backoff"):
        config.min_backoff.CopyFrom(span(0.1))
    if not config.HasField("max_backoff"):
        config.max_backoff.CopyFrom(span(3600))
    config.max_doublings = config.max_doublings or 16
    least, most = seconds_of(config.min_backoff), seconds_of(config.max_backoff)
    if config.max_attempts < -1 or config.max_doublings < 0 or not 0 <= least <= most:
        raise invalid("RetryConfig: the attempts, doublings or backoffs are out of range.")


def complete_task(new: Any, queue: str, now: float) -> None:
    """Check a task for CreateTask and fill in what it leaves out, except its name."""
    if new.HasField("app_engine_http_request"):
        raise unsupported("Task.app_engine_http_request")
    if not new.HasField("http_request"):
        raise invalid("Task.message_type must be set.")
    if new.name:
        _check_name(new.name, queue)
    if new.ByteSize() > MAX_TASK_BYTES:
        raise invalid("Task size too large: at most 1048576 bytes.")
    _complete_request(new.http_request)
    if new.HasField("schedule_time") and seconds_of(new.schedule_time) > now + _MAX_AHEAD:
        raise invalid("The schedule_time of a task must be at most 30 days in the future.")
    if not new.HasField("dispatch_deadline"):
        new.dispatch_deadline.CopyFrom(span(DEFAULT_DISPATCH_DEADLINE))
    if not 15 <= seconds_of(new.dispatch_deadline) <= 1800:
        raise invalid("The dispatch_deadline must be between 15 seconds and 30 minutes.")


def _check_name(name: str, queue: str) -> None:
    parent, _, short = name.rpartition("/tasks/")
    if parent != queue or not _TASK_ID.fullmatch(short):
        raise invalid(f"The task name {name!r} is not valid in the queue {queue}.")


def _complete_request(request: Any) -> None:
    if not re.match(r"https?://[^/\s]+", request.url) or len(request.url) > 2083:
        raise invalid("HttpRequest.url must be an http or https URL of at most 2083 characters.")
    request.http_method = request.http_method or target.HttpMethod.POST
    if request.body and method_of(request) not in _BODY_METHODS:
        raise invalid("HTTP body is only allowed for POST, PUT and PATCH.")
    if request.HasField("oauth_token"):
        raise unsupported("HttpRequest.oauth_token")
    if request.HasField("oidc_token") and not request.oidc_token.service_account_email:
        raise invalid("HttpRequest.oidc_token needs a service_account_email.")
    for name, value in request.headers.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or re.search(r"[\r\n\0]", value):
            raise invalid(f"The header {name[:40]!r} is not valid.")


def method_of(request: Any) -> str:
    """The HTTP method's name."""
    return target.HttpMethod(request.http_method).name


def own_headers(request: Any) -> dict[str, str]:
    """The caller's headers without those that Cloud Tasks sets or drops."""
    return {name: value for name, value in request.headers.items() if not _RESERVED_HEADER.match(name)}


def view(stored: Any, response_view: int) -> Any:
    """The task as an answer shows it: without the body unless the full view is asked for."""
    shown = _Task()
    shown.CopyFrom(stored)
    shown.view = FULL_VIEW if response_view == FULL_VIEW else BASIC_VIEW
    if shown.view == BASIC_VIEW:
        shown.http_request.ClearField("body")
    return shown


def backoff(config: Any, failures: int) -> float:
    """Seconds from failure number `failures` (from 1) to the next attempt.

    Doubles `max_doublings` times from `min_backoff`, then grows by the last step, up to `max_backoff`: with
    10 s, 300 s and 3 doublings that is 10, 20, 40, 80, 160, 240, 300 (reference of Queue.RetryConfig).
    """
    least, doublings = seconds_of(config.min_backoff), config.max_doublings
    step = least * 2.0 ** min(failures - 1, doublings, 60)
    return min(seconds_of(config.max_backoff), step * max(1, failures - doublings))


def exhausted(config: Any, failures: int, age: float) -> bool:
    """Whether a task is given up: both limits are reached, where a limit is set (`age` in seconds)."""
    longest = seconds_of(config.max_retry_duration)
    if config.max_attempts == -1:
        return 0 < longest <= age
    return failures >= config.max_attempts and age >= longest
