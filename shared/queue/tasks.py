"""Tasks in Cloud Tasks: the only file that knows its client."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from shared.core.config import CallerSettings, ChannelSettings, ProjectSettings
from shared.core.names import function_url, queue_name
from shared.core.priority import Priority
from shared.providers.channel import grpc_transport
from shared.queue.errors import NoSuchQueue, QueueUnavailable
from shared.queue.retries import passing_failures

_TIMEOUT: Final = 10.0


class _Tasks:
    """The client. Make one for the process; nothing is connected before the first use."""

    def __init__(self, project: ProjectSettings, channels: ChannelSettings) -> None:
        self._project, self._channels = project, channels
        self._lock = threading.Lock()
        self._built: Any = None

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


class TaskQueue(_Tasks):
    """Puts named HTTP tasks into the queue of the function that does them."""

    def __init__(self, project: ProjectSettings, channels: ChannelSettings, callers: CallerSettings) -> None:
        """`callers` says in whose name functions are called."""
        super().__init__(project, channels)
        self._callers = callers

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


@dataclass(frozen=True)
class QueueState:
    """A queue: its short name, `running`, `paused` or `disabled`, and how fast it dispatches at most."""

    name: str
    state: str
    rate: float
    concurrent: int


class Queues(_Tasks):
    """Stops queues and lets them go on. Every method raises `QueueUnavailable`."""

    def all(self) -> list[QueueState]:
        """Every queue of the location, by name."""
        with _refusals():
            pages = self._client().list_queues(
                request={"parent": self._location()}, timeout=_TIMEOUT, retry=passing_failures()
            )
            return sorted((_state(queue) for queue in pages), key=lambda queue: queue.name)

    def get(self, queue: str) -> QueueState:
        """One queue; raises `NoSuchQueue`."""
        return self._ask("get_queue", queue)

    def pause(self, queue: str) -> QueueState:
        """Dispatch no more tasks; raises `NoSuchQueue`."""
        return self._ask("pause_queue", queue)

    def resume(self, queue: str) -> QueueState:
        """Dispatch tasks again; raises `NoSuchQueue`."""
        return self._ask("resume_queue", queue)

    def _ask(self, what: str, queue: str) -> QueueState:
        request = {"name": f"{self._location()}/queues/{queue}"}
        with _refusals():
            call = getattr(self._client(), what)
            return _state(call(request=request, timeout=_TIMEOUT, retry=passing_failures()))


@contextmanager
def _refusals() -> Iterator[None]:
    from google.api_core.exceptions import GoogleAPICallError, NotFound, RetryError
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except NotFound as error:
        raise NoSuchQueue from error
    except (GoogleAPICallError, RetryError, GoogleAuthError) as error:
        raise QueueUnavailable from error


def _state(queue: Any) -> QueueState:
    limits = queue.rate_limits
    name = queue.name.rpartition("/")[2]
    rate, concurrent = limits.max_dispatches_per_second, limits.max_concurrent_dispatches
    return QueueState(name, queue.state.name.lower(), rate, concurrent)
