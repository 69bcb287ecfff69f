"""HTTP functions under the real framework: every status, header and limit of the edge."""

from __future__ import annotations

import gzip
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from scenarios.framework import isolated, log_records, serve
from scenarios.in_memory import WORLD

from shared.core.errors import Conflict, DependencyDown, ImangorError

WRITE = {"Authorization": "Bearer writer"}
READ = {"Authorization": "Bearer reader"}
JSON = {**WRITE, "Content-Type": "application/json"}


@pytest.fixture(autouse=True)
def _isolated() -> Iterator[None]:
    with isolated():
        yield


@pytest.fixture
def client() -> FlaskClient:
    return serve("notes")


def test_the_steps_happen_in_their_one_order(client: FlaskClient):
    client.post("/v1/notes", json={"text": "a"}, headers={**WRITE, "Idempotency-Key": "k"})
    expected = "context authenticate rate_limit reserve begin handler finish commit"
    assert WORLD.trail == expected.split()


@pytest.mark.parametrize(
    ("headers", "body", "trail"),
    [
        ({}, {"text": "a"}, ""),
        ({"Authorization": "Bearer nobody"}, {"text": "a"}, "context authenticate"),
        (READ, {"text": "a"}, "context authenticate"),
        ({**WRITE, "Idempotency-Key": "k"}, {"text": ""}, "context authenticate rate_limit"),
        ({**WRITE, "Idempotency-Key": ""}, {"text": "a"}, "context authenticate rate_limit"),
    ],
)
def test_a_refusal_stops_the_steps_behind_it(client: FlaskClient, headers, body, trail: str):
    client.post("/v1/notes", json=body, headers=headers)
    assert WORLD.trail == trail.split()


def test_anonymous_calls_are_401_and_name_the_scheme(client: FlaskClient):
    answer = client.get("/v1/notes")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json["type"] == "https://imangor.dev/problems/unauthenticated"


def test_a_key_is_accepted_in_either_header_and_its_scopes_hold(client: FlaskClient):
    assert client.get("/v1/notes", headers={"X-Api-Key": "reader"}).status_code == 200
    refused = client.delete("/v1/notes/note_1", headers={"X-Api-Key": "reader"})
    assert (refused.status_code, refused.json["detail"]) == (403, "This needs the scope notes:write.")


def test_the_reply_of_a_creation_carries_location_tag_and_limits(client: FlaskClient):
    answer = client.post("/v1/notes", json={"text": "hello", "targets": ["es"]}, headers=WRITE)
    assert answer.status_code == 201
    assert answer.json == {"id": "note_1", "text": "hello", "targets": ["es"], "size": 1, "file": None}
    assert answer.headers["Location"] == "/v1/notes/note_1"
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["RateLimit-Policy"] == '"create_note";q=3;w=60'
    assert answer.headers["RateLimit"] == '"create_note";r=2;t=30'
    assert answer.headers["Cache-Control"] == "no-store"


def test_beyond_the_rate_is_429_with_retry_after(client: FlaskClient):
    answers = [client.post("/v1/notes", json={"text": "a"}, headers=WRITE) for _ in range(4)]
    assert [a.status_code for a in answers] == [201, 201, 201, 429]
    assert answers[3].headers["Retry-After"] == "8"
    assert answers[3].headers["RateLimit"] == '"create_note";r=0;t=30'
    other = client.post("/v1/notes", json={"text": "a"}, headers={"Authorization": "Bearer other"})
    assert other.status_code == 201


def test_public_operations_are_counted_by_the_address_that_the_balancer_saw(client: FlaskClient):
    def ping(forwarded: str) -> int:
        return client.get("/v1/ping", headers={"X-Forwarded-For": forwarded}).status_code

    assert [ping(f"6.6.6.{n}, 1.2.3.4, 9.9.9.9") for n in range(3)] == [200, 200, 429]
    assert ping("1.2.3.5, 9.9.9.9") == 200
    assert [ping(f"2001:db8::{n}, 9.9.9.9") for n in range(3)] == [200, 200, 429]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'{"text": NaN}', 400),
        (b'{"text": "a", "size": 1e999}', 400),
        (b'{"text": "a", "text": "b"}', 400),
        (b'{"text": "\\ud800"}', 400),
        (b'{"text": "\\u0000"}', 400),
        (b"[" * 5000 + b"]" * 5000, 400),
        (b'{"text": ' + b"9" * 5000 + b"}", 400),
        (b"[]", 422),
        (b"null", 422),
        (b'"text"', 422),
        (b"{}", 422),
        (b'{"text": 5}', 422),
        (b'{"text": "' + b"x" * 20000 + b'"}', 413),
    ],
)
def test_content_that_cannot_be_used_is_refused(client: FlaskClient, body: bytes, status: int):
    answer = client.post("/v1/notes", data=body, headers=JSON)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert WORLD.rows == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"])
