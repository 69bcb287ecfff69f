"""From a picture to a signed message at the customer's own server."""

from __future__ import annotations

import contextlib

import pytest
from google.api_core.exceptions import NotFound
from google.cloud.tasks_v2 import CloudTasksClient
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport
from grpc import insecure_channel
from standardwebhooks import Webhook

from local.receiver import Receiver
from local.testing import until

pytestmark = pytest.mark.cloud

QUEUE = "projects/imangor-local/locations/us-central1/queues/deliver-webhook"
ENDPOINTS = "/v1/webhooks/endpoints"


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


def add(caller, receiver, **body):
    reply = caller.call("POST", ENDPOINTS, json={"url": receiver.url, **body})
    assert reply.status_code == 201, reply.text
    return reply.json()


def ended(caller, event):
    """The one delivery of an event, once it has ended."""

    def look():
        (found,) = caller.call("GET", f"/v1/webhooks/deliveries?event={event}").json()["deliveries"]
        return found if found["state"] != "pending" else None

    return until(look, 30)


def test_a_finished_job_is_told_and_signed(new_caller, draw, receiver):
    caller = new_caller()
    endpoint = add(caller, receiver)
    job = caller.send(draw()).json()["id"]
    assert caller.ended(job)["state"] == "completed"
    until(lambda: receiver.requests, 30)
    (request,) = receiver.requests
    message = Webhook(endpoint["secret"]).verify(request.body, request.headers)
    assert message["type"] == "job.completed"
    assert message["data"]["job"] == job
    assert message["data"]["targets"] == [{"language": "es", "state": "done", "error": None}]
    delivery = ended(caller, request.headers["webhook-id"])
    assert delivery["state"] == "delivered"
    assert [attempt["status"] for attempt in delivery["attempts"]] == [200]


def test_rotation_replay_and_410(new_caller, receiver):
    caller = new_caller()
    old = add(caller, receiver)
    path = f"{ENDPOINTS}/{old['id']}"
    new = caller.call("POST", f"{path}/rotate").json()
    delivery = caller.call("POST", f"{path}/test").json()
    assert ended(caller, delivery["event"])["state"] == "delivered"
    for secret in (old["secret"], new["secret"]):
        Webhook(secret).verify(receiver.requests[0].body, receiver.requests[0].headers)
    receiver.answer(410)
    replayed = caller.call("POST", f"/v1/webhooks/deliveries/{delivery['id']}/replay")
    assert replayed.status_code == 200, replayed.text
    assert ended(caller, delivery["event"])["state"] == "dead"
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    shown = caller.call("GET", path).json()
    assert (shown["enabled"], shown["reason"]) == (False, "gone")
    assert "secret" not in shown


def test_a_failure_is_tried_again_by_a_task_with_a_time(new_caller, receiver):
    caller = new_caller()
    endpoint = add(caller, receiver)
    receiver.answer(500, 302, 200)
    delivery = caller.call("POST", f"{ENDPOINTS}/{endpoint['id']}/test").json()
    for done in (1, 2):
        until(lambda n=done: len(attempts(caller, delivery)) == n, 30)
        until(lambda: run_waiting(caller.cloud), 30)
    found = ended(caller, delivery["event"])
    assert [a["error"] for a in found["attempts"]] == ["http-error", "redirect", None]
    assert len(receiver.requests) == 3


def attempts(caller, delivery):
    return caller.call("GET", f"/v1/webhooks/deliveries/{delivery['id']}").json()["attempts"]


def run_waiting(cloud):
    """Move the queue's clock: run the tasks that wait for their time."""
    channel = insecure_channel(cloud.connection["tasks"])
    client = CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))
    waiting = [task for task in client.list_tasks(parent=QUEUE) if task.dispatch_count == 0]
    for task in waiting:
        with contextlib.suppress(NotFound):
            client.run_task(name=task.name)
    return waiting


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/",
        "https://metadata.google.internal/",
        "http://10.0.0.1/",
        "https://[::ffff:7f00:1]/",
    ],
)
def test_addresses_inside_are_refused(caller, url):
    reply = caller.call("POST", ENDPOINTS, json={"url": url})
    assert reply.status_code == 422
    assert reply.json()["type"].endswith("/destination-refused")
