"""Uploads to the Cloud Storage emulator: cut, resumed, cancelled, raced and survived."""

from __future__ import annotations

import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from local.storage.backend import open_backend
from local.storage.objects import Draft
from local.storage.process import StorageProcess

GRANULE = 256 * 1024


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    started = StorageProcess(tmp_path_factory.mktemp("storage"))
    yield started
    started.kill()


@pytest.fixture(scope="module")
def client(emulator):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
        yield storage.Client(project="imangor-local", credentials=AnonymousCredentials())


@pytest.fixture
def bucket(client, request):
    return client.create_bucket(f"b-{abs(hash(request.node.name))}")


def _upload_url(emulator, bucket, **parameters):
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    return f"{emulator.url}/upload/storage/v1/b/{bucket.name}/o?{query}"


def _session(emulator, bucket, name, **parameters):
    url = _upload_url(emulator, bucket, uploadType="resumable", name=name, **parameters)
    started = requests.post(url, json={"metadata": {"from": "session"}}, timeout=5)
    assert started.status_code == 200, started.text
    return started.headers["Location"]


def _put(url, body, content_range):
    return requests.put(url, data=body, headers={"Content-Range": content_range}, timeout=10)


def _files(emulator):
    return len(os.listdir(emulator.state / "content"))


def test_wrong_client_checksums_and_cut_bodies_leave_nothing_behind(emulator, bucket):
    before = _files(emulator)
    for wrong in ({"md5_hash": "AAAAAAAAAAAAAAAAAAAAAA=="}, {"crc32c": "AAAAAA=="}):
        blob = bucket.blob("x")
        for name, value in wrong.items():
            setattr(blob, name, value)
        with pytest.raises(exceptions.BadRequest, match="doesn't match calculated"):
            blob.upload_from_string(b"content", checksum=None)
    url = _upload_url(emulator, bucket, uploadType="multipart")
    cut = b'--B\r\nContent-Type: application/json\r\n\r\n{"name":"x"}\r\n--B\r\n\r\ncontent'
    kind = {"Content-Type": "multipart/related; boundary=B"}
    assert requests.post(url, data=cut, headers=kind, timeout=5).status_code == 400
    path = url.removeprefix(emulator.url).replace("multipart", "media&name=x")
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=5) as raw:
        raw.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\ncontent".encode())
    time.sleep(0.2)
    assert bucket.get_blob("x") is None
    assert _files(emulator) == before


def test_resumable_upload_in_chunks_by_the_client(bucket):
    content = os.urandom(3 * GRANULE + 17)
    blob = bucket.blob("big", chunk_size=GRANULE)
    blob.upload_from_string(content)
    assert blob.download_as_bytes() == content
    with bucket.blob("written").open("wb", chunk_size=GRANULE) as writer:
        writer.write(content)
    assert bucket.blob("written").download_as_bytes() == content
    bucket.blob("nothing", chunk_size=GRANULE).upload_from_string(b"")
    assert bucket.blob("nothing", chunk_size=GRANULE).download_as_bytes() == b""


def test_resumable_session_resumes_where_the_service_says(emulator, bucket):
    content = os.urandom(2 * GRANULE + 100)
    total = len(content)
    url = _session(emulator, bucket, "x")
    status = _put(url, b"", f"bytes */{total}")
    assert (status.status_code, status.headers.get("Range")) == (308, None)
    partial = _put(url, content[: GRANULE + 5], f"bytes 0-{GRANULE + 4}/{total}")
    assert (partial.status_code, partial.headers["Range"]) == (308, f"bytes=0-{GRANULE - 1}")
    assert _put(url, content[-5:], f"bytes {total - 5}-{total - 1}/{total}").status_code == 503
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=5) as raw:
        head = f"PUT {url.removeprefix(emulator.url)} HTTP/1.1\r\nHost: x\r\n"
        head += f"Content-Length: {total - GRANULE}\r\n"
        raw.sendall(f"{head}Content-Range: bytes {GRANULE}-{total - 1}/{total}\r\n\r\n".encode())
        raw.sendall(content[GRANULE : 2 * GRANULE + 50])
        deadline = time.monotonic() + 5
        while (status := _put(url, b"", "bytes */*")).headers.get("Range") != f"bytes=0-{2 * GRANULE - 1}":
            assert time.monotonic() < deadline
    assert bucket.get_blob("x") is None
    done = _put(url, content[2 * GRANULE :], f"bytes {2 * GRANULE}-{total - 1}/{total}")
    assert (done.status_code, done.json()["metadata"]) == (200, {"from": "session"})
    again = _put(url, b"", f"bytes */{total}")
    assert (again.status_code, again.json()["generation"]) == (200, done.json()["generation"])
    assert bucket.blob("x").download_as_bytes() == content


