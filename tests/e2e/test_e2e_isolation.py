"""Nobody gets in without a key, and no account reaches another's rows, objects or events."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from local.gateway.invokers import EVENTS, TASKS
from local.testing import until
from shared.auth.api_keys import new_key

pytestmark = pytest.mark.cloud

OPENAPI = json.loads((Path(__file__).parents[2] / "openapi.json").read_text())
JOB = "job_01k9z3v5w8x2y4a6b8c0d2e4f6"
# A visitor's token, in a deployment that has no trial.
VISITOR = new_key("trial")
# Without a self-test there is none to be read.
MAY_BE_ABSENT = {"/v1/selftest"}
# Who may call these is proven by what is in the body: a signature over it, or what is exchanged or revoked.
BY_BODY = {"receive_payment", "issue_token", "revoke_token"}
OPERATIONS = [
    (method.upper(), path.replace("{job_id}", JOB).replace("{asset}", "start.js"), operation["security"])
    for path, item in OPENAPI["paths"].items()
    for method, operation in item.items()
    if method in {"get", "post", "put", "patch", "delete"} and operation["operationId"] not in BY_BODY
]


@pytest.mark.parametrize(("method", "path", "security"), OPERATIONS)
def test_anonymous_calls_are_401_unless_declared_public(cloud, method, path, security):
    reply = cloud.request(method, path, key=None)
    if security == []:
        assert reply.status_code in ({200, 404} if "{" in path or path in MAY_BE_ABSENT else {200})
        return
    for refused in (reply, cloud.request(method, path, key=VISITOR)):
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert refused.json()["status"] == 401


def test_an_unsigned_payment_is_401(cloud):
    reply = cloud.request("POST", "/v1/credits/payments", key=None, json={})
    assert (reply.status_code, reply.json()["status"]) == (401, 401)


@pytest.mark.parametrize(
    "key",
    ["", "img_test_x", "img_live_" + "0" * 36, "Bearer", "' or 1=1 --", "ключ".encode().decode("latin-1")],
)
def test_a_wrong_key_is_401(cloud, key):
    for headers in ({"X-Api-Key": key}, {"Authorization": f"Bearer {key}"}):
        reply = cloud.request("GET", "/v1/jobs", key=None, headers=headers)
        assert reply.status_code == 401


def test_a_key_without_the_scope_is_403(new_caller):
    reader = new_caller(scopes=("jobs:read",))
    assert reader.call("GET", "/v1/jobs").status_code == 200
    reply = reader.call("POST", "/v1/jobs", json={"targets": ["es"]})
    assert reply.status_code == 403


def test_another_accounts_job_is_404_everywhere(caller, new_caller, draw):
    mine = caller.ended(caller.send(draw()).json()["id"])["id"]
    other = new_caller()
    reads = ["", "/outputs", "/receipt"]
    paths = [("GET", f"/v1/jobs/{mine}{part}") for part in reads]
    paths += [("POST", f"/v1/jobs/{mine}/cancel"), ("POST", f"/v1/jobs/{mine}/retry")]
    paths += [("DELETE", f"/v1/jobs/{mine}"), ("GET", f"/v1/scenes/{mine}")]
    for method, path in paths:
        assert other.call(method, path).status_code == 404, path
    assert other.call("GET", "/v1/jobs").json()["jobs"] == []
    assert caller.job(mine)["state"] == "completed"


def test_the_same_idempotency_key_of_two_accounts_is_two_keys(caller, new_caller):
    body, headers = {"targets": ["es"]}, {"Idempotency-Key": "shared-by-chance"}
    replies = [c.call("POST", "/v1/jobs", json=body, headers=headers) for c in (caller, new_caller())]
    assert [r.status_code for r in replies] == [201, 201]
    assert replies[0].json()["id"] != replies[1].json()["id"]


def test_the_same_picture_of_two_accounts_is_bought_by_each(caller, new_caller, draw):
    picture, other = draw(), new_caller()
    caller.ended(caller.send(picture).json()["id"])
    job = other.ended(other.send(picture).json()["id"])
    receipt = other.call("GET", f"/v1/jobs/{job['id']}/receipt").json()
    assert receipt["provider_calls"] == {"vision": 1, "translate": 1}


def test_a_file_in_ones_inbox_is_ones_own_job(new_caller, draw):
    mine, other = new_caller(), new_caller()
    mine.drop("en-es/a.png", draw())
    until(lambda: mine.call("GET", "/v1/jobs?state=completed").json()["jobs"], 60)
    assert other.call("GET", "/v1/jobs").json()["jobs"] == []
    assert other.objects(f"results/{other.account}/") == []


def test_a_signed_url_opens_only_its_object_and_method(caller, draw):
    job = caller.ended(caller.send(draw()).json()["id"])
    outputs = caller.call("GET", f"/v1/jobs/{job['id']}/outputs").json()["outputs"]
    url = next(o["url"] for o in outputs if o["kind"] == "picture")
    assert requests.get(url, timeout=10).status_code == 200
    assert requests.delete(url, timeout=10).status_code == 403
    assert requests.get(url.replace("es.png", "ca.png"), timeout=10).status_code == 403
    assert requests.get(url.split("?")[0], timeout=10).status_code == 403
    assert requests.get(url[:-6] + "000000", timeout=10).status_code == 403


@pytest.mark.parametrize(
    "function", ["on-upload", "on-job-event", "on-dead-letter", "process-image", "sweep"]
)
def test_event_and_task_functions_refuse_everybody_but_the_platform(cloud, function):
    url = cloud.function_url(function)
    foreign = "tasks@another-project.iam.gserviceaccount.com"
    wrong = EVENTS if function in {"process-image", "sweep"} else TASKS
    tokens = [None, "nonsense", cloud.token(function, foreign), cloud.token(function, wrong)]
    tokens.append(cloud.token("jobs", EVENTS))
    tokens.append(cloud.token(function, TASKS, lifetime=-600))
    for token in tokens:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        assert requests.post(url, json={}, headers=headers, timeout=30).status_code in {401, 403}


def test_a_task_for_another_accounts_job_does_nothing(caller, new_caller):
    order, other = caller.order(), new_caller()
    body = {"account": other.account, "job": order["id"], "step": "recognise", "target": None}
    headers = {"Authorization": f"Bearer {caller.cloud.token('process-image', TASKS)}"}
    url = caller.cloud.function_url("process-image")
    assert requests.post(url, json=body, headers=headers, timeout=60).status_code == 200
    assert caller.job(order["id"])["state"] == "awaiting_upload"