def test_other_content_types_are_415(client: FlaskClient, kind: str):
    answer = client.post("/v1/notes", data=b'{"text": "a"}', headers={**WRITE, "Content-Type": kind})
    assert answer.status_code == 415


def test_each_wrong_member_is_pointed_at(client: FlaskClient):
    body = {"text": "", "targets": ["es", 5], "size": 11, "colour": "green", "a/b~": 1}
    answer = client.post("/v1/notes", json=body, headers=WRITE)
    found = {e["pointer"]: (e["code"], e["detail"]) for e in answer.json["errors"]}
    assert answer.status_code == 422
    assert found == {
        "/text": ("too-short", "This must have at least 1 character."),
        "/targets/1": ("type", "This must be a text."),
        "/size": ("range", "This must be 10 or less."),
        "/colour": ("choice", "This must be one of: 'red' or 'blue'."),
        "/a~1b~0": ("unknown-member", "There is no member of this name."),
    }


def test_a_models_own_sentence_is_told(client: FlaskClient):
    answer = client.post("/v1/notes", json={"text": "rude"}, headers=WRITE)
    assert answer.json["errors"] == [{"pointer": "/text", "code": "invalid", "detail": "Be polite."}]


def test_query_parameters_are_validated(client: FlaskClient):
    one = client.get("/v1/notes?limit=7&state=a,b", headers=READ)
    assert (one.json["limit"], one.json["state"]) == (7, ["a", "b"])
    assert client.get("/v1/notes?state=a%2Cb&state=c", headers=READ).json["state"] == ["a,b", "c"]
    wrong = client.get("/v1/notes?limit=0&x=1", headers=READ)
    assert wrong.status_code == 422
    assert [e["pointer"] for e in wrong.json["errors"]] == ["/query/limit", "/query/x"]
    assert client.get("/v1/notes?limit=1&limit=2", headers=READ).status_code == 422
    assert client.get("/v1/notes?state=%00", headers=READ).status_code == 400


@pytest.mark.parametrize(
    "ident", ["other", "note_x", "note_1%00", "note_1%0A", "%2E%2E", "note_1%2Fcontent/x"]
)
def test_a_path_that_cannot_name_anything_is_404(client: FlaskClient, ident: str):
    assert client.get(f"/v1/notes/{ident}", headers=READ).status_code == 404


def test_other_methods_are_405_with_allow(client: FlaskClient):
    answer = client.put("/v1/notes", headers=WRITE)
    assert (answer.status_code, answer.mimetype) == (405, "application/problem+json")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


def test_a_slash_at_the_end_and_head_make_no_difference(client: FlaskClient):
    assert client.get("/v1/notes/", headers=READ).status_code == 200
    head = client.head("/v1/notes/note_1", headers=READ)
    assert (head.status_code, head.data) == (200, b"")
    assert int(head.headers["Content-Length"]) > 3000


def test_nothing_is_204_and_empty(client: FlaskClient):
    answer = client.delete("/v1/notes/note_1", headers=WRITE)
    assert (answer.status_code, answer.data) == (204, b"")
    assert "Content-Type" not in answer.headers


def test_bytes_can_be_streamed_with_their_own_caching(client: FlaskClient):
    answer = client.get("/v1/notes/note_1/content", headers=READ)
    assert (answer.data, answer.mimetype) == (b"one two", "text/plain")
    assert answer.headers["Cache-Control"] == "max-age=60"


