"""Event, task and schedule functions under the real framework: who may call, what becomes of work."""

from __future__ import annotations

import base64
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import BaseModel, ValidationError

sys.path.insert(0, str(Path(__file__).parent))

from scenarios.framework import bearer, called_by, claims, isolated, log_lines, log_records, push, serve
from scenarios.in_memory import WORLD

from shared.core.errors import DependencyDown, ImangorError, InvalidInput, RetryLater, TransientError

EVENTS = "events"
OBJECT = {"bucket": "b", "name": "inbox/é.png", "generation": "7", "size": "3", "contentType": "image/png"}
ATTRIBUTES = {
    "eventType": "OBJECT_FINALIZE",
    "payloadFormat": "JSON_API_V1",
    "bucketId": "b",
    "objectId": "inbox/é.png",
    "objectGeneration": "7",
}
LATER = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _isolated() -> Iterator[None]:
    with isolated():
        yield


@pytest.fixture
def on_file() -> FlaskClient:
    return serve("on_file")


@pytest.fixture
def do_work() -> FlaskClient:
    return serve("do_work")


def deliver(client: FlaskClient, body: Any, **headers: str) -> int:
    sent = {**called_by("on-file", EVENTS), **headers}
    return client.post("/", json=body, headers=sent).status_code


def run_task(client: FlaskClient, attempt: int = 0, body: Any = None) -> Any:
    headers = called_by("do-work", "tasks") | {"X-CloudTasks-TaskRetryCount": str(attempt)}
    return client.post("/", json={"job": "j"} if body is None else body, headers=headers)


WRONG_CLAIMS = [
    {"iss": "https://evil.example"},
    {"aud": "https://do-work.example"},
    {"aud": "https://on_file.example"},
    {"aud": ["https://on-file.example"]},
    {"email": "tasks@p.iam.gserviceaccount.com"},
    {"email_verified": False},
    {"email_verified": "true"},
    {"exp": 1},
    {"iat": 99999999999},
    {"exp": None},
    {"exp": "99999999999"},
    {"exp": True},
]


@pytest.mark.parametrize("wrong", WRONG_CLAIMS)
def test_a_token_with_a_wrong_claim_is_401(on_file: FlaskClient, wrong: dict[str, Any]):
    body = push(OBJECT, ATTRIBUTES)
    answer = on_file.post("/", json=body, headers=called_by("on-file", EVENTS, **wrong))
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert WORLD.trail == []


@pytest.mark.parametrize("minutes", [-10, 10])
def test_an_instance_whose_clock_is_ten_minutes_off_is_still_called(on_file: FlaskClient, minutes: int):
    issued = int(time.time()) + minutes * 60
    times = {"iat": issued, "exp": issued + 120}
    assert deliver(on_file, push(OBJECT, ATTRIBUTES), **called_by("on-file", EVENTS, **times)) == 204


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x", "Bearer a.b.c", "Bearer a.W10.c", "Basic a.b.c"]
)
def test_what_is_not_a_token_is_401(on_file: FlaskClient, header: str):
    assert deliver(on_file, push(OBJECT, ATTRIBUTES), Authorization=header) == 401


def test_the_signature_is_the_platforms_business(on_file: FlaskClient):
    token = bearer(claims("on-file", EVENTS), signature="anything")
    assert deliver(on_file, push(OBJECT, ATTRIBUTES), Authorization=token) == 204
    short = claims("on-file", EVENTS, iss="accounts.google.com")
    assert deliver(on_file, push(OBJECT, ATTRIBUTES), Authorization=bearer(short)) == 204


def test_the_header_that_the_platform_did_not_verify_is_not_believed(on_file: FlaskClient):
    verified = bearer(claims("on-file", "somebody"))
    answer = deliver(on_file, push(OBJECT, ATTRIBUTES), **{"X-Serverless-Authorization": verified})
    assert answer == 401


@pytest.mark.parametrize(
    ("name", "service", "invoker"), [("tidy", "tidy", EVENTS), ("do_work", "do-work", EVENTS)]
)
def test_each_kind_has_its_own_invoker(name: str, service: str, invoker: str):
    assert serve(name).post("/", json={"job": "j"}, headers=called_by(service, invoker)).status_code == 401


def test_only_post_is_a_delivery(on_file: FlaskClient):
    answer = on_file.put("/", headers=called_by("on-file", EVENTS))
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")


def test_a_deployment_may_ask_whether_the_database_answers(on_file: FlaskClient):
    assert on_file.get("/").status_code == 401
    assert on_file.get("/", headers=called_by("on-file", EVENTS)).status_code == 204
    WORLD.failing = DependencyDown()
    assert on_file.get("/", headers=called_by("on-file", EVENTS)).status_code == 503


def cloud_event_headers(kind: str) -> dict[str, str]:
    return {"ce-id": "1", "ce-source": "//s", "ce-specversion": "1.0", "ce-type": kind}


