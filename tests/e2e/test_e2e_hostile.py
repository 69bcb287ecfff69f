"""Requests as an attacker sends them: never a fault of ours, always a problem document, nobody dies of it."""

from __future__ import annotations

import gzip
import http.client
import itertools
import json
import re
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.seed import open_account
from local.testing import Cloud

pytestmark = pytest.mark.cloud

ORDER = {"targets": ["es"], "source_language": "en"}
BODY = json.dumps(ORDER).encode()
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
LIMIT = 20 * 1024 * 1024


class Wire:
    """Bytes to the gateway and its answer, past every HTTP client's good manners."""

    def __init__(self, gateway: str, key: str) -> None:
        self.address = (urlsplit(gateway).hostname, urlsplit(gateway).port)
        self.key = key

    def head(self, method: str, path: str | bytes, *headers: tuple[str, str | bytes]) -> bytes:
        lines = [method.encode() + b" " + _bytes(path) + b" HTTP/1.1", b"Host: x"]
        lines += [b"X-Api-Key: " + self.key.encode(), b"Connection: close"]
        lines += [_bytes(name) + b": " + _bytes(value) for name, value in headers]
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def send(self, *pieces: bytes, finish: bool = False) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by lower-case name, content. With `finish`, sending ends early."""
        with socket.create_connection(self.address, timeout=30) as connection:  # type: ignore[arg-type]
            for piece in pieces:
                connection.sendall(piece)
            if finish:
                connection.shutdown(socket.SHUT_WR)
            reply = http.client.HTTPResponse(connection, method=pieces[0].split(b" ")[0].decode())
            reply.begin()
            return reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read()

    def ask(self, method: str, path: str | bytes, *headers: tuple[str, str | bytes], body: bytes = b""):
        length = [("Content-Length", str(len(body)))] if body else []
        return self.send(self.head(method, path, *headers, *length) + body)

    def order(self, *headers: tuple[str, str | bytes], body: bytes = BODY):
        return self.ask("POST", "/v1/jobs", ("Content-Type", "application/json"), *headers, body=body)


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


def _problem(answer: tuple[int, dict[str, str], bytes]) -> dict[str, Any]:
    status, headers, content = answer
    assert headers["content-type"] == "application/problem+json", (status, content[:200])
    document = dict(json.loads(content))
    assert (document["status"], status // 100) == (status, 4), document
    assert document["detail"]
    return document


@pytest.fixture(scope="module")
def keys(cloud: Cloud) -> Iterator[str]:
    """Keys of a few accounts in turn, so that none meets its rate limit."""
    url, pepper = cloud.connection["superuser_url"], cloud.state.secret("pepper")
    return itertools.cycle([open_account(url, pepper, "Hostile").api_key for _ in range(4)])


@pytest.fixture
def wire(cloud: Cloud, keys: Iterator[str]) -> Wire:
    return Wire(cloud.gateway, next(keys))


@pytest.fixture(autouse=True)
def survivors(cloud) -> Iterator[None]:
    """The same process serves before and after."""
    cloud.request("GET", "/v1/jobs")
    before = cloud.pid("jobs")
    yield
    assert cloud.request("GET", "/v1/jobs?limit=1").status_code == 200
    assert cloud.pid("jobs") == before


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("//v1/jobs", 404),
        ("/v1//jobs", 404),
        ("/v1/jobs/..", 404),
        ("/v1/jobs/%2e%2e", 404),
        ("/v1/jobs/%2F", 404),
        ("/v1/jobs/job_x%2Fcancel", 404),
        ("/v1/jobs/%00", 404),
        ("/v1/jobs/%0Ak/retry", 404),
        ("/%0A", 404),
        ("/v1/jobs/%ff", 404),
        ("/v1/jobs/%ED%A0%80", 404),
        ("/v1/jobs/%", 404),
        ("/v1/jobs/" + "a" * 7000, 404),
        ("/V1/jobs", 404),
        ("/v1/jobs?limit=-1", 422),
        ("/v1/jobs?limit=1.5", 422),
        ("/v1/jobs?limit=" + "9" * 5000, 422),
        ("/v1/jobs?limit=1&limit=2", 422),
        ("/v1/jobs?limit=%ff", 422),
        ("/v1/jobs?cursor=a", 422),
        ("/v1/jobs?cursor=" + "a" * 7000, 422),
        ("/v1/jobs?cursor=%F0%9F%98%80", 422),
        ("/v1/jobs?cursor=OTk5OS0xMi0zMVQyMzo1OTo1OS0xNDowMCB4", 422),
        ("/v1/jobs?cursor=%00", 400),
        ("/v1/jobs?%00=1", 400),
        ("/v1/jobs?state=lost", 422),
        ("/v1/jobs?" + "&".join(f"a{i}=1" for i in range(800)), 422),
        ("/v1/jobs?&&=", 422),
    ],
)
def test_paths_and_queries(wire: Wire, path: str, status: int):
    assert _problem(wire.ask("GET", path))["status"] == status


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("\ud800", 400),
        ("a\x00b", 400),
        ("\x1f", 422),
        ("../../etc/passwd", 422),
        ("x" * 256, 422),
        ("\U0001f600" * 255, 201),
        ('"; filename=x"\u2028\u202e\ufeff', 201),
    ],
)
def test_names(wire: Wire, name: str, status: int):
    answer = wire.order(body=json.dumps(ORDER | {"name": name}).encode())
    assert answer[0] == status
    if status == 201:
        assert json.loads(answer[2])["name"] == name
    else:
        _problem(answer)


@pytest.mark.parametrize(
    "value", ["\ud800", "\x00", "", "i-klingon", "x" * 1000, "еs", "es\n", 1, None, {}, []]
)
@pytest.mark.parametrize("field", ["targets", "source_language"])
def test_languages(wire: Wire, field: str, value: Any):
    order = ORDER | {field: [value] if field == "targets" else value}
    assert _problem(wire.order(body=json.dumps(order).encode()))["status"] in {400, 422}


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"targets": ["es"', "The content is not valid JSON at line 1, column 18."),
        (b'{"targets": "\xff"}', "The content is not UTF-8 from byte 14 on."),
        (b'{"targets": 1e999}', "A number is too large."),
        (b'{"targets": ' + b"1" * 5000 + b"}", "A number has too many digits."),
        (b"{}", "/targets: Name the targets; the account has no default ones that are of use here."),
        (b"[]", "This must be an object."),
        (b'{"targets": []}', "/targets: This must have at least 1 item."),
        (b'{"targets": ["es", "ES"]}', "/targets: Each target must be given only once."),
        (b'{"targets": ["no such"]}', "/targets/0: This must be a language tag such as es or pt-BR."),
        (
            b'{"targets": ["es"], "a": 1, "b": 2}',
            "/a: There is no member of this name. (1 more in `errors`.)",
        ),
        (
            b'{"targets": ["en"], "source_language": "EN"}',
            "/source_language: This is one of the targets, too.",
        ),
        (
            b'{"targets": ["es"], "name": "a/b"}',
            "/name: A name has no slashes and no control characters.",
        ),
    ],
)
def test_the_detail_alone_says_what_to_mend(wire: Wire, body: bytes, detail: str):
    assert _problem(wire.order(body=body))["detail"] == detail


def test_unknown_members_are_not_repeated_at_length(wire: Wire):
    members = {f"{i}" + "x" * 10000: 1 for i in range(100)}
    answer = wire.order(body=json.dumps(ORDER | members).encode())
    assert _problem(answer)["status"] == 422
    assert len(answer[2]) < 20000


def _part(name: str | None, data: bytes, filename: bytes | None = None) -> bytes:
    head = b"--XX\r\nContent-Disposition: form-data"
    head += b"" if name is None else b'; name="' + name.encode() + b'"'
    head += b"" if filename is None else b'; filename="' + filename + b'"'
    return head + b"\r\n\r\n" + data + b"\r\n"


TARGETS, REQUEST, END = _part("targets", b"es"), _part("request", BODY), b"--XX--\r\n"
MULTIPART = "multipart/form-data; boundary=XX"


@pytest.mark.parametrize(
    ("body", "kind", "status", "words"),
    [
        (TARGETS + END, "multipart/form-data; boundary=YY", 400, "its boundary that of Content-Type"),
        (TARGETS + END, "multipart/form-data", 400, "its boundary that of Content-Type"),
        (TARGETS, MULTIPART, 400, "must be complete"),
        (TARGETS + _part("file", PNG, b"a.png")[:-20], MULTIPART, 400, "must be complete"),
        (TARGETS + _part("file", PNG, b"\xff\xfe") + END, MULTIPART, 400, "UTF-8"),
        (END, MULTIPART, 400, "cannot be read"),
        (b"\0" * 1000, MULTIPART, 400, "cannot be read"),
        (TARGETS + _part(None, b"x") + END, MULTIPART, 400, "has no name"),
        (TARGETS + _part("file", PNG, b"a") * 2 + END, MULTIPART, 422, "only one part named file"),
        (TARGETS + _part("upload", PNG, b"a") + END, MULTIPART, 422, "must be a part named file"),
        (TARGETS + _part("file", PNG) + END, MULTIPART, 422, "must have a file name"),
        (TARGETS + _part("file", PNG, b"../../etc/passwd") + END, MULTIPART, 422, "begins as PNG"),
        (REQUEST * 2 + END, MULTIPART, 422, "no other part"),
        (REQUEST + TARGETS + END, MULTIPART, 422, "no other part"),
        (_part("request", BODY, b"r") + TARGETS + END, MULTIPART, 422, "no other part"),
        (_part("request", b"\xed\xa0\x80") + END, MULTIPART, 400, "not valid JSON"),
        (TARGETS + _part("name", b"a") * 2 + END, MULTIPART, 422, "only once"),
        (_part("targets", b"e\0s") + END, MULTIPART, 400, "U+0000"),
        (_part("targets", b",") + END, MULTIPART, 422, "at least 1 item"),
        (TARGETS + _part("name", b"x") * 1500 + END, MULTIPART, 413, "more than 1000 parts"),
        (_part("targets", b"e" * 600_000) + END, MULTIPART, 413, "more than 500000 bytes"),
        (TARGETS + END, "multipart/mixed; boundary=XX", 415, "multipart/form-data"),
    ],
)
def test_multipart(wire: Wire, body: bytes, kind: str, status: int, words: str):
    document = _problem(wire.ask("POST", "/v1/jobs", ("Content-Type", kind), body=body))
    assert document["status"] == status
    assert words in document["detail"]


@pytest.mark.parametrize(
    ("body", "encoding"), [(gzip.compress(BODY), "gzip"), (BODY, "gzip"), (BODY, "br"), (BODY, "x, y")]
)
def test_encoded_content_is_refused_and_not_unpacked(wire: Wire, body: bytes, encoding: str):
    document = _problem(wire.order(("Content-Encoding", encoding), body=body))
    assert (document["status"], "Content-Encoding" in document["detail"]) == (415, True)


@pytest.mark.parametrize("size", [LIMIT + 1024 * 1024, 31 * 1024 * 1024, 40 * 1024 * 1024])
@pytest.mark.parametrize("chunked", [False, True])
def test_too_large_a_body_is_413_every_time(wire: Wire, cloud, size: int, chunked: bool):
    for kind in ("application/json", MULTIPART):
        content: Any = _pieces(size) if chunked else b"\0" * size
        reply = cloud.request("POST", "/v1/jobs", key=wire.key, data=content, headers={"Content-Type": kind})
        assert (reply.status_code, reply.headers["Content-Type"]) == (413, "application/problem+json")
        assert reply.json()["detail"]


def test_who_may_not_call_learns_that_first_however_much_is_sent(cloud):
    reply = cloud.request("POST", "/v1/jobs", key="nobody", data=b"\0" * (LIMIT + 1024 * 1024))
    assert (reply.status_code, reply.json()["detail"]) == (401, "The API key or token is not valid.")


def _pieces(size: int) -> Iterator[bytes]:
    for _ in range(size // 65536):
        yield b"\0" * 65536


def test_a_slow_body_is_waited_for(wire: Wire):
    head = wire.head(
        "POST", "/v1/jobs", ("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))
    )
    assert wire.send(head, *(BODY[i : i + 1] for i in range(len(BODY))))[0] == 201


def test_a_chunked_body_is_read_to_its_end(wire: Wire):
    head = wire.head(
        "POST", "/v1/jobs", ("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")
    )
    chunks = b"".join(b"1\r\n" + BODY[i : i + 1] + b"\r\n" for i in range(len(BODY)))
    assert wire.send(head, chunks, b"0\r\nX-Api-Key: other\r\n\r\n")[0] == 201


@pytest.mark.parametrize(
    "framing",
    [
        [("Content-Length", "-1")],
        [("Content-Length", "abc")],
        [("Content-Length", "5"), ("Content-Length", "6")],
        [("Content-Length", "5"), ("Transfer-Encoding", "chunked")],
    ],
)
def test_a_request_of_two_lengths_or_none_is_refused(wire: Wire, framing: list[tuple[str, str]]):
    head = wire.head("POST", "/v1/jobs", ("Content-Type", "application/json"), *framing)
    assert wire.send(head, b"0\r\n\r\n")[0] == 400


@pytest.mark.parametrize("framing", [("Content-Length", "100"), ("Transfer-Encoding", "chunked")])
def test_half_a_body_makes_no_job(new_caller, framing: tuple[str, str]):
    caller = new_caller()
    wire = Wire(caller.cloud.gateway, caller.key)
    head = wire.head("POST", "/v1/jobs", ("Content-Type", "application/json"), framing)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        wire.send(head, b"5\r\n{", finish=True)
    assert caller.call("GET", "/v1/jobs").json()["jobs"] == []


@pytest.mark.parametrize("framing", [("Content-Length", "100"), ("Transfer-Encoding", "chunked")])
@pytest.mark.parametrize("content", [b"zz\r\n{", b"5\r\n{", b"3\r\n{}}XX0\r\n\r\n"])
def test_a_function_takes_a_broken_body_for_the_callers_fault(
    wire: Wire, cloud, framing: tuple[str, str], content: bytes
):
    port = next(f["port"] for f in cloud.status()["functions"] if f["name"] == "jobs")
    direct = Wire(f"http://127.0.0.1:{port}", wire.key)
    head = direct.head("POST", "/v1/jobs", ("Content-Type", "application/json"), framing)
    assert _problem(direct.send(head, content, finish=True))["status"] == 400


@pytest.mark.parametrize(
    "headers",
    [
        [(f"X-A{i}", "1") for i in range(80)],
        [(f"X-A{i}", "a" * 7000) for i in range(10)],
        [("SCRIPT_NAME", "/evil"), ("PATH_INFO", "/v1/languages")],
        [("X-Forwarded-Ssl", "on"), ("X-Forwarded-Protocol", "ssl"), ("X-Forwarded-Proto", "gopher")],
        [("X-Forwarded-For", "127.0.0.1, " * 500), ("Forwarded", "for=::1"), ("X-Real-Ip", "\xff")],
        [("X-HTTP-Method-Override", "DELETE"), ("X-Method-Override", "PUT"), ("X-HTTP-Method", "PATCH")],
        [("traceparent", "00-" + "g" * 32 + "-0-1"), ("X-Cloud-Trace-Context", "\xff;;/")],
        [("Connection", "Upgrade"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABk")],
        [("Ce-Id", "1"), ("Ce-Type", "x"), ("Ce-Source", "y"), ("Ce-Specversion", "1.0")],
        [("Accept", "application/xml"), ("Accept-Encoding", "identity;q=0, *;q=0")],
        [("Accept-Encoding", "gzip;q=abc,,\xff"), ("Range", "bytes=0-1"), ("If-None-Match", '"x')],
        [("Function-Execution-Id", "\xff"), ("Cookie", "\xff=;;"), ("Transfer_Encoding", "chunked")],
    ],
)
def test_headers_that_change_nothing(wire: Wire, headers: list[tuple[str, str]]):
    status, _, content = wire.ask("GET", "/v1/jobs?state=expired", *headers)
    assert (status, json.loads(content)) == (200, {"jobs": [], "next_cursor": None})


@pytest.mark.parametrize("count", [200, 5000])
def test_a_flood_of_headers_is_refused(wire: Wire, count: int):
    assert wire.ask("GET", "/v1/jobs", *[(f"X-A{i}", "1") for i in range(count)])[0] in {400, 431}


@pytest.mark.parametrize("given", ["a" * 200, "<script>", "\xe9", "a\tb", ""])
def test_a_request_id_that_could_harm_a_log_is_replaced(wire: Wire, given: str):
    _, headers, _ = wire.ask("GET", "/v1/jobs", ("X-Request-Id", given))
    assert re.fullmatch(r"req_[0-9a-z]{26}", headers["x-request-id"])


def test_headers_cannot_be_smuggled_in_a_request_id(wire: Wire):
    assert "x-evil" not in wire.ask("GET", "/v1/jobs", ("X-Request-Id", "a\r\nX-Evil: 1"))[1]
    assert wire.ask("GET", "/v1/jobs", ("X-Request-Id", "a\nX-Evil: 1"))[0] == 400


@pytest.mark.parametrize("key", ["", "a" * 256, "\xe9", "\t"])
def test_idempotency_keys_are_plain_words(wire: Wire, key: str):
    assert "printable ASCII" in _problem(wire.order(("Idempotency-Key", key)))["detail"]


@pytest.mark.parametrize(
    "credentials",
    [
        [("Authorization", "Bearer")],
        [("Authorization", "Basic eDp5")],
        [("Authorization", "Bearer \xff")],
        [("X-Api-Key", "")],
        [("X-Api-Key", "img_test_" + "\xe9" * 36)],
        [("X-Api-Key", "x" * 7000)],
        [("Cookie", "X-Api-Key=1")],
        [],
    ],
)
def test_without_a_key_there_is_only_401(wire: Wire, credentials: list[tuple[str, str]]):
    lines = "".join(f"{name}: {value}\r\n" for name, value in credentials)
    head = f"GET /v1/jobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n"
    answer = wire.send(head.encode("latin-1"))
    assert "API key" in _problem(answer)["detail"]
    assert (answer[0], answer[1]["www-authenticate"]) == (401, 'Bearer realm="imangor"')


def test_methods(wire: Wire):
    status, headers, content = wire.ask("HEAD", "/v1/jobs")
    assert (status, content, headers["content-type"]) == (200, b"", "application/json")
    status, headers, _ = wire.ask("OPTIONS", "/v1/jobs")
    assert (status, headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    for method in ("PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
        answer = wire.ask(method, "/v1/jobs")
        assert _problem(answer)["status"] == 405
        assert answer[1]["allow"] == "GET, HEAD, OPTIONS, POST"


def test_a_foreign_origin_gets_no_permission(wire: Wire):
    origin = ("Origin", "https://evil.example")
    asked = ("Access-Control-Request-Method", "POST")
    for answer in (wire.ask("OPTIONS", "/v1/jobs", origin, asked), wire.ask("GET", "/v1/jobs", origin)):
        assert not [name for name in answer[1] if name.startswith("access-control-")]
