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

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> str:
        """Publish to the topic with this short name; gives the message's id.

        Raises `QueueUnavailable`; the message may have been taken all the same.
        """
        from google.api_core.exceptions import GoogleAPICallError, RetryError
        from google.auth.exceptions import GoogleAuthError
        from google.pubsub_v1 import PublisherClient

        client = self._client()
        request = {
            "topic": client.topic_path(self._project.google_cloud_project, topic),
            "messages": [{"data": data, "attributes": dict(attributes)}],
        }
        try:
            # The call itself, without the client's batches: after one failure they refuse every other
            # message (github.com/googleapis/python-pubsub/issues/48).
            answer = PublisherClient.publish(
                client, request=request, retry=passing_failures(), timeout=_TIMEOUT
            )
        except (GoogleAPICallError, RetryError, GoogleAuthError) as error:
            raise QueueUnavailable from error
        return str(answer.message_ids[0])

    def _client(self) -> Any:
        with self._lock:
            if self._built is None:
                from google.cloud.pubsub_v1 import PublisherClient

                self._built = PublisherClient()
            return self._built
