"""Which failures of Google's queues pass by themselves."""

from __future__ import annotations

from typing import Any, Final

RETRY_SECONDS: Final = 20.0


def passing_failures() -> Any:
    """A google.api_core Retry for requests that may be repeated without harm."""
    from google.api_core.exceptions import (
        DeadlineExceeded,
        InternalServerError,
        ResourceExhausted,
        ServiceUnavailable,
    )
    from google.api_core.retry import Retry, if_exception_type

    passing = if_exception_type(ServiceUnavailable, DeadlineExceeded, InternalServerError, ResourceExhausted)
    return Retry(predicate=passing, initial=0.2, maximum=3.0, timeout=RETRY_SECONDS)
