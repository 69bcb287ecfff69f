"""What a function is called in the cloud."""

from __future__ import annotations

from typing import Final

from shared.core.priority import Priority

TRACE_ATTRIBUTE: Final = "ce-traceparent"
"""Attribute of a Pub/Sub message that carries the publisher's `traceparent` (CloudEvents' tracing)."""


def service_name(function: str) -> str:
    """Cloud Run's name of a function: `on_upload` is `on-upload`."""
    return function.replace("_", "-")


def queue_name(function: str, priority: Priority | None = None) -> str:
    """The queue that feeds a task function; one of several for a function that has priorities."""
    service = service_name(function)
    return service if priority is None else f"{service}-{priority}"


def function_url(template: str, function: str) -> str:
    """The URL of a function, which is also the audience of the tokens sent to it.

    `template` is the setting FUNCTION_URL, with `{function}` in it.
    """
    return template.replace("{function}", service_name(function))