FINALIZED = "google.cloud.storage.object.v1.finalized"
PUBLISHED = "google.cloud.pubsub.topic.v1.messagePublished"
STRUCTURED = {"specversion": "1.0", "id": "1", "source": "//s", "type": FINALIZED}
ENCODED = base64.b64encode(json.dumps(OBJECT).encode()).decode()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, push(OBJECT, ATTRIBUTES)),
        ({}, push(None, {**ATTRIBUTES, "payloadFormat": "NONE"})),
        (cloud_event_headers(FINALIZED), OBJECT),
        (cloud_event_headers(PUBLISHED), push(OBJECT, ATTRIBUTES)),
        ({"Content-Type": "application/cloudevents+json"}, {**STRUCTURED, "data": OBJECT}),
        ({"Content-Type": "application/cloudevents+json"}, {**STRUCTURED, "data_base64": ENCODED}),
        (
            {"Content-Type": "application/cloudevents+json; charset=utf-8"},
            {**STRUCTURED, "type": PUBLISHED, "data": push(OBJECT, ATTRIBUTES)},
        ),
    ],
)
def test_every_form_of_a_storage_event_is_one_model(on_file: FlaskClient, headers, body):
    sent = {"Content-Type": "application/json", **called_by("on-file", EVENTS), **headers}
    assert on_file.post("/", data=json.dumps(body), headers=sent).status_code == 204
    (event, delivery) = WORLD.seen[0]
    assert (event.bucket, event.name, event.generation) == ("b", "inbox/é.png", 7)
    assert (delivery.identity, delivery.attempt, delivery.limit) == ("b/inbox/é.png#7", 0, 5)


def test_a_delivery_knows_its_attempt_and_its_age(on_file: FlaskClient):
    deliver(on_file, push(OBJECT, ATTRIBUTES, deliveryAttempt=3))
    delivery = WORLD.seen[0][1]
    assert delivery.attempt == 2
    assert delivery.published_at == datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)


def test_a_duplicate_is_acknowledged_without_a_call(on_file: FlaskClient):
    answers = [deliver(on_file, push(OBJECT, ATTRIBUTES, message_id=f"m{n}")) for n in range(3)]
    assert answers == [204, 204, 204]
    assert len(WORLD.seen) == 1
    newer = push(OBJECT, {**ATTRIBUTES, "objectGeneration": "8"})
    assert deliver(on_file, newer) == 204
    assert WORLD.rows == ["b/inbox/é.png#7", "b/inbox/é.png#8"]


def test_the_identity_is_recorded_only_with_the_work(on_file: FlaskClient):
    WORLD.raising = RuntimeError()
    assert deliver(on_file, push(OBJECT, ATTRIBUTES)) == 500
    assert (WORLD.rows, WORLD.inbox) == ([], set())
    WORLD.raising = None
    assert deliver(on_file, push(OBJECT, ATTRIBUTES)) == 204
    assert WORLD.inbox == {("on_file", "b/inbox/é.png#7")}


@pytest.mark.parametrize(
    ("error", "status", "level"),
    [
        (InvalidInput(), 204, "INFO"),
        (ImangorError(), 204, "ERROR"),
        (TransientError(), 500, "WARNING"),
        (DependencyDown(), 500, "WARNING"),
        (RetryLater(LATER), 500, "WARNING"),
        (KeyError("x"), 500, "ERROR"),
    ],
)
@pytest.mark.parametrize("attempt", [1, 5, 50])
def test_what_the_platform_hears_of_a_failed_event(on_file, error, status: int, level: str, attempt: int):
    WORLD.raising = error
    with log_records() as records:
        answer = deliver(on_file, push(OBJECT, ATTRIBUTES, deliveryAttempt=attempt))
    assert (answer, WORLD.rows) == (status, [])
    assert [r.levelname for r in records] == [level]


WORDS = "secret words"
NAME = "inbox/diagnosis.png"


class Quoted(BaseModel):
    text: int


@pytest.mark.parametrize("attempt", [1, 9])
def test_a_failed_event_logs_neither_a_file_s_name_nor_what_a_library_quotes(on_file, attempt: int):
    try:
        Quoted.model_validate({"text": WORDS})
    except ValidationError as error:
        WORLD.raising = error
    attributes = {**ATTRIBUTES, "objectId": NAME}
    with log_lines() as lines:
        assert deliver(on_file, push(OBJECT, attributes, deliveryAttempt=attempt)) == 500
        WORLD.raising = InvalidInput()
        assert deliver(on_file, push(OBJECT, attributes, deliveryAttempt=attempt)) == 204
    failed = next(json.loads(line) for line in lines if "Traceback" in line)
    assert not [line for line in lines if WORDS in line or NAME in line]
    assert failed["event"] == sha256(f"b/{NAME}#7".encode()).hexdigest()[:16]
    assert "ValidationError" in failed["message"]
    assert "on_file" in failed["message"]


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"message": []},
        {"message": {"data": "!"}},
        {"message": {"data": ""}},
        {"message": {"messageId": "1", "attributes": {"a": 1}}},
        push({"other": 1}),
        push(OBJECT, {**ATTRIBUTES, "eventType": "OBJECT_DELETE"}),
        push(OBJECT, {**ATTRIBUTES, "objectGeneration": "x"}),
        push(OBJECT, {k: v for k, v in ATTRIBUTES.items() if k != "objectId"} | {"payloadFormat": "NONE"}),
        push([], ATTRIBUTES),
    ],
)
def test_what_is_not_an_event_is_acknowledged_and_logged(on_file: FlaskClient, body: Any):
    with log_records() as records:
        assert deliver(on_file, body) == 204
    assert [r.levelname for r in records] == ["ERROR"]
    assert WORLD.trail == ["context"]


