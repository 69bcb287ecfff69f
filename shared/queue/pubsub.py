"""Events in Pub/Sub: the only file that knows its client."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Final

from shared.core.config import ProjectSettings
from shared.queue.errors import QueueUnavailable

_TIMEOUT: Final = 10.0
_RETRY_SECONDS: Final = 20.0


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
        from google.cloud.pubsub_v1.publisher.exceptions import PublishError

        client = self._client()
        path = client.topic_path(self._project.google_cloud_project, topic)
        try:
            future = client.publish(
                path, data, ordering_key=ordering_key or "", timeout=_TIMEOUT, **(attributes or {})
            )
            return str(future.result(_RETRY_SECONDS + _TIMEOUT))
        except (GoogleAPICallError, RetryError, GoogleAuthError, PublishError, TimeoutError) as error:
            if ordering_key:
                # The client refuses a key for ever after one failure; our outbox keeps the order itself.
                client.resume_publish(path, ordering_key)
            raise QueueUnavailable from error

    def _client(self) -> Any:
        with self._lock:
            if self._built is None:
                from google.api_core.retry import Retry
                from google.cloud.pubsub_v1 import PublisherClient
                from google.cloud.pubsub_v1.types import BatchSettings, PublisherOptions

                self._built = PublisherClient(
                    batch_settings=BatchSettings(max_messages=1),
                    publisher_options=PublisherOptions(
                        enable_message_ordering=True, retry=Retry(timeout=_RETRY_SECONDS)
                    ),
                )
            return self._built
