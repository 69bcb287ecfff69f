"""Signed URLs and cross-origin requests of the Cloud Storage emulator."""

from __future__ import annotations

import datetime
import json
import socket
import time
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.oauth2 import service_account

from local.identity import SIGNER_KEY, ensure_keys
from local.storage.errors import StorageError
from local.storage.process import StorageProcess
from local.storage.signing import SignatureVerifier

GRANULE = 256 * 1024
ORIGIN = "https://app.example"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    started = StorageProcess(tmp_path_factory.mktemp("storage"))
    yield started
    started.kill()


@pytest.fixture(scope="module")
def bucket(emulator):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
        client = storage.Client(project="imangor-local", credentials=AnonymousCredentials())
        bucket = client.bucket("signed-bucket")
        headers = ["Content-Type", "x-goog-resumable", "x-goog-meta-*", "x-goog-generation"]
        bucket.cors = [
            {"origin": [ORIGIN], "method": ["PUT", "POST"], "responseHeader": headers, "maxAgeSeconds": 9}
        ]
        yield client.create_bucket(bucket)


@pytest.fixture(scope="module")
def sign(emulator, bucket):
    credentials = service_account.Credentials.from_service_account_file(emulator.signer)

    def signed(name, method, **options):
        options = {"credentials": credentials, "expiration": datetime.timedelta(minutes=5), **options}
        endpoint = {"version": "v4", "method": method, "api_access_endpoint": emulator.url}
        return bucket.blob(name).generate_signed_url(**endpoint, **options)

    return signed


def _code(response):
    assert response.headers["Content-Type"].startswith("application/xml")
    return response.status_code, ElementTree.fromstring(response.content).findtext("Code")  # noqa: S314


def test_a_signed_url_reads_writes_and_deletes_just_that_object(bucket, sign):
    name = "uploads/ä b+c?/source"
    kind = {"Content-Type": "image/png", "x-goog-meta-job": "job_1"}
    put = sign(name, "PUT", content_type="image/png", headers={"x-goog-meta-job": "job_1"})
    written = requests.put(put, data=b"picture", headers=kind, timeout=5)
    assert written.status_code == 200, written.text
    blob = bucket.get_blob(name)
    assert written.headers["x-goog-generation"] == str(blob.generation)
    assert (blob.content_type, blob.metadata) == ("image/png", {"job": "job_1"})
    get = sign(name, "GET", response_disposition="attachment; filename=a.png")
    read = requests.get(get, headers={"Range": "bytes=0-3"}, timeout=5)
    assert (read.status_code, read.content) == (206, b"pict")
    assert read.headers["Content-Disposition"] == "attachment; filename=a.png"
    assert requests.get(get, headers={"If-None-Match": read.headers["ETag"]}, timeout=5).status_code == 304
    assert requests.head(sign(name, "HEAD"), timeout=5).headers["Content-Length"] == "7"
    assert _code(requests.put(get, data=b"x", timeout=5)) == (403, "SignatureDoesNotMatch")
    assert _code(requests.get(get.replace("source", "other"), timeout=5)) == (403, "SignatureDoesNotMatch")
    assert requests.delete(sign(name, "DELETE"), timeout=5).status_code == 204
    assert _code(requests.get(get, timeout=5)) == (404, "NoSuchKey")


def test_what_is_not_signed_by_the_account_is_refused(emulator, bucket, sign, tmp_path):
    bucket.blob("x").upload_from_string(b"x")
    url = sign("x", "GET")
    assert requests.get(url, timeout=5).status_code == 200
    assert _code(requests.get(f"{emulator.url}/{bucket.name}/x", timeout=5)) == (403, "AccessDenied")
    assert _code(requests.get(f"{url}&generation=1", timeout=5)) == (403, "SignatureDoesNotMatch")
    assert _code(requests.get(url[:-2] + "zz", timeout=5)) == (403, "SignatureDoesNotMatch")
    longer = url.replace("X-Goog-Expires=300", "X-Goog-Expires=600")
    assert _code(requests.get(longer, timeout=5)) == (403, "SignatureDoesNotMatch")
    without = url.replace("X-Goog-Expires=300&", "")
    assert _code(requests.get(without, timeout=5)) == (400, "InvalidArgument")
    v2 = requests.get(f"{emulator.url}/{bucket.name}/x?GoogleAccessId=a&Expires=1&Signature=b", timeout=5)
    assert _code(v2) == (501, "NotImplemented")
    ensure_keys(tmp_path)
    stranger = service_account.Credentials.from_service_account_file(tmp_path / SIGNER_KEY)
    assert _code(requests.get(sign("x", "GET", credentials=stranger), timeout=5)) == (
        403,
        "SignatureDoesNotMatch",
    )
    renamed = json.loads((tmp_path / SIGNER_KEY).read_text()) | {
        "client_email": "other@x.iam.gserviceaccount.com"
    }
    stranger = service_account.Credentials.from_service_account_info(renamed)
    assert _code(requests.get(sign("x", "GET", credentials=stranger), timeout=5)) == (403, "InvalidSecurity")


def test_signed_headers_must_be_sent_as_signed(sign):
    url = sign("typed", "PUT", content_type="image/png")
    assert _code(requests.put(url, data=b"x", timeout=5)) == (400, "MalformedSecurityHeader")
    wrong = requests.put(url, data=b"x", headers={"Content-Type": "text/html"}, timeout=5)
    assert _code(wrong) == (403, "SignatureDoesNotMatch")
    added = {"Content-Type": "image/png", "x-goog-meta-a": "b"}
    assert _code(requests.put(url, data=b"x", headers=added, timeout=5)) == (400, "MalformedSecurityHeader")


