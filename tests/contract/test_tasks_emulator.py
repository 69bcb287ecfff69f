"""The Cloud Tasks emulator as its official client and a worker see it."""

from __future__ import annotations

import datetime
import itertools
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import tasks_v2
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport

from local.identity import verify_id_token

ROOT = Path(__file__).parents[2]
PARENT = "projects/imangor-local/locations/us-central1"
CALLER = "tasks@imangor-local.iam.gserviceaccount.com"


class Emulator:
    """A real process on one port, which can be killed and started again."""

    def __init__(self, folder):
        self.folder, self.port = folder, 0
        self.start()

    def start(self):
        command = [sys.executable, "-m", "local.messaging", "--port", str(self.port)]
        command += ["--state", str(self.folder / "state"), "--identity", str(self.folder / "keys")]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def client(self):
        channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")
        return tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))


class Worker:
    """An HTTP server that notes each request and answers what `answer(number)` says: status and headers."""

    def __init__(self):
        self.requests, self.answer, self.busy, self.most_busy = [], lambda _number: (200, {}), 0, 0
        self._lock = threading.Lock()
        worker = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with worker._lock:
                    worker.requests.append((time.time(), dict(self.headers), body, self.command))
                    number = len(worker.requests)
                    worker.busy += 1
                    worker.most_busy = max(worker.most_busy, worker.busy)
                try:
                    status, headers = worker.answer(number)
                finally:
                    with worker._lock:
                        worker.busy -= 1
                self.send_response(status)
                for name, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def do_PUT(self):
                self.do_POST()

            def log_message(self, *_args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/_functions/process_image"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, count, seconds=8.0):
        end = time.time() + seconds
        while len(self.requests) < count and time.time() < end:
            time.sleep(0.01)
        assert len(self.requests) >= count, f"{len(self.requests)} of {count} requests came"
        return self.requests

    def gaps(self):
        return [later[0] - earlier[0] for earlier, later in itertools.pairwise(self.requests)]

    def told(self, header):
        return [headers.get(f"X-CloudTasks-{header}") for _, headers, _, _ in self.requests]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    emulator = Emulator(tmp_path_factory.mktemp("tasks"))
    yield emulator
    emulator.kill()


@pytest.fixture(scope="module")
def client(emulator):
    client = emulator.client()
    yield client
    client.transport.close()


@pytest.fixture
def worker():
    worker = Worker()
    yield worker
    worker.server.shutdown()
    worker.server.server_close()


@pytest.fixture
def queue(client, request):
    return make_queue(client, request.node.name)


def make_queue(client, name, **fields):
    path = f"{PARENT}/queues/{name.replace('_', '-')[:90]}"
    return client.create_queue(parent=PARENT, queue={"name": path, **fields}).name


def seconds(number):
    return datetime.timedelta(seconds=number)


def later(number):
    return datetime.datetime.now(datetime.UTC) + seconds(number)


def create(client, queue, worker, name=None, *, http=None, **fields):
    task = {"http_request": {"url": worker.url, **(http or {})}, **fields}
    if name:
        task["name"] = f"{queue}/tasks/{name}"
    return client.create_task(parent=queue, task=task)


def gone(client, task, patience=3.0):
    end = time.time() + patience
    while time.time() < end:
        try:
            client.get_task(name=task.name)
        except exceptions.NotFound:
            return True
        time.sleep(0.02)
    return False


def test_queue_has_googles_defaults_and_errors(client, queue):
    made = client.get_queue(name=queue)
    limits, retry = made.rate_limits, made.retry_config
    assert (limits.max_dispatches_per_second, limits.max_concurrent_dispatches) == (500, 1000)
    assert (retry.max_attempts, retry.max_doublings) == (100, 16)
    assert (retry.min_backoff.total_seconds(), retry.max_backoff.total_seconds()) == (0.1, 3600)
    with pytest.raises(exceptions.AlreadyExists):
        client.create_queue(parent=PARENT, queue={"name": queue})
    with pytest.raises(exceptions.NotFound):
        client.get_queue(name=queue + "-missing")
    with pytest.raises(exceptions.NotFound):
        client.create_task(parent=queue + "-missing", task={"http_request": {"url": "http://127.0.0.1:9/"}})
    changed = client.update_queue(
        queue={"name": queue, "retry_config": {"max_attempts": 7}},
        update_mask={"paths": ["retry_config.max_attempts"]},
    )
    assert (changed.retry_config.max_attempts, changed.retry_config.max_doublings) == (7, 16)
    assert queue in [found.name for found in client.list_queues(parent=PARENT)]
    client.delete_queue(name=queue)
    with pytest.raises(exceptions.FailedPrecondition):
        client.create_queue(parent=PARENT, queue={"name": queue})


def test_unfit_tasks_and_unknown_operations_are_refused(client, queue, worker):
    with pytest.raises(exceptions.InvalidArgument, match="too large"):
        create(client, queue, worker, http={"body": b"x" * 1_100_000})
    with pytest.raises(exceptions.InvalidArgument, match="30 days"):
        create(client, queue, worker, schedule_time=later(31 * 86400))
    with pytest.raises(exceptions.InvalidArgument, match="dispatch_deadline"):
        create(client, queue, worker, dispatch_deadline=seconds(1801))
    with pytest.raises(exceptions.InvalidArgument, match="body"):
        create(client, queue, worker, http={"body": b"x", "http_method": "GET"})
    with pytest.raises(exceptions.MethodNotImplemented, match="app_engine_http_request"):
        client.create_task(parent=queue, task={"app_engine_http_request": {"relative_uri": "/"}})
    with pytest.raises(exceptions.MethodNotImplemented, match="CloudTasks/GetIamPolicy"):
        client.get_iam_policy(request={"resource": queue})


def test_dispatch_carries_method_body_headers_and_a_token_that_verifies(emulator, client, queue, worker):
    http = {
        "http_method": "PUT",
        "body": b'{"job":"job_1"}',
        "headers": {
            "Content-Type": "application/json",
            "X-Mine": "1",
            "User-Agent": "me",
            "X-CloudTasks-Fake": "1",
        },
        "oidc_token": {"service_account_email": CALLER},
    }
    task = create(client, queue, worker, "first", http=http)
    assert task.http_request.body == b"", "the basic view has no body"
    _, headers, body, method = worker.wait(1)[0]
    assert (method, body, headers["Content-Type"], headers["X-Mine"]) == (
        "PUT",
        http["body"],
        "application/json",
        "1",
    )
    assert headers["User-Agent"] == "Google-Cloud-Tasks"
    assert "X-CloudTasks-Fake" not in headers
    assert headers["X-CloudTasks-QueueName"] == queue.rpartition("/")[2]
    assert headers["X-CloudTasks-TaskName"] == "first"
    assert headers["X-CloudTasks-TaskRetryCount"] == headers["X-CloudTasks-TaskExecutionCount"] == "0"
    assert float(headers["X-CloudTasks-TaskETA"]) == pytest.approx(time.time(), abs=3)
    assert "X-CloudTasks-TaskPreviousResponse" not in headers
    token = headers["Authorization"].removeprefix("Bearer ")
    assert verify_id_token(emulator.folder / "keys", token, worker.url)["email"] == CALLER
    assert gone(client, task)


def test_failures_are_retried_with_googles_backoff_and_counted(client, worker):
    retry = {"min_backoff": seconds(0.1), "max_backoff": seconds(0.5), "max_doublings": 1}
    queue = make_queue(client, "backoff", retry_config=retry)
    statuses = [500, 404, 500, 500, 200]
    worker.answer = lambda number: (statuses[number - 1], {})
    task = create(client, queue, worker)
    worker.wait(4)
    shown = client.get_task(name=task.name)
    assert (shown.dispatch_count, shown.last_attempt.response_status.code) in {(4, 0), (4, 13)}
    worker.wait(5)
    assert worker.gaps() == pytest.approx([0.1, 0.2, 0.4, 0.5], abs=0.09)
    assert worker.told("TaskRetryCount") == ["0", "1", "2", "3", "4"]
    assert worker.told("TaskExecutionCount") == ["0", "0", "1", "1", "1"]
    assert worker.told("TaskPreviousResponse") == [None, "500", "404", "500", "500"]
    assert worker.told("TaskRetryReason")[1]
    assert gone(client, task)


def test_attempts_end_when_the_limit_is_reached(client, worker):
    retry = {"min_backoff": seconds(0.02), "max_backoff": seconds(0.02), "max_attempts": 3}
    queue = make_queue(client, "limited", retry_config=retry)
    worker.answer = lambda _number: (500, {})
    task = create(client, queue, worker)
    assert gone(client, task)
    time.sleep(0.2)
    assert len(worker.requests) == 3


def test_a_name_is_taken_while_the_task_exists_and_after_it_ended(client, queue, worker):
    waiting = create(client, queue, worker, "once", schedule_time=later(60))
    with pytest.raises(exceptions.AlreadyExists):
        create(client, queue, worker, "once")
    client.delete_task(name=waiting.name)
    with pytest.raises(exceptions.AlreadyExists, match="too recently"):
        create(client, queue, worker, "once")
    done = create(client, queue, worker, "twice")
    worker.wait(1)
    assert gone(client, done)
    with pytest.raises(exceptions.AlreadyExists, match="too recently"):
        create(client, queue, worker, "twice")


def test_scheduled_task_waits_for_its_time_or_for_run_task(client, queue, worker):
    began = time.time()
    create(client, queue, worker, schedule_time=later(0.5))
    assert worker.wait(1)[0][0] - began == pytest.approx(0.5, abs=0.15)
    far = create(client, queue, worker, schedule_time=later(600))
    assert client.run_task(name=far.name).name == far.name
    worker.wait(2)
    assert gone(client, far)


def test_paused_queue_keeps_tasks_until_resumed_and_purge_drops_them(client, queue, worker):
    client.pause_queue(name=queue)
    tasks = [create(client, queue, worker) for _ in range(3)]
    time.sleep(0.2)
    assert worker.requests == []
    assert {task.name for task in client.list_tasks(parent=queue)} == {task.name for task in tasks}
    assert client.resume_queue(name=queue).state.name == "RUNNING"
    worker.wait(3)
    client.pause_queue(name=queue)
    create(client, queue, worker)
    client.purge_queue(name=queue)
    assert list(client.list_tasks(parent=queue)) == []


def test_concurrency_and_rate_stay_within_the_limits(client, worker):
    limits = {"max_concurrent_dispatches": 2, "max_dispatches_per_second": 5}
    queue = make_queue(client, "rate", rate_limits=limits)
    worker.answer = lambda _number: time.sleep(0.05) or (200, {})
    for _ in range(9):
        create(client, queue, worker)
    worker.wait(9)
    assert worker.most_busy == 2
    assert worker.requests[8][0] - worker.requests[0][0] > 0.55, "five at once, then five a second"


@pytest.mark.parametrize(("headers", "least"), [({}, 0.45), ({"Retry-After": "1"}, 0.95)])
def test_429_slows_the_whole_queue(client, worker, headers, least):
    queue = make_queue(client, f"throttle{len(headers)}", retry_config={"min_backoff": seconds(0.02)})
    worker.answer = lambda number: (429, headers) if number == 1 else (200, {})
    create(client, queue, worker)
    worker.wait(1)
    time.sleep(0.1)
    create(client, queue, worker)
    worker.wait(3)
    assert worker.gaps()[0] > least, "the second task must wait too"
    assert worker.told("TaskRetryCount")[1:] in (["0", "1"], ["1", "0"])


def test_dispatch_cut_by_kill_comes_again_and_names_stay_taken(tmp_path, worker):
    emulator = Emulator(tmp_path)
    try:
        client = emulator.client()
        queue = make_queue(client, "killed")
        release = threading.Event()
        worker.answer = lambda _number: (200, {}) if release.wait(10) else (500, {})
        create(client, queue, worker, "cut")
        create(client, queue, worker, "scheduled", schedule_time=later(0.6))
        worker.wait(1)
        client.transport.close()
        emulator.kill()
        release.set()
        emulator.start()
        worker.wait(3)
        assert sorted(worker.told("TaskName")) == ["cut", "cut", "scheduled"]
        client = emulator.client()
        with pytest.raises(exceptions.AlreadyExists):
            create(client, queue, worker, "cut")
        client.transport.close()
    finally:
        emulator.kill()
