"""The queue room through the official clients and the local cloud's Tasks and Pub/Sub."""

import json
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
import pytest
from google.api_core.exceptions import AlreadyExists
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient
from google.cloud.tasks_v2 import CloudTasksClient
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport

from local.identity import load_key, verify_id_token
from shared.core.config import CallerSettings, ChannelSettings, Misconfigured, ProjectSettings
from shared.queue.errors import NoSuchQueue, QueueUnavailable
from shared.queue.pubsub import EventTopic
from shared.queue.tasks import Queues, TaskQueue

ROOT = Path(__file__).parents[2]
PROJECT = ProjectSettings(google_cloud_project="imangor-local")
INVOKER = "tasks@imangor-local.iam.gserviceaccount.com"


class Function:
    """An HTTP server in the place of all functions; it notes what it is sent."""

    def __init__(self):
        self.calls = []
        function = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                function.calls.append((self.path, dict(self.headers), json.loads(body), time.time()))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/_functions/{{function}}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, count):
        end = time.time() + 8
        while len(self.calls) < count and time.time() < end:
            time.sleep(0.01)
        return self.calls


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("messaging")


@pytest.fixture(scope="module")
def address(folder):
    command = [sys.executable, "-m", "local.messaging", "--port", "0", "--state", str(folder / "state")]
    command += ["--identity", str(folder / "keys")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    address = process.stdout.readline().split()[-1]
    threading.Thread(target=process.stdout.read, daemon=True).start()
    patch = pytest.MonkeyPatch()
    patch.setenv("PUBSUB_EMULATOR_HOST", address)
    channel = grpc.insecure_channel(address)
    client = CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))
    parent = "projects/imangor-local/locations/us-central1"
    client.create_queue(parent=parent, queue={"name": f"{parent}/queues/process-image"})
    yield address
    channel.close()
    patch.undo()
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture
def function():
    function = Function()
    yield function
    function.server.shutdown()
    function.server.server_close()


def queue_at(address, url):
    callers = CallerSettings(
        function_url=url, tasks_invoker=INVOKER, events_invoker="events@x", schedules_invoker="schedules@x"
    )
    return TaskQueue(PROJECT, ChannelSettings(insecure_channels=True, tasks_endpoint=address), callers)


def queues_at(address):
    return Queues(PROJECT, ChannelSettings(insecure_channels=True, tasks_endpoint=address))


@pytest.fixture
def queue(address, function):
    return queue_at(address, function.url)


# tasks


def test_a_task_calls_its_function_as_the_invoker(queue, function, folder):
    queue.enqueue("process_image", b'{"job": "job_1"}', "first-1")
    ((path, headers, body, _),) = function.wait(1)
    assert path == "/_functions/process-image"
    assert body == {"job": "job_1"}
    assert headers["Content-Type"] == "application/json"
    assert headers["X-CloudTasks-TaskName"] == "first-1"
    token = headers["Authorization"].removeprefix("Bearer ")
    url = function.url.replace("{function}", "process-image")
    assert verify_id_token(load_key(folder / "keys"), token, url)["email"] == INVOKER


def test_a_name_is_taken_once_and_the_second_time_is_success(queue, function):
    for _ in range(3):
        queue.enqueue("process_image", b"{}", "once-1")
    queue.enqueue("process_image", b"{}", "after-1")
    names = [headers["X-CloudTasks-TaskName"] for _, headers, _, _ in function.wait(2)]
    assert sorted(names) == ["after-1", "once-1"]


def test_a_task_waits_for_its_time(queue, function):
    at = datetime.now(UTC) + timedelta(seconds=1)
    queue.enqueue("process_image", b"{}", "later-1", at=at)
    ((_, _, _, came),) = function.wait(1)
    assert came >= at.timestamp() - 0.05


def test_a_paused_queue_takes_tasks_and_keeps_them_until_it_goes_on(address, queue, function):
    queues = queues_at(address)
    assert [(each.name, each.state) for each in queues.all()] == [("process-image", "running")]
    assert queues.pause("process-image").state == "paused"
    assert queues.pause("process-image").state == "paused"
    queue.enqueue("process_image", b"{}", "paused-1")
    time.sleep(0.5)
    assert function.calls == []
    assert queues.get("process-image").state == "paused"
    assert queues.resume("process-image").state == "running"
    ((_, headers, _, _),) = function.wait(1)
    assert headers["X-CloudTasks-TaskName"] == "paused-1"
    for what in (queues.get, queues.pause, queues.resume):
        with pytest.raises(NoSuchQueue):
            what("nowhere")


def test_queues_that_are_away_are_a_transient_failure(monkeypatch):
    monkeypatch.setattr("shared.queue.retries.RETRY_SECONDS", 0.3)
    with pytest.raises(QueueUnavailable):
        queues_at("127.0.0.1:1").all()


def test_a_queue_that_is_away_is_a_transient_failure(monkeypatch):
    monkeypatch.setattr("shared.queue.retries.RETRY_SECONDS", 0.3)
    with pytest.raises(QueueUnavailable):
        queue_at("127.0.0.1:1", "http://127.0.0.1:1/{function}").enqueue("process_image", b"{}", "x")


def test_plain_text_needs_an_address():
    with pytest.raises(Misconfigured):
        queue_at(None, "http://127.0.0.1:1/{function}").enqueue("process_image", b"{}", "x")


# events


@pytest.fixture
def subscription(address):
    publisher, subscriber = PublisherClient(), SubscriberClient()
    topic = publisher.topic_path("imangor-local", "on-job-event")
    path = subscriber.subscription_path("imangor-local", "reader")
    try:
        publisher.create_topic(name=topic)
        subscriber.create_subscription(request={"name": path, "topic": topic})
    except AlreadyExists:
        pass

    def pull():
        found = []
        for _ in range(20):
            answer = subscriber.pull(subscription=path, max_messages=10, timeout=5)
            for message in answer.received_messages:
                subscriber.acknowledge(subscription=path, ack_ids=[message.ack_id])
                found.append(message.message)
            if found:
                return found
        return found

    yield pull
    subscriber.close()
    publisher.stop()


def test_an_event_is_with_pubsub_when_publish_returns(address, subscription):
    number = EventTopic(PROJECT).publish("on-job-event", b'{"a": 1}', {"kind": "job.done"})
    (message,) = subscription()
    assert (message.message_id, message.data) == (number, b'{"a": 1}')
    assert dict(message.attributes) == {"kind": "job.done"}


def test_after_a_failure_the_topic_takes_messages_again(address, subscription):
    topic = EventTopic(PROJECT)
    with pytest.raises(QueueUnavailable) as failure:
        topic.publish("not-there-yet", b"x", {})
    assert "404" in str(failure.value.__cause__)
    publisher = PublisherClient()
    publisher.create_topic(name=publisher.topic_path("imangor-local", "not-there-yet"))
    assert topic.publish("not-there-yet", b"x", {})


def test_a_pubsub_that_is_away_is_a_transient_failure(monkeypatch):
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")
    monkeypatch.setattr("shared.queue.retries.RETRY_SECONDS", 0.3)
    start = time.monotonic()
    with pytest.raises(QueueUnavailable):
        EventTopic(PROJECT).publish("on-job-event", b"x", {})
    assert time.monotonic() - start < 5
