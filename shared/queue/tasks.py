"""Tasks in Cloud Tasks: the only file that knows its client."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any, Final

from shared.core.config import CallerSettings, ChannelSettings, ProjectSettings
from shared.core.names import function_url, queue_name
from shared.core.priority import Priority
from shared.providers.channel import grpc_transport
from shared.queue.errors import QueueUnavailable
from shared.queue.retries import passing_failures

_TIMEOUT: Final = 10.0


class TaskQueue:
    """Puts named HTTP tasks into the queue of the function that does them. Make one for the process."""

    def __init__(self, project: ProjectSettings, channels: ChannelSettings, callers: CallerSettings) -> None:
        """Nothing is connected before the first use."""
        self._project, self._channels, self._callers = project, channels, callers
        self._lock = threading.Lock()
        self._built: Any = None

    def enqueue(
        self,
        function: str,
        body: bytes,
        name: str,
        at: datetime | None = None,
        deadline_seconds: int = 600,
        priority: Priority | None = None,
        trace: str | None = None,
    ) -> None:
        """Have `function` called with the JSON `body`, at `at` (aware) or at once, in the queue's order.

        `name` (letters, digits, `-`, `_`) makes it once-only for a while: a name that is or was there is
        success. `deadline_seconds` (15 to 1800) is how long the function may take. `priority` chooses among
        the queues of a function that has several; `trace` is the `traceparent` that the call carries. Raises
        `QueueUnavailable`.
        """
        from google.api_core.exceptions import AlreadyExists, GoogleAPICallError, RetryError
        from google.auth.exceptions import GoogleAuthError

        queue = f"{self._location()}/queues/{queue_name(function, priority)}"
        task = self._task(f"{queue}/tasks/{name}", function, body, deadline_seconds)
        if trace is not None:
            task["http_request"]["headers"]["traceparent"] = trace
        if at is not None:
            task["schedule_time"] = at
        try:
            self._client().create_task(
                request={"parent": queue, "task": task}, timeout=_TIMEOUT, retry=passing_failures()
            )
        except AlreadyExists:
            return
        except (GoogleAPICallError, RetryError, GoogleAuthError) as error:
            raise QueueUnavailable from error

    def _task(self, name: str, function: str, body: bytes, deadline_seconds: int) -> dict[str, Any]:
        url = function_url(self._callers.function_url, function)
        return {
            "name": name,
            "http_request": {
                "url": url,
                "http_method": "POST",
                "headers": {"Content-Type": "application/json"},
                "body": body,
                "oidc_token": {"service_account_email": self._callers.tasks_invoker, "audience": url},
            },
            "dispatch_deadline": timedelta(seconds=deadline_seconds),
        }

    def _location(self) -> str:
        return f"projects/{self._project.google_cloud_project}/locations/{self._project.location}"

    def _client(self) -> Any:
        with self._lock:
            if self._built is None:
                from google.cloud.tasks_v2 import CloudTasksClient
                from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport

                transport = grpc_transport(
                    CloudTasksGrpcTransport, self._channels.tasks_endpoint, self._channels.insecure_channels
                )
                self._built = CloudTasksClient(transport=transport)
            return self._built
