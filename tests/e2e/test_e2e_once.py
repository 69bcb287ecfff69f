"""Nothing is bought twice, charged twice or made twice, whatever the platform delivers."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from google.cloud.tasks_v2 import CloudTasksClient
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport
from grpc import insecure_channel

from local.gateway.invokers import EVENTS
from local.testing import running, until

pytestmark = pytest.mark.cloud

QUEUE = "projects/imangor-local/locations/us-central1/queues/process-image-interactive"


def _calls(cloud):
    vision, translation = cloud.counters("vision"), cloud.counters("translation")
    return (
        vision.get("calls", {}).get("BatchAnnotateImages", 0),
        translation.get("calls", {}).get("TranslateText", 0),
    )


def _notification(caller, name, generation, size):
    attributes = {
        "eventType": "OBJECT_FINALIZE",
        "bucketId": caller.cloud.connection["buckets"]["uploads"],
        "objectId": name,
        "objectGeneration": str(generation),
        "payloadFormat": "JSON_API_V1",
    }
    data = base64.b64encode(json.dumps({"size": str(size)}).encode()).decode()
    message = {"attributes": attributes, "data": data, "messageId": "1"}
    return {"message": message, "subscription": "projects/p/subscriptions/on-upload"}


def _deliver(caller, body):
    url = caller.cloud.function_url("on-upload")
    token = caller.cloud.token("on-upload", EVENTS)
    headers = {"Authorization": f"Bearer {token}"}
    return requests.post(url, json=body, headers=headers, timeout=30).status_code


def test_one_call_a_picture_and_language_and_none_the_second_time(caller, draw):
    picture = draw("Please close the door")
    caller.ended(caller.send(draw("No smoking")).json()["id"])
    before = _calls(caller.cloud)
    first = caller.ended(caller.send(picture, targets="es,ca").json()["id"])
    assert first["state"] == "completed"
    vision, translate = _calls(caller.cloud)
    assert (vision - before[0], translate - before[1]) == (1, 2)
    second = caller.ended(caller.send(picture, targets="es,ca").json()["id"])
    assert second["state"] == "completed"
    assert _calls(caller.cloud) == (vision, translate)
    receipt = caller.call("GET", f"/v1/jobs/{second['id']}/receipt").json()
    assert receipt["provider_calls"] == {}
    assert sum(step["cache_hits"] for step in receipt["steps"]) == 3


def test_duplicated_and_late_events_give_one_job_and_one_result(new_caller, draw):
    caller = new_caller()
    caller.drop("en-es/a.png", draw())
    prefix = f"results/{caller.account}/en-es/a.png/"
    until(lambda: len(caller.objects(prefix)) == 3, 60)
    blob = caller.cloud.storage().bucket(caller.cloud.connection["buckets"]["uploads"])
    found = blob.get_blob(f"inbox/{caller.account}/en-es/a.png")
    body = _notification(caller, found.name, found.generation, found.size)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _deliver(caller, body), range(8)))
    assert set(answers) <= {200, 204}
    jobs = caller.call("GET", "/v1/jobs").json()["jobs"]
    assert [job["state"] for job in jobs] == ["completed"]


def test_events_that_come_at_once_make_one_job(new_caller, draw):
    caller = new_caller()
    order = caller.order()
    put = order["upload"]["put"]
    requests.put(put["url"], data=draw(), headers=put["headers"], timeout=10)
    bucket = caller.cloud.storage().bucket(caller.cloud.connection["buckets"]["uploads"])
    found = bucket.get_blob(f"uploads/{caller.account}/{order['id']}/source")
    body = _notification(caller, found.name, found.generation, found.size)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: _deliver(caller, body), range(8)))
    assert caller.ended(order["id"])["state"] == "completed"
    receipt = caller.call("GET", f"/v1/jobs/{order['id']}/receipt").json()
    assert [charge["kind"] for charge in receipt["charges"]] == ["hold", "capture"]
    assert sum(step["outcome"] == "done" for step in receipt["steps"]) == 2


def test_a_key_makes_one_job_and_the_same_answer(caller, draw):
    picture = draw()
    first = caller.send(picture, **{"Idempotency-Key": "once-and-only"})
    again = caller.send(picture, **{"Idempotency-Key": "once-and-only"})
    assert again.status_code == 201
    assert again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true"
    other = caller.send(draw(), **{"Idempotency-Key": "once-and-only"})
    assert other.status_code == 422
    assert other.json()["type"].endswith("/idempotency-key-reused")


def test_kill_9_of_a_worker_midway_ends_in_one_result(draw, caller_of):
    with running() as cloud:
        caller = caller_of(cloud)
        job = caller.send(draw()).json()["id"]
        # The engine starts with this call, so the worker waits for it long enough to be killed.
        until(lambda: caller.job(job)["state"] == "processing", 60)
        cloud.kill("process_image")
        database = cloud.database()
        until(lambda: _waiting_task(cloud), 60)
        database.run(
            "create or replace function clock_now() returns timestamptz language sql stable "
            "as $$ select statement_timestamp() + interval '10 minutes' $$"
        )
        database.close()
        _run_waiting(cloud)
        assert caller.ended(job)["state"] == "completed"
        receipt = caller.call("GET", f"/v1/jobs/{job}/receipt").json()
        assert [charge["kind"] for charge in receipt["charges"]] == ["hold", "capture"]
        assert [s["step"] for s in receipt["steps"] if s["outcome"] == "done"] == ["recognise", "render"]
        assert cloud.counters("vision")["calls"]["BatchAnnotateImages"] <= 2
        names = until(lambda: (found := caller.objects("results/")) and len(found) == 3 and found)
        assert sum(name.endswith("es.png") for name in names) == 1


def _tasks(cloud):
    channel = insecure_channel(cloud.connection["tasks"])
    return CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))


def _waiting_task(cloud):
    """The task that the second worker left for when the first one's lease has run out."""
    return [t for t in _tasks(cloud).list_tasks(parent=QUEUE) if t.dispatch_count == 0 and t.schedule_time]


def _run_waiting(cloud):
    for task in _waiting_task(cloud):
        _tasks(cloud).run_task(name=task.name)