def test_time_limits_of_signed_urls(emulator, sign):
    url = sign("x", "GET", expiration=datetime.timedelta(seconds=1))
    parts = urlsplit(url)
    # The date in the URL has whole seconds, so the signature is up to a second older than this test.
    date = parse_qs(parts.query)["X-Goog-Date"][0]
    start = datetime.datetime.strptime(date, "%Y%m%dT%H%M%S%z").timestamp()

    def verify(when):
        verifier = SignatureVerifier(emulator.signer, clock=lambda: when)
        verifier.verify("GET", parts.path, parts.query, {"host": parts.netloc})

    verify(start + 0.9)
    for when, code in ((start + 1, "ExpiredToken"), (start - 3600, "RequestTimeTooSkewed")):
        with pytest.raises(StorageError) as error:
            verify(when)
        assert error.value.code == code
    time.sleep(max(0.0, start + 1 - time.time()))
    assert _code(requests.get(url, timeout=5)) == (400, "ExpiredToken")


def test_signed_length_range_and_generation_bind_the_upload(emulator, bucket, sign):
    bound = {"x-goog-content-length-range": "3,5", "x-goog-if-generation-match": "0"}
    url = sign("bound", "PUT", headers=bound)
    assert _code(requests.put(url, data=b"123456", headers=bound, timeout=5)) == (400, "EntityTooLarge")
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=5) as endless:
        lines = {"Host": f"127.0.0.1:{emulator.port}", "Transfer-Encoding": "chunked", **bound}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        request = f"PUT {url.removeprefix(emulator.url)} HTTP/1.1\r\n{head}\r\n"
        endless.sendall(request.encode() + b"6\r\n123456\r\n")
        assert b" 400 " in endless.recv(100)
    assert _code(requests.put(url, data=b"12", headers=bound, timeout=5)) == (400, "EntityTooSmall")
    assert bucket.get_blob("bound") is None
    assert requests.put(url, data=b"123", headers=bound, timeout=5).status_code == 200
    assert _code(requests.put(url, data=b"1234", headers=bound, timeout=5)) == (412, "PreconditionFailed")
    assert bucket.blob("bound").download_as_bytes() == b"123"
    wrong = {"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}
    assert _code(requests.put(sign("sum", "PUT"), data=b"x", headers=wrong, timeout=5)) == (400, "BadDigest")


def _start(sign, name, **headers):
    signed = {"x-goog-content-length-range": f"1,{2 * GRANULE}", "x-goog-if-generation-match": "0", **headers}
    url = sign(name, "RESUMABLE", content_type="image/png", headers=signed)
    sent = {**signed, "Content-Type": "image/png", "x-goog-resumable": "start"}
    return requests.post(url, headers=sent, timeout=5)


def _put(session, body, content_range):
    return requests.put(session, data=body, headers={"Content-Range": content_range}, timeout=5)


def test_a_signed_resumable_session_carries_its_bounds_and_needs_no_signature(bucket, sign):
    started = _start(sign, "film")
    assert started.status_code == 201, started.text
    session = started.headers["Location"]
    assert "X-Goog-Signature" not in parse_qs(urlsplit(session).query)
    rival = _start(sign, "film").headers["Location"]
    huge = 2 * GRANULE + 1
    refused = _put(session, b"0" * GRANULE, f"bytes 0-{GRANULE - 1}/{huge}")
    assert _code(refused) == (400, "EntityTooLarge")
    assert (
        _put(session, b"0" * GRANULE, f"bytes 0-{GRANULE - 1}/*").headers["Range"] == f"bytes=0-{GRANULE - 1}"
    )
    assert _put(session, b"", "bytes */*").status_code == 308
    assert _put(session, b"1", f"bytes {GRANULE}-{GRANULE}/{GRANULE + 1}").status_code == 200
    assert _code(_put(rival, b"1", "bytes 0-0/1")) == (412, "PreconditionFailed")
    assert _start(sign, "film").status_code == 412
    blob = bucket.get_blob("film")
    assert (blob.size, blob.content_type) == (GRANULE + 1, "image/png")
    unsigned = requests.post(session.partition("?")[0], headers={"x-goog-resumable": "start"}, timeout=5)
    assert _code(unsigned) == (403, "AccessDenied")
    cancelled = _start(sign, "other").headers["Location"]
    assert requests.delete(cancelled, timeout=5).status_code == 499
    assert _code(_put(cancelled, b"1", "bytes 0-0/1")) == (404, "NoSuchUpload")


def test_browsers_may_do_what_the_bucket_allows(sign):
    url = sign("page", "PUT", content_type="image/png")

    def preflight(origin, method, headers):
        ask = {"Origin": origin, "Access-Control-Request-Method": method}
        return requests.options(url, headers={**ask, "Access-Control-Request-Headers": headers}, timeout=5)

    allowed = preflight(ORIGIN, "PUT", "content-type, x-goog-meta-job")
    assert allowed.status_code == 200
    assert allowed.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "PUT" in allowed.headers["Access-Control-Allow-Methods"]
    assert allowed.headers["Access-Control-Max-Age"] == "9"
    for refused in (
        preflight("https://evil.example", "PUT", "content-type"),
        preflight(ORIGIN, "DELETE", "content-type"),
        preflight(ORIGIN, "PUT", "x-unknown"),
    ):
        assert "Access-Control-Allow-Origin" not in refused.headers
    sent = {"Content-Type": "image/png", "Origin": ORIGIN}
    written = requests.put(url, data=b"x", headers=sent, timeout=5)
    assert written.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "x-goog-generation" in written.headers["Access-Control-Expose-Headers"]
    failed = requests.put(url + "0", data=b"x", headers=sent, timeout=5)
    assert (failed.status_code, failed.headers["Access-Control-Allow-Origin"]) == (403, ORIGIN)
