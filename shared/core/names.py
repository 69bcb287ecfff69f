"""What a function is called in the cloud."""

from __future__ import annotations


def service_name(function: str) -> str:
    """Cloud Run's name of a function, and of the queue that feeds it: `on_upload` is `on-upload`."""
    return function.replace("_", "-")


def function_url(template: str, function: str) -> str:
    """The URL of a function, which is also the audience of the tokens sent to it.

    `template` is the setting FUNCTION_URL, with `{function}` in it.
    """
    return template.replace("{function}", service_name(function))
