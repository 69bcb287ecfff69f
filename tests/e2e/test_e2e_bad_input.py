"""Bad and hostile input gets a precise answer, costs nothing and leaves nothing behind."""

from __future__ import annotations

import io
import json
import struct
import zlib

import pytest
import requests
from PIL import Image

from local.testing import until

pytestmark = pytest.mark.cloud


def _png_of(width: int, height: int) -> bytes:
    """A tiny file whose header announces a huge picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * (width * 3 + 1) * 64)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _truncated(draw) -> bytes:
    return draw(kind="JPEG")[:1500]


FILES = {
    "empty": (lambda draw: b"", 422, "empty-upload"),
    "text": (lambda draw: b"just some words\n" * 20, 415, "unsupported-media"),
    "pdf": (lambda draw: b"%PDF-1.7\n1 0 obj\n", 415, "unsupported-media"),
    "svg": (lambda draw: b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported-media"),
    "pixels": (lambda draw: _png_of(20_000, 6_000), 413, "too-many-pixels"),
    "bomb": (lambda draw: _png_of(60_000, 60_000), 413, "too-many-pixels"),
    "header": (lambda draw: b"\x89PNG\r\n\x1a\n" + b"\0" * 40, 422, "unreadable-picture"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_bad_file_by_multipart_is_refused_at_once(new_caller, draw, case):
    make, status, slug = FILES[case]
    caller = new_caller()
    reply = caller.send(make(draw))
    assert (reply.status_code, reply.json()["type"].rsplit("/", 1)[1]) == (status, slug)
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert caller.call("GET", "/v1/jobs").json()["jobs"] == []
    assert caller.objects(f"uploads/{caller.account}/", "uploads") == []


@pytest.mark.parametrize("case", [case for case in FILES if case != "empty"])
def test_a_bad_file_by_signed_upload_fails_its_job_and_gives_the_credits_back(new_caller, draw, case):
    caller = new_caller()
    job = caller.order()
    put = job["upload"]["put"]
    data = FILES[case][0](draw)
    assert requests.put(put["url"], data=data, headers=put["headers"], timeout=10).status_code == 200
    found = caller.ended(job["id"])
    assert (found["state"], found["error"]["slug"]) == ("failed", FILES[case][2])
    charges = caller.call("GET", f"/v1/jobs/{job['id']}/receipt").json()["charges"]
    assert [charge["kind"] for charge in charges] == ["hold", "release"]


def test_a_truncated_picture_fails_with_a_clear_reason(new_caller, draw):
    caller = new_caller()
    reply = caller.send(_truncated(draw))
    assert reply.status_code in {201, 422}
    if reply.status_code == 201:
        assert caller.ended(reply.json()["id"])["error"]["slug"] == "unreadable-picture"


def test_an_empty_signed_upload_is_refused_by_the_bucket(caller):
    put = caller.order()["upload"]["put"]
    assert requests.put(put["url"], data=b"", headers=put["headers"], timeout=10).status_code == 400


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"targets": ["es"], "colour": "red"}, "/colour", "unknown-member"),
        ({"targets": []}, "/targets", "too-few"),
        ({"targets": ["spanish!"]}, "/targets/0", None),
        ({"targets": ["es"], "source_language": 7}, "/source_language", None),
        ({"targets": ["es"] * 30}, "/targets", "too-many"),
        ({"targets": ["de"]}, "/targets/0", "unsupported-language"),
        ({"targets": ["es"], "source_language": "ja"}, "/source_language", "unsupported-language"),
        ({"targets": ["es"], "name": "../../etc/passwd"}, "/name", None),
        ({}, "/targets", "required"),
    ],
)
def test_a_bad_order_says_where_it_is_wrong(caller, body, pointer, code):
    reply = caller.call("POST", "/v1/jobs", json=body)
    assert reply.status_code == 422
    found = reply.json()["errors"]
    assert any(e["pointer"].startswith(pointer) and code in (None, e["code"]) for e in found), found


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"targets":["es"],"targets":["fr"]}', "application/json", 400),
        (b"[" * 5000, "application/json", 400),
        (b'{"targets": NaN}', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"targets=es", "application/x-www-form-urlencoded", 415),
        (b"", "application/json", 400),
    ],
)
def test_unreadable_requests(caller, content, kind, status):
    reply = caller.call("POST", "/v1/jobs", data=content, headers={"Content-Type": kind})
    assert (reply.status_code, reply.headers["Content-Type"]) == (status, "application/problem+json")


def test_a_body_over_the_limit_is_413(caller):
    reply = caller.send(b"\x89PNG\r\n\x1a\n" + b"\0" * (22 * 1024 * 1024))
    assert reply.status_code == 413


def test_an_account_without_credits_is_402_and_nothing_is_left(new_caller, draw):
    caller = new_caller(credits=1)
    reply = caller.send(draw(), targets="es,ca")
    assert (reply.status_code, reply.json()["title"]) == (402, "Insufficient credits")
    assert caller.call("GET", "/v1/jobs").json()["jobs"] == []
    assert caller.objects(f"uploads/{caller.account}/", "uploads") == []


def test_a_pair_without_an_engine_fails_that_target_alone(caller, draw):
    job = caller.ended(caller.send(draw(), targets="es,fr").json()["id"])
    assert job["state"] == "partly_completed"
    errors = {t["language"]: (t["error"] or {}).get("slug") for t in job["targets"]}
    assert errors == {"es": None, "fr": "unsupported-pair"}


@pytest.mark.parametrize(
    ("path", "slug"),
    [
        ("enes/a.png", "inbox-path-invalid"),
        ("en-es-fr/a.png", "inbox-path-invalid"),
        ("en-xx9/a.png", "inbox-path-invalid"),
        ("en-de/a.png", "unsupported-language"),
        ("en-es/../../../evil.png", "inbox-path-invalid"),
        ("en-es//a.png", "inbox-path-invalid"),
        ("a.png", "inbox-path-invalid"),
        ("en-es/words.png", "unsupported-media"),
    ],
)
def test_a_rejected_inbox_file_gets_an_error_file_in_its_own_folder(new_caller, path, slug):
    caller = new_caller()
    caller.drop(path, b"no picture at all")
    names = until(lambda: caller.objects(f"results/{caller.account}/"), 60)
    assert len(names) == 1
    assert names[0].endswith(".error.json")
    assert ".." not in names[0].removesuffix(".error.json").split("/")
    bucket = caller.cloud.storage().bucket(caller.cloud.connection["buckets"]["results"])
    error = json.loads(bucket.blob(names[0]).download_as_bytes())
    assert error["error"]["slug"] == slug


def test_an_empty_inbox_file_is_rejected(new_caller):
    caller = new_caller()
    caller.drop("en-es/empty.png", b"")
    names = until(lambda: caller.objects(f"results/{caller.account}/"), 30)
    assert names == [f"results/{caller.account}/en-es/empty.png.error.json"]


def test_folders_and_strangers_in_the_bucket_are_ignored(caller):
    storage = caller.cloud.storage()
    bucket = storage.bucket(caller.cloud.connection["buckets"]["uploads"])
    before = len(caller.call("GET", "/v1/jobs?limit=100").json()["jobs"])
    for name in (f"inbox/{caller.account}/en-es/", "inbox/acc_nobody/en-es/a.png", "elsewhere.png"):
        bucket.blob(name).upload_from_string(b"x")
    assert len(caller.call("GET", "/v1/jobs?limit=100").json()["jobs"]) == before


def test_a_picture_without_text_comes_back_as_it_was(caller):
    plain = io.BytesIO()
    Image.new("RGB", (200, 120), (90, 140, 60)).save(plain, "PNG")
    job = caller.ended(caller.send(plain.getvalue()).json()["id"])
    assert job["state"] == "completed"
    outputs = caller.call("GET", f"/v1/jobs/{job['id']}/outputs").json()["outputs"]
    picture = next(o for o in outputs if o["kind"] == "picture")
    result = Image.open(io.BytesIO(requests.get(picture["url"], timeout=10).content))
    assert result.tobytes() == Image.open(io.BytesIO(plain.getvalue())).tobytes()
