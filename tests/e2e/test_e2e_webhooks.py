"""From a picture to a signed message at the customer's own server."""

from __future__ import annotations

import pytest
from standardwebhooks import Webhook

from local.receiver import Receiver
from local.testing import until

pytestmark = pytest.mark.cloud

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
