"""Idempotency keys: an unsafe operation is done once and answered the same again."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

sys.path.insert(0, str(Path(__file__).parent))

from scenarios.framework import isolated, serve
from scenarios.in_memory import WORLD

from shared.core.errors import Conflict

WRITE = {"Authorization": "Bearer writer", "Idempotency-Key": "k1"}


@pytest.fixture(autouse=True)
def _isolated() -> Iterator[None]:
    with isolated():
        yield


@pytest.fixture
def client() -> FlaskClient:
    return serve("notes")


def test_the_same_request_is_done_once_and_answered_twice(client: FlaskClient):
    first = client.post("/v1/notes", json={"text": "a"}, headers=WRITE)
    again = client.post("/v1/notes", json={"text": "a"}, headers=WRITE)
    assert (again.status_code, again.data) == (201, first.data)
    assert (again.headers["Location"], again.headers["ETag"]) == ("/v1/notes/note_1", '"1"')
    assert again.mimetype == "application/json"
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert again.headers["RateLimit"] != first.headers["RateLimit"]
    assert WORLD.rows == ["a"]


def test_other_content_with_the_same_key_is_422(client: FlaskClient):
    client.post("/v1/notes", json={"text": "a"}, headers=WRITE)
    assert client.post("/v1/notes", json={"text": "b"}, headers=WRITE).status_code == 422
    assert client.post("/v1/notes?x=1", json={"text": "a"}, headers=WRITE).status_code == 422
    assert WORLD.rows == ["a"]


def test_a_key_belongs_to_its_principal_and_operation(client: FlaskClient):
    client.post("/v1/notes", json={"text": "a"}, headers=WRITE)
    other = client.post("/v1/notes", json={"text": "b"}, headers={**WRITE, "Authorization": "Bearer other"})
    assert other.status_code == 201
    assert client.post("/v1/notes/note_1/touch", headers=WRITE).status_code == 200
    places = {("key_writer", "create_note"), ("key_other", "create_note"), ("key_writer", "touch_note")}
    assert set(WORLD.keys) == {(*place, "k1") for place in places}


def test_a_request_that_is_still_running_is_409(client: FlaskClient):
    client.post("/v1/notes", json={"text": "a"}, headers=WRITE)
    WORLD.keys = dict.fromkeys(WORLD.keys)
    assert client.post("/v1/notes", json={"text": "a"}, headers=WRITE).status_code == 409


@pytest.mark.parametrize("error", [Conflict(), RuntimeError(), KeyboardInterrupt()])
def test_a_failure_frees_the_key(client: FlaskClient, error: BaseException):
    WORLD.raising = error
    if isinstance(error, Exception):
        assert client.post("/v1/notes", json={"text": "a"}, headers=WRITE).status_code in (409, 500)
    else:
        with pytest.raises(KeyboardInterrupt):
            client.post("/v1/notes", json={"text": "a"}, headers=WRITE)
    WORLD.raising = None
    assert client.post("/v1/notes", json={"text": "b"}, headers=WRITE).status_code == 201


def test_a_record_is_kept_only_with_the_work(client: FlaskClient):
    WORLD.commit_error = RuntimeError()
    assert client.post("/v1/notes", json={"text": "a"}, headers=WRITE).status_code == 500
    assert WORLD.keys == {}
    WORLD.commit_error = None
    assert client.post("/v1/notes", json={"text": "a"}, headers=WRITE).status_code == 201


def test_without_a_key_every_request_is_done(client: FlaskClient):
    headers = {"Authorization": "Bearer writer"}
    for _ in range(2):
        client.post("/v1/notes", json={"text": "a"}, headers=headers)
    assert WORLD.rows == ["a", "a"]


@pytest.mark.parametrize("key", ["", "x" * 256, "a\x7f", "é"])
def test_a_key_that_is_not_printable_ascii_is_400(client: FlaskClient, key: str):
    answer = client.post("/v1/notes", json={"text": "a"}, headers={**WRITE, "Idempotency-Key": key})
    assert (answer.status_code, WORLD.rows) == (400, [])


def test_a_file_counts_by_its_content_and_not_by_the_framing(client: FlaskClient):
    def send(file: bytes, text: str = "a") -> int:
        data = {"text": text, "file": (io.BytesIO(file), "a.png")}
        return client.post("/v1/notes", data=data, headers=WRITE).status_code

    assert [send(b"1"), send(b"1")] == [201, 201]
    assert WORLD.rows == ["a"]
    assert send(b"2") == 422


def test_fields_of_another_text_are_other_content(client: FlaskClient):
    data = {"text": "a", "file": (io.BytesIO(b"1"), "a.png")}
    assert client.post("/v1/notes", data=data, headers=WRITE).status_code == 201
    data = {"text": "b", "file": (io.BytesIO(b"1"), "a.png")}
    assert client.post("/v1/notes", data=data, headers=WRITE).status_code == 422


@pytest.mark.parametrize("name", ["order.json", None])
def test_an_order_in_a_part_of_its_own_is_content_with_or_without_a_file_name(client: FlaskClient, name):
    def send(text: str, file_name: str = "a.png") -> int:
        order = json.dumps({"text": text}).encode()
        part = order.decode() if name is None else (io.BytesIO(order), name)
        data = {"request": part, "file": (io.BytesIO(b"1"), file_name)}
        WORLD.hits.clear()
        return client.post("/v1/notes", data=data, headers=WRITE).status_code

    assert [send("a"), send("a"), send("b"), send("a", "b.png")] == [201, 201, 422, 422]
    assert WORLD.rows == ["a"]


def test_members_in_another_order_are_the_same_request_and_other_members_are_not(client: FlaskClient):
    def send(text: str) -> int:
        return client.post("/v1/notes", data=text, headers=WRITE, content_type="application/json").status_code

    assert send('{"text": "a", "size": 2}') == 201
    assert send('{"size":2,"text":"a"}') == 201
    assert send('{"text": "a"}') == 422
    assert WORLD.rows == ["a"]


def test_work_that_the_database_undid_is_done_again_within_the_request(client: FlaskClient):
    WORLD.undone = 2
    assert client.post("/v1/notes", json={"text": "a"}, headers=WRITE).status_code == 201
    assert WORLD.rows == ["a"]
    once = ["begin", "handler", "rollback"]
    assert WORLD.trail[3:] == ["reserve", *once, *once, "begin", "handler", "finish", "commit"]


def test_work_that_is_always_undone_may_be_tried_later_with_the_same_key(client: FlaskClient):
    WORLD.undone = 100
    assert client.post("/v1/notes", json={"text": "a"}, headers=WRITE).status_code == 503
    assert (WORLD.rows, WORLD.keys) == ([], {})


COPY = "/v1/notes/note_1/copy"


def test_an_operation_that_commits_by_itself_is_recorded_after_it(client: FlaskClient):
    first = client.post(COPY, headers=WRITE)
    again = client.post(COPY, headers=WRITE)
    assert (again.status_code, again.data) == (200, first.data)
    assert WORLD.rows == ["note_1"]


def test_a_refusal_of_an_operation_that_commits_by_itself_frees_the_key(client: FlaskClient):
    WORLD.raising = Conflict()
    assert client.post(COPY, headers=WRITE).status_code == 409
    WORLD.raising = None
    assert client.post(COPY, headers=WRITE).status_code == 200


def test_an_operation_that_commits_by_itself_is_not_repeated_at_once_when_it_may_be_done(client: FlaskClient):
    WORLD.raising = RuntimeError()
    assert client.post(COPY, headers=WRITE).status_code == 500
    WORLD.raising = None
    assert client.post(COPY, headers=WRITE).status_code == 409
    assert WORLD.rows == ["note_1"]
