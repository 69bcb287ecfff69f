"""The gRPC calls of Cloud Tasks v2."""

from __future__ import annotations

import re
import time
from typing import Any

import grpc
from google.cloud.tasks_v2.types import cloudtasks, queue
from google.protobuf.empty_pb2 import Empty

from local.messaging.rpc import Method, Refusal, unsupported
from local.messaging.tasks.dispatch import Dispatcher
from local.messaging.tasks.rules import (
    PAUSED,
    RUNNING,
    check_parent,
    complete_queue,
    complete_retry,
    complete_task,
    view,
)
from local.messaging.tasks.schedule import Schedule
from local.messaging.wire import merge, page, stamp

_SERVICE = "/google.cloud.tasks.v2.CloudTasks/"
_QUEUE_PAGE, _TASK_PAGE = 9800, 1000
_MUTABLE_QUEUE = ("rate_limits", "retry_config", "stackdriver_logging_config")
_Queue = queue.Queue.pb()


class Calls:
    """Handlers over one schedule and dispatcher."""

    def __init__(self, schedule: Schedule, dispatcher: Dispatcher) -> None:
        self._schedule = schedule
        self._dispatcher = dispatcher

    def methods(self) -> dict[str, Method]:
        """Full gRPC paths and their handlers."""
        return {
            _SERVICE + "CreateQueue": Method(self._create_queue, cloudtasks.CreateQueueRequest),
            _SERVICE + "GetQueue": Method(self._get_queue, cloudtasks.GetQueueRequest),
            _SERVICE + "ListQueues": Method(self._list_queues, cloudtasks.ListQueuesRequest),
            _SERVICE + "UpdateQueue": Method(self._update_queue, cloudtasks.UpdateQueueRequest),
            _SERVICE + "DeleteQueue": Method(self._delete_queue, cloudtasks.DeleteQueueRequest),
            _SERVICE + "PurgeQueue": Method(self._purge_queue, cloudtasks.PurgeQueueRequest),
            _SERVICE + "PauseQueue": Method(self._pause_queue, cloudtasks.PauseQueueRequest),
            _SERVICE + "ResumeQueue": Method(self._resume_queue, cloudtasks.ResumeQueueRequest),
            _SERVICE + "CreateTask": Method(self._create_task, cloudtasks.CreateTaskRequest),
            _SERVICE + "GetTask": Method(self._get_task, cloudtasks.GetTaskRequest),
            _SERVICE + "ListTasks": Method(self._list_tasks, cloudtasks.ListTasksRequest),
            _SERVICE + "DeleteTask": Method(self._delete_task, cloudtasks.DeleteTaskRequest),
            _SERVICE + "RunTask": Method(self._run_task, cloudtasks.RunTaskRequest),
        }

    async def _create_queue(self, request: Any, _context: Any) -> Any:
        check_parent(request.parent)
        new = request.queue
        complete_queue(new)
        if not new.name.startswith(f"{request.parent}/queues/"):
            raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, "The queue's name must begin with the parent.")
        if new.name in self._schedule.queues:
            raise Refusal(grpc.StatusCode.ALREADY_EXISTS, "Queue already exists")
        new.state = RUNNING
        return self._keep(new)

    async def _get_queue(self, request: Any, _context: Any) -> Any:
        return self._schedule.queue(request.name)

    async def _list_queues(self, request: Any, _context: Any) -> Any:
        check_parent(request.parent)
        if request.filter:
            raise unsupported("ListQueuesRequest.filter")
        names = [name for name in self._schedule.queues if name.startswith(f"{request.parent}/queues/")]
        chosen, token = page(names, request.page_size, request.page_token, _QUEUE_PAGE)
        queues = [self._schedule.queues[name] for name in chosen]
        return cloudtasks.ListQueuesResponse.pb()(queues=queues, next_page_token=token)

    async def _update_queue(self, request: Any, _context: Any) -> Any:
        """Google creates a queue that is missing, and updates every field where there is no mask."""
        changed = _Queue(name=request.queue.name, state=RUNNING)
        changed.CopyFrom(self._schedule.queues.get(request.queue.name, changed))
        if not request.update_mask.paths:
            request.update_mask.paths.extend(_MUTABLE_QUEUE)
        merge(request.update_mask, request.queue, changed, _MUTABLE_QUEUE)
        complete_queue(changed)
        return self._keep(changed)

    async def _delete_queue(self, request: Any, _context: Any) -> Any:
        self._schedule.queue(request.name)
        self._dispatcher.stop(request.name)
        self._schedule.drop_queue(request.name)
        return Empty()

    async def _purge_queue(self, request: Any, _context: Any) -> Any:
        purged = self._changed(request.name)
        purged.purge_time.CopyFrom(stamp(time.time()))
        self._schedule.purge(request.name)
        return self._keep(purged)

    async def _pause_queue(self, request: Any, _context: Any) -> Any:
        paused = self._changed(request.name)
        paused.state = PAUSED
        return self._keep(paused)

    async def _resume_queue(self, request: Any, _context: Any) -> Any:
        resumed = self._changed(request.name)
        resumed.state = RUNNING
        return self._keep(resumed)

    async def _create_task(self, request: Any, _context: Any) -> Any:
        self._schedule.queue(request.parent)
        new, now = request.task, time.time()
        complete_task(new, request.parent, now)
        if new.HasField("retry_config"):
            complete_retry(new.retry_config)
        self._schedule.add(new, request.parent, now)
        self._dispatcher.serve(request.parent)
        return view(new, request.response_view)

    async def _get_task(self, request: Any, _context: Any) -> Any:
        return view(self._task(request.name), request.response_view)

    async def _list_tasks(self, request: Any, _context: Any) -> Any:
        self._schedule.queue(request.parent)
        names = self._schedule.names(request.parent)
        chosen, token = page(names, request.page_size, request.page_token, _TASK_PAGE)
        tasks = [view(self._task(name), request.response_view) for name in chosen]
        return cloudtasks.ListTasksResponse.pb()(tasks=tasks, next_page_token=token)

    async def _delete_task(self, request: Any, _context: Any) -> Any:
        self._task(request.name)
        self._schedule.end(request.name)
        return Empty()

    async def _run_task(self, request: Any, _context: Any) -> Any:
        """The answer shows the task as it was before this dispatch, as Google's does."""
        task = self._task(request.name)
        self._dispatcher.run_now(task, re.sub(r"/tasks/[^/]*$", "", request.name))
        return view(task, request.response_view)

    def _task(self, name: str) -> Any:
        self._schedule.queue(name.rpartition("/tasks/")[0])
        task = self._schedule.find(name)
        if task is None:
            raise Refusal(grpc.StatusCode.NOT_FOUND, "The task no longer exists, or has never existed.")
        return task

    def _changed(self, name: str) -> Any:
        changed = _Queue()
        changed.CopyFrom(self._schedule.queue(name))
        return changed

    def _keep(self, changed: Any) -> Any:
        self._schedule.keep_queue(changed)
        self._dispatcher.serve(changed.name)
        return changed