def test_a_later_request_takes_a_session_over_from_a_stalled_one(emulator, bucket):
    url = _session(emulator, bucket, "x")
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=5) as stalled:
        path = url.removeprefix(emulator.url)
        head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {GRANULE}\r\n"
        head += f"Content-Range: bytes 0-{GRANULE - 1}/*\r\n\r\n"
        stalled.sendall(head.encode() + b"0" * 10)
        time.sleep(0.1)
        assert _put(url, b"1" * GRANULE, f"bytes 0-{GRANULE - 1}/*").status_code == 308
        stalled.sendall(b"0" * (GRANULE - 10))
        assert b" 503 " in stalled.recv(100)
    assert _put(url, b"", f"bytes */{GRANULE}").status_code == 200
    assert bucket.blob("x").download_as_bytes() == b"1" * GRANULE


def test_concurrent_finishers_of_a_session_get_the_same_object(emulator, bucket):
    url = _session(emulator, bucket, "x")
    size = 16 * GRANULE
    assert _put(url, b"0" * size, f"bytes 0-{size - 1}/*").headers["Range"] == f"bytes=0-{size - 1}"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _put(url, b"", f"bytes */{size}"), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["generation"] for answer in answers} == {str(bucket.get_blob("x").generation)}


def test_generations_grow_even_when_the_clock_goes_back(tmp_path):
    now = 0.0
    backend = open_backend(tmp_path, "http://local", clock=lambda: now)
    backend.buckets.create({"name": "bucket"})
    made = []
    for now in (2000.0, 1000.0, 1000.0, 3000.0):  # noqa: B007 - the clock reads it
        content = backend.content.create()
        draft = Draft("bucket", "x", content, backend.content.digests(content), {})
        made.append(backend.objects.commit(draft).generation)
    assert made == [2_000_000_000, 2_000_000_001, 2_000_000_002, 3_000_000_000]


def test_a_cancelled_session_is_gone(emulator, bucket):
    before = _files(emulator)
    url = _session(emulator, bucket, "x")
    _put(url, b"0" * GRANULE, f"bytes 0-{GRANULE - 1}/*")
    assert requests.delete(url, timeout=5).status_code == 499
    assert _put(url, b"", "bytes */*").status_code == 404
    assert _files(emulator) == before


def test_of_sixteen_concurrent_creators_exactly_one_wins(emulator, bucket):
    sessions = [_session(emulator, bucket, "x", ifGenerationMatch=0) for _ in range(8)]
    media = _upload_url(emulator, bucket, uploadType="media", name="x", ifGenerationMatch=0)

    def create(number):
        content = str(number).encode() * 50_000
        if number < 8:
            size = len(content)
            return _put(sessions[number], content, f"bytes 0-{size - 1}/{size}").status_code
        return requests.post(media, data=content, timeout=10).status_code

    with ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(create, range(16)))
    assert sorted(codes) == [200] + [412] * 15
    winner = codes.index(200)
    assert bucket.blob("x").download_as_bytes() == str(winner).encode() * 50_000


def test_killed_and_started_again_it_has_lost_nothing(emulator, bucket):
    blob = bucket.blob("kept")
    blob.upload_from_string(b"to be replaced")
    files = _files(emulator)
    blob.upload_from_string(b"kept")
    assert _files(emulator) == files
    url = _session(emulator, bucket, "x")
    _put(url, b"0" * GRANULE, f"bytes 0-{GRANULE - 1}/{GRANULE + 1}")
    path = _upload_url(emulator, bucket, uploadType="media", name="half").removeprefix(emulator.url)
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=5) as raw:
        raw.sendall(
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n".encode() + b"0" * 500_000
        )
        time.sleep(0.2)
        files = _files(emulator)
        emulator.kill()
    emulator.start()
    assert _files(emulator) == files - 1
    again = bucket.get_blob("kept")
    assert (again.generation, again.download_as_bytes()) == (blob.generation, b"kept")
    assert bucket.get_blob("half") is None
    assert _put(url, b"", "bytes */*").headers["Range"] == f"bytes=0-{GRANULE - 1}"
    assert _put(url, b"1", f"bytes {GRANULE}-{GRANULE}/{GRANULE + 1}").status_code == 200
    assert bucket.get_blob("x").size == GRANULE + 1
    again.upload_from_string(b"newer")
    assert again.generation > blob.generation
