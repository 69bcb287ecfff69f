"""Events in Pub/Sub: the only file that knows its client."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Final

from shared.core.config import ProjectSettings
from shared.queue.errors import QueueUnavailable
from shared.queue.retries import passing_failures

_TIMEOUT: Final = 10.0


class EventTopic:
    """Publishes one message at a time and waits until Pub/Sub has it. Make one for the process."""

    def __init__(self, project: ProjectSettings) -> None:
        """Nothing is connected before the first use. The client itself honours `PUBSUB_EMULATOR_HOST`."""
        self._project = project
        self._lock = threading.Lock()
        self._built: Any = None

    def publish(
        self,
        topic: str,
        data: bytes,
        attributes: Mapping[str, str] | None = None,
        ordering_key: str | None = None,
    ) -> str:
        """Publish to the topic with this short name; gives the message's id.

        Messages with one `ordering_key` arrive in the order of publishing where the subscription asks for it.
        Raises `QueueUnavailable`; the message may have been taken all the same.
        """
        from google.api_core.exceptions import GoogleAPICallError, RetryError
        from google.auth.exceptions import GoogleAuthError

        client = self._client()
        path = client.topic_path(self._project.google_cloud_project, topic)
        key = ordering_key or ""

        def once() -> str:
            # With ordering the client's own retry would go on for ever, so it gets none and we retry.
            future = client.publish(
                path, data, ordering_key=key, retry=None, timeout=_TIMEOUT, **(attributes or {})
            )
            try:
                return str(future.result(_TIMEOUT))
            except Exception:
                if key:
                    # After a failure the client refuses the key until told that the order is looked after.
                    client.resume_publish(path, key)
                raise

        try:
            return str(passing_failures()(once)())
        except (GoogleAPICallError, RetryError, GoogleAuthError, TimeoutError) as error:
            raise QueueUnavailable from error

    def _client(self) -> Any:
        with self._lock:
            if self._built is None:
                from google.cloud.pubsub_v1 import PublisherClient
                from google.cloud.pubsub_v1.types import BatchSettings, PublisherOptions

                self._built = PublisherClient(
                    batch_settings=BatchSettings(max_messages=1),
                    publisher_options=PublisherOptions(enable_message_ordering=True),
                )
            return self._built
