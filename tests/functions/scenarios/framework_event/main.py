"""A function declared with the framework's own decorator, which leaves its mark on the process."""

import functions_framework


@functions_framework.cloud_event
def framework_event(event: object) -> None:
    """Take any CloudEvent."""
