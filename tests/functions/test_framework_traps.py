"""What functions-framework does behind a function's back, and that none of it reaches a client."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import types
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from scenarios.framework import HERE, called_by, isolated, log_lines, push, serve
from scenarios.in_memory import WORLD

from shared.core import config, tracing

READ = {"Authorization": "Bearer reader"}
TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.fixture(autouse=True)
def _isolated() -> Iterator[None]:
    with isolated():
        yield


def test_a_function_after_an_event_function_is_still_served_as_http():
    serve("framework_event")
    assert os.environ["FUNCTION_SIGNATURE_TYPE"] == "cloudevent"
    assert serve("notes").get("/v1/ping").json["text"] == "pong"


def test_the_entry_points_are_plain_functions_of_their_own_name():
    for name in ("notes", "on_file", "do_work", "tidy"):
        serve(name)
        entry = getattr(sys.modules["main"], name)
        assert type(entry) is types.FunctionType
        assert entry.__name__ == name


def test_two_functions_in_one_process_read_their_own_manifests():
    notes, on_file = serve("notes"), serve("on_file")
    attributes = {"eventType": "OBJECT_FINALIZE", "bucketId": "b", "objectId": "o", "objectGeneration": "1"}
    delivered = on_file.post("/", json=push(None, attributes), headers=called_by("on-file", "events"))
    assert delivered.status_code == 204
    assert WORLD.seen
    assert notes.get("/v1/notes", headers=READ).status_code == 200


def test_nothing_is_read_when_a_module_is_loaded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MAX_BODY_BYTES", "not a number")
    config.forget()
    client = serve("notes")
    answer = client.get("/v1/ping")
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert b"MAX_BODY_BYTES" not in answer.data


@pytest.mark.parametrize("path", ["/robots.txt", "/favicon.ico", "/", "/nowhere", "/v1//notes", "//"])
def test_unknown_paths_are_problems_and_never_pages_or_redirects(path: str):
    answer = serve("notes").get("/", headers=READ, environ_overrides={"PATH_INFO": path})
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert answer.json["type"].endswith("/not-found")
    assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/v1/ping", "GET ping"),
        ("HEAD", "/v1/ping?q=secret", "GET ping"),
        ("GET", "/v1/notes/secret", "GET get_note"),
        ("GET", "/secret", "GET"),
        ("SECRET", "/v1/ping", "_OTHER"),
    ],
)
def test_spans_and_lines_have_our_words_for_what_was_asked(method: str, path: str, name: str):
    kept: list[tracing.Span] = []
    tracing.export_to(kept.extend)
    with log_lines() as lines:
        serve("notes").open(path, method=method, headers={**READ, "traceparent": TRACEPARENT})
    tracing.export_to(None)
    assert kept[-1].name == name
    assert [each for each in [*map(vars, kept), *lines] if "secret" in str(each).lower()] == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_folder_that_flask_would_publish_is_not_there(method: str):
    answer = serve("notes").open("/static/main.py", method=method)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_a_crash_tells_nothing_and_has_no_crash_header():
    WORLD.raising = RuntimeError("the password is hunter2")
    answer = serve("notes").get("/v1/ping")
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert b"hunter2" not in answer.data
    assert "X-Google-Status" not in answer.headers


def test_a_handler_that_does_not_fit_its_manifest_is_refused():
    assert serve("stray").post("/", headers=called_by("stray", "events")).status_code == 500


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_framework_command_serves_a_function_from_any_folder(tmp_path: Path):
    port = _free_port()
    command = [Path(sys.executable).with_name("functions-framework"), "--host", "127.0.0.1"]
    command += ["--source", HERE / "notes" / "main.py", "--target", "notes", "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        body = _fetch_when_up(f"http://127.0.0.1:{port}/v1/ping", server)
        assert b"pong" in body
        assert _refused_upload(port) == b"HTTP/1.1 413"
    finally:
        server.terminate()
        server.wait(10)


def _fetch_when_up(url: str, server: subprocess.Popen[bytes]) -> bytes:
    for _ in range(200):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own loopback address
                return bytes(answer.read())
        except urllib.error.URLError:
            assert server.poll() is None
            time.sleep(0.1)
    raise AssertionError("the server never answered")


def _refused_upload(port: int) -> bytes:
    """The status line that a sender of chunks without an announced length gets beyond the limit."""
    head = b"POST /v1/notes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer writer\r\n"
    head += b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        wire.sendall(head + b"".join(b"1000\r\n" + b" " * 4096 + b"\r\n" for _ in range(8)) + b"0\r\n\r\n")
        return wire.recv(4096)[:12]