@pytest.mark.parametrize(
    ("header", "status", "text"),
    [
        ('"abc"', 200, "abc"),
        ('W/"abc"', 200, "abc"),
        ("abc", 200, "abc"),
        ("*", 200, "*"),
        (None, 428, None),
        ('"a", "b"', 400, None),
        ("", 400, None),
    ],
)
def test_if_match_is_one_tag_without_quotes(client: FlaskClient, header, status: int, text):
    headers = WRITE if header is None else {**WRITE, "If-Match": header}
    answer = client.patch("/v1/notes/note_1", json={"text": "a"}, headers=headers)
    assert answer.status_code == status
    assert text is None or answer.json["text"] == text


def test_an_unchanged_reply_is_304(client: FlaskClient):
    answer = client.get("/v1/ping", headers={"If-None-Match": '"v1"'})
    assert (answer.status_code, answer.data) == (304, b"")
    assert client.get("/v1/ping", headers={"If-None-Match": '"v0"'}).status_code == 200


def test_an_optional_body_may_be_absent(client: FlaskClient):
    assert client.post("/v1/notes/note_1/touch", headers=WRITE).json["text"] == "default"
    assert client.post("/v1/notes/note_1/touch", json={"limit": 3}, headers=WRITE).json["text"] == "3"


def _part(text: bytes, name: str = "a.png") -> tuple[io.BytesIO, str]:
    return io.BytesIO(text), name


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "hi", "targets": "es,fr", "size": "3"},
        {"text": "hi", "targets": ["es", "fr"], "size": "3"},
        {"request": '{"text": "hi", "targets": ["es", "fr"], "size": 3}'},
        {"request": (io.BytesIO(b'{"text": "hi", "targets": ["es", "fr"], "size": 3}'), "r.json")},
    ],
)
def test_a_multipart_request_gives_the_same_model_and_the_file(client: FlaskClient, fields):
    answer = client.post("/v1/notes", data={**fields, "file": _part(b"12345")}, headers=WRITE)
    expected = {"id": "note_1", "text": "hi", "targets": ["es", "fr"], "size": 3, "file": "a.png:5"}
    assert (answer.status_code, answer.json) == (201, expected)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"text": "hi", "file": [_part(b"1"), _part(b"2")]}, 422),
        ({"text": "hi", "other": _part(b"1")}, 422),
        ({"text": ["a", "b"], "file": _part(b"1")}, 422),
        ({"request": "{", "file": _part(b"1")}, 400),
        ({"request": "{}", "text": "hi", "file": _part(b"1")}, 422),
        ({"file": _part(b"1")}, 422),
        ({"text": "a\0", "file": _part(b"1")}, 400),
        ({"text": "hi", "file": _part(b"x" * 20000)}, 413),
    ],
)
def test_multipart_content_that_cannot_be_used_is_refused(client: FlaskClient, data, status: int):
    assert client.post("/v1/notes", data=data, headers=WRITE).status_code == status


def test_broken_multipart_framing_is_400(client: FlaskClient):
    headers = {**WRITE, "Content-Type": "multipart/form-data"}
    assert client.post("/v1/notes", data=b"--x", headers=headers).status_code in (400, 422)


def test_a_required_file_is_multipart_only(client: FlaskClient):
    answer = client.put("/v1/notes/note_1/file", data={"file": _part(b"1")}, headers=WRITE)
    assert answer.json["file"] == "a.png"
    assert client.put("/v1/notes/note_1/file", json={}, headers=WRITE).status_code == 415
    assert client.put("/v1/notes/note_1/file", data={"x": _part(b"")}, headers=WRITE).status_code == 422


