"""The queues and subscriptions of a cloud, by the official clients: their clock, and deliveries by hand."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import grpc
import requests
from google.cloud.tasks_v2 import CloudTasksClient, Task
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport
from google.pubsub_v1.services.subscriber import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from local.gateway.invokers import EVENTS, SCHEDULES, TASKS
from local.identity import PROJECT
from local.services.environment import LOCATION
from local.testing import Cloud
from shared.core.names import service_name

_PARENT = f"projects/{PROJECT}/locations/{LOCATION}"
_SOON, _LATEST = timedelta(seconds=0.1), timedelta(seconds=1)
_LATEST_TASK = timedelta(seconds=5)
_PATIENCE = 90
_WIDTH = 8


class Queues:
    """Looks into Cloud Tasks and delivers as the platform does."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        channel = grpc.insecure_channel(cloud.connection["tasks"])
        self._tasks = CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))
        self._subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))

    def hurry(self) -> None:
        """Let queues and subscriptions try again soon, however often something has failed, and queues
        dispatch several tasks at once.
        """
        for queue in self._queues():
            queue.retry_config.min_backoff, queue.retry_config.max_backoff = _SOON, _LATEST_TASK
            queue.rate_limits.max_concurrent_dispatches = _WIDTH
            changed = ("min_backoff", "max_backoff")
            mask = {"paths": [*(f"retry_config.{name}" for name in changed), "rate_limits"]}
            self._tasks.update_queue(request={"queue": queue, "update_mask": mask})
        for subscription in self._subscriber.list_subscriptions(project=f"projects/{PROJECT}"):
            subscription.retry_policy.minimum_backoff = _SOON
            subscription.retry_policy.maximum_backoff = _LATEST
            change = {"subscription": subscription, "update_mask": {"paths": ["retry_policy"]}}
            self._subscriber.update_subscription(request=change)

    def waiting(self) -> list[Task]:
        """Every unfinished task, with its body."""
        view = Task.View.FULL
        return [
            task
            for queue in self._queues()
            for task in self._tasks.list_tasks(request={"parent": queue.name, "response_view": view})
        ]

    def run_now(self, task: Task) -> None:
        """Dispatch a task whatever its time; nothing where it runs already or has ended."""
        try:
            self._tasks.run_task(name=task.name)
        except Exception as error:
            if getattr(error, "code", None) != 404:
                raise

    def pause(self) -> None:
        """Keep every queue from dispatching."""
        for queue in self._queues():
            self._tasks.pause_queue(name=queue.name)

    def resume(self) -> None:
        """Let every queue dispatch."""
        for queue in self._queues():
            self._tasks.resume_queue(name=queue.name)

    def deliver_task(self, function: str, body: dict[str, Any], attempt: int = 0) -> int:
        """Call a task function as Cloud Tasks does; the status, 0 without an answer."""
        service = service_name(function)
        queue = next(name for q in self._queues() if (name := q.name.rsplit("/", 1)[-1]).startswith(service))
        headers = {
            "X-CloudTasks-QueueName": queue,
            "X-CloudTasks-TaskRetryCount": str(attempt),
            "X-CloudTasks-TaskName": "again",
        }
        return self._call(service, TASKS, body, headers)

    def deliver_upload(self, name: str, generation: int, size: int) -> int:
        """Tell `on_upload` of an object as the bucket's notification does; the status."""
        attributes = {
            "eventType": "OBJECT_FINALIZE",
            "bucketId": self._cloud.connection["buckets"]["uploads"],
            "objectId": name,
            "objectGeneration": str(generation),
            "payloadFormat": "JSON_API_V1",
        }
        data = base64.b64encode(json.dumps({"size": str(size)}).encode()).decode()
        message = {"attributes": attributes, "data": data, "messageId": "1"}
        body = {"message": message, "subscription": "projects/p/subscriptions/on-upload"}
        return self._call("on-upload", EVENTS, body, {})

    def sweep(self) -> int:
        """Call `sweep` as Cloud Scheduler does; the status."""
        return self._call("sweep", SCHEDULES, {}, {"X-CloudScheduler": "true"})

    def _queues(self) -> list[Any]:
        return list(self._tasks.list_queues(parent=_PARENT))

    def _call(self, service: str, invoker: str, body: Any, headers: dict[str, str]) -> int:
        token = self._cloud.token(service, invoker)
        headers = {"Authorization": f"Bearer {token}", **headers}
        url = self._cloud.function_url(service)
        try:
            return requests.post(url, json=body, headers=headers, timeout=_PATIENCE).status_code
        except requests.RequestException:
            return 0