def test_a_published_model_is_read_and_the_publishers_identity_wins():
    client, headers = serve("on_note"), called_by("on-note", EVENTS)
    own = {"ce-source": "jobs", "ce-id": "evt_1"}
    for number in ("m1", "m2"):
        body = push({"note": "n"}, own, message_id=number)
        assert client.post("/", json=body, headers=headers).status_code == 204
    assert [e.note for e in WORLD.seen] == ["n"]
    assert WORLD.inbox == {("on_note", "jobs#evt_1")}
    assert client.post("/", json=push({"noet": "n"}), headers=headers).status_code == 204
    assert len(WORLD.seen) == 1


def test_a_task_that_succeeds_is_200_and_knows_its_attempt(do_work: FlaskClient):
    assert run_task(do_work, 1).status_code == 200
    assert (WORLD.seen[0].number, WORLD.seen[0].limit) == (1, 3)
    assert "begin" not in WORLD.trail


@pytest.mark.parametrize(
    ("error", "attempt", "status", "failed"),
    [
        (TransientError(), 0, 500, []),
        (RuntimeError(), 1, 500, []),
        (DependencyDown(retry_after=9), 1, 503, []),
        (InvalidInput(), 0, 200, [("j", "InvalidInput")]),
        (TransientError(), 2, 200, [("j", "TransientError")]),
        (RuntimeError(), 2, 200, [("j", "RuntimeError")]),
        (DependencyDown(), 2, 200, [("j", "DependencyDown")]),
    ],
)
def test_what_the_queue_hears_of_a_failed_task(do_work, error, attempt: int, status: int, failed):
    WORLD.raising = error
    answer = run_task(do_work, attempt)
    assert (answer.status_code, WORLD.failed) == (status, failed)
    assert answer.headers.get("Retry-After") == ("9" if status == 503 else None)


@pytest.mark.parametrize("attempt", [0, 2])
def test_work_that_belongs_to_another_is_put_off_even_on_the_last_attempt(do_work, attempt: int):
    WORLD.raising = RetryLater(LATER)
    assert run_task(do_work, attempt).status_code == 200
    assert [(body.job, when) for body, when in WORLD.later] == [("j", LATER)]
    assert WORLD.failed == []


def test_the_extra_delivery_gives_up_without_another_try(do_work: FlaskClient):
    assert run_task(do_work, 3).status_code == 200
    assert (WORLD.seen, WORLD.failed) == ([], [("j", "AttemptsExhausted")])


def test_a_failure_that_could_not_be_recorded_comes_again(do_work: FlaskClient):
    WORLD.raising, WORLD.failing = InvalidInput(), RuntimeError("database down")
    assert run_task(do_work).status_code == 500
    WORLD.failing = None
    assert run_task(do_work, 3).status_code == 200
    assert len(WORLD.failed) == 1


@pytest.mark.parametrize("body", [[], {"job": 1}, {"job": "j", "x": 1}])
def test_a_task_that_cannot_be_read_is_dropped(do_work: FlaskClient, body: Any):
    assert run_task(do_work, 0, body).status_code == 200
    assert WORLD.seen == []


@pytest.mark.parametrize("count", ["x", "-1", "", "9" * 50, "²"])
def test_a_strange_retry_count_is_the_first_attempt(do_work: FlaskClient, count: str):
    headers = called_by("do-work", "tasks") | {"X-CloudTasks-TaskRetryCount": count}
    assert do_work.post("/", json={"job": "j"}, headers=headers).status_code == 200
    assert WORLD.seen[0].number == 0


@pytest.mark.parametrize(("error", "status"), [(None, 200), (InvalidInput(), 200), (RuntimeError(), 500)])
def test_a_scheduled_call(error: Exception | None, status: int):
    WORLD.raising = error
    answer = serve("tidy").post("/", data=b"anything", headers=called_by("tidy", "schedules"))
    assert (answer.status_code, WORLD.seen) == (status, ["tidy"])


def test_too_large_a_delivery_is_413(on_file: FlaskClient):
    assert deliver(on_file, push("x" * 30000)) == 413