def test_json_over_a_kilobyte_is_compressed_when_accepted(client: FlaskClient):
    packed = client.get("/v1/notes/note_1", headers={**READ, "Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) == len(packed.data) < 200
    assert json.loads(gzip.decompress(packed.data))["id"] == "note_1"
    assert "Accept-Encoding" in packed.headers["Vary"]
    plain = client.get("/v1/notes/note_1", headers={**READ, "Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in plain.headers
    small = client.get("/v1/ping", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in small.headers


def test_only_listed_origins_may_call_from_a_browser(client: FlaskClient):
    asked = {"Access-Control-Request-Method": "POST", "Origin": "https://studio.example"}
    allowed = client.options("/v1/notes", headers=asked)
    assert allowed.status_code == 204
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://studio.example"
    assert "POST" in allowed.headers["Access-Control-Allow-Methods"]
    assert "Idempotency-Key" in allowed.headers["Access-Control-Allow-Headers"]
    foreign = client.options("/v1/notes", headers={**asked, "Origin": "https://studio.example.evil"})
    assert "Access-Control-Allow-Origin" not in foreign.headers
    problem = client.get("/v1/notes", headers={"Origin": "https://other.example"})
    assert problem.headers["Access-Control-Allow-Origin"] == "https://other.example"
    assert "Origin" in problem.headers["Vary"]
    assert client.options("/nowhere", headers=asked).status_code == 404


@pytest.mark.parametrize("given_id", ["abc-1.2:3_4", "x" * 128])
def test_a_harmless_request_id_is_kept(client: FlaskClient, given_id: str):
    answer = client.get("/v1/notes", headers={"X-Request-Id": given_id})
    assert answer.headers["X-Request-Id"] == given_id
    assert answer.json["instance"].endswith(given_id)


@pytest.mark.parametrize("given_id", ["", "x" * 129, "a b", "a\x7f", "é", "<script>"])
def test_any_other_request_id_is_replaced(client: FlaskClient, given_id: str):
    assert client.get("/v1/ping", headers={"X-Request-Id": given_id}).headers["X-Request-Id"][:4] == "req_"


def test_an_unknown_error_is_logged_once_with_its_stack_and_the_clients_id(client: FlaskClient):
    WORLD.raising = RuntimeError("secret")
    with log_records() as records:
        answer = client.post("/v1/notes", json={"text": "a"}, headers={**WRITE, "X-Request-Id": "r1"})
    assert (answer.status_code, answer.json["instance"]) == (500, "urn:imangor:request:r1")
    assert b"secret" not in answer.data
    assert "detail" not in answer.json
    assert [r.exc_info[1] for r in records if r.levelname == "ERROR"] == [WORLD.raising]
    assert WORLD.rows == []


def test_known_errors_keep_their_status_sentence_and_headers(client: FlaskClient):
    WORLD.raising = Conflict("The note is locked.")
    refused = client.post("/v1/notes", json={"text": "a"}, headers=WRITE)
    assert (refused.status_code, refused.json["detail"]) == (409, "The note is locked.")
    WORLD.raising = DependencyDown(retry_after=7)
    down = client.post("/v1/notes", json={"text": "a"}, headers=WRITE)
    assert (down.status_code, down.headers["Retry-After"]) == (503, "7")
    WORLD.raising = ImangorError("table jobs is gone")
    assert b"table" not in client.post("/v1/notes", json={"text": "a"}, headers=WRITE).data


def test_a_failed_commit_is_not_a_success(client: FlaskClient):
    WORLD.commit_error = RuntimeError("serialization failure")
    answer = client.post("/v1/notes", json={"text": "a"}, headers=WRITE)
    assert (answer.status_code, WORLD.rows) == (500, [])


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("text"), inner),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary() | JSON_VALUES.map(lambda v: json.dumps(v).encode()), multipart=st.booleans())
def test_no_content_gives_a_500(client: FlaskClient, body: bytes, multipart: bool):
    WORLD.clear()
    kind = "multipart/form-data; boundary=x" if multipart else "application/json"
    answer = client.post("/v1/notes", data=body, headers={**WRITE, "Content-Type": kind})
    assert answer.status_code in (201, 400, 422)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.text(), query=st.text(), key=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"))
)
def test_no_address_or_header_gives_a_500(client: FlaskClient, path: bytes, query: str, key: str):
    headers = {**WRITE, "Idempotency-Key": key, "If-Match": key, "X-Request-Id": key, "traceparent": key}
    fields = {"state": query, query: key}
    answer = client.get("/v1/notes/" + quote(path), query_string=fields, headers=headers)
    assert answer.status_code < 500
    assert client.post("/v1/notes/note_1/touch", headers=headers).status_code in (200, 400)
    assert client.patch("/v1/notes/note_1", json={"text": "a"}, headers=headers).status_code < 500
