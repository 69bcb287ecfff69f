"""The storage adapter through the official client and the local cloud's Cloud Storage."""

import base64
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import google.auth
import pytest
import requests
from google.auth import iam
from google.auth.credentials import Credentials
from google.oauth2 import service_account

from local.identity import SIGNER_EMAIL, SIGNER_KEY, ensure_keys
from shared.core.config import Misconfigured, StorageSettings
from shared.core.errors import TooLarge
from shared.storage.errors import ObjectChanged, ObjectMissing, StorageRefused, StorageUnavailable
from shared.storage.gcs import Storage

ROOT = Path(__file__).parents[2]
BUCKET = "imangor-uploads"
HOUR = timedelta(hours=1)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder, port = tmp_path_factory.mktemp("storage"), free_port()
    ensure_keys(folder / "keys")
    command = [sys.executable, "-m", "local.storage", "--port", str(port), "--state", str(folder / "state")]
    command += ["--pubsub", "127.0.0.1:1", "--signer", str(folder / "keys" / SIGNER_KEY)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    patch = pytest.MonkeyPatch()
    patch.setenv("STORAGE_EMULATOR_HOST", url)
    patch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(folder / "keys" / SIGNER_KEY))
    patch.setenv("GOOGLE_CLOUD_PROJECT", "imangor-local")
    for _ in range(300):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    requests.post(f"{url}/storage/v1/b?project=p", json={"name": BUCKET}, timeout=5).raise_for_status()
    yield url
    patch.undo()
    process.kill()
    process.wait()


@pytest.fixture
def storage(url):
    return Storage(StorageSettings(uploads_bucket=BUCKET, results_bucket="imangor-results"))


@pytest.fixture
def name(request):
    return f"uploads/acc_1/{request.node.name}/ein Bild ü.png"


def test_what_was_written_is_read_back(storage, name):
    generation = storage.put(BUCKET, name, b"bytes", "image/png", {"job": "job_1"})
    assert storage.get(BUCKET, name) == b"bytes"
    info = storage.stat(BUCKET, name, generation)
    assert (info.name, info.generation, info.size) == (name, generation, 5)
    assert (info.content_type, info.metadata) == ("image/png", {"job": "job_1"})
    assert info.updated.tzinfo is not None


def test_a_large_object_arrives_whole(storage, name):
    data = bytes(range(256)) * 4 * 9 * 1024
    storage.put(BUCKET, name, data, "image/png")
    assert storage.get(BUCKET, name) == data


def test_a_generation_that_is_gone_is_missing(storage, name):
    old = storage.put(BUCKET, name, b"old", "text/plain")
    new = storage.put(BUCKET, name, b"new", "text/plain")
    assert storage.get(BUCKET, name, new) == b"new"
    assert storage.stat(BUCKET, name, old) is None
    with pytest.raises(ObjectMissing):
        storage.get(BUCKET, name, old)


def test_an_object_is_created_only_where_there_is_none(storage, name):
    first = storage.put(BUCKET, name, b"first", "text/plain", if_generation_match=0)
    with pytest.raises(ObjectChanged):
        storage.put(BUCKET, name, b"second", "text/plain", if_generation_match=0)
    storage.put(BUCKET, name, b"third", "text/plain", if_generation_match=first)
    assert storage.get(BUCKET, name) == b"third"


def test_reading_stops_beyond_the_limit(storage, name):
    storage.put(BUCKET, name, b"12345", "text/plain")
    assert storage.get(BUCKET, name, max_bytes=5) == b"12345"
    with pytest.raises(TooLarge):
        storage.get(BUCKET, name, max_bytes=4)


def test_an_empty_object_is_read_as_empty(storage, name):
    storage.put(BUCKET, name, b"", "text/plain")
    assert storage.get(BUCKET, name, max_bytes=4) == b""


def test_what_is_missing_is_said_or_does_not_matter(storage, name):
    assert storage.stat(BUCKET, name) is None
    storage.delete(BUCKET, name)
    with pytest.raises(ObjectMissing):
        storage.get(BUCKET, name)


def test_what_one_job_wrote_under_a_prefix_is_removed_and_nothing_else(storage, name):
    for path, job in (("a/1", "job_1"), ("a/2", "job_2"), ("a/3", "job_1"), ("b/1", "job_1")):
        storage.put(BUCKET, f"{name}/{path}", b"x", "text/plain", {"job": job})
    storage.put(BUCKET, f"{name}/a/4", b"x", "text/plain")
    assert storage.delete_where(BUCKET, f"{name}/a/", "job", "job_1") == 2
    assert [i.name for i in storage.list(BUCKET, f"{name}/a/")] == [f"{name}/a/2", f"{name}/a/4"]
    assert [i.name for i in storage.list(BUCKET, f"{name}/b/")] == [f"{name}/b/1"]
    with pytest.raises(ValueError, match="empty prefix"):
        storage.delete_where(BUCKET, "", "job", "job_1")


def test_an_object_that_was_replaced_after_it_was_listed_stays(storage, name):
    class Slow(Storage):
        """Another writer is quicker between the listing and the deletion."""

        def list(self, bucket, prefix):
            found = list(super().list(bucket, prefix))
            storage.put(bucket, prefix, b"new", "text/plain", {"job": "job_2"})
            return iter(found)

    storage.put(BUCKET, name, b"old", "text/plain", {"job": "job_1"})
    settings = StorageSettings(uploads_bucket=BUCKET, results_bucket="imangor-results")
    Slow(settings).delete_where(BUCKET, name, "job", "job_1")
    assert storage.get(BUCKET, name) == b"new"


class Forgetful(BaseHTTPRequestHandler):
    """Hands every request on and loses the answer of the first upload."""

    url, lost = "", 0

    def do_POST(self):
        self._hand_on()

    def do_GET(self):
        self._hand_on()

    def _hand_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "accept-encoding")}
        answer = requests.request(self.command, self.url + self.path, data=body, headers=headers, timeout=5)
        status, content = answer.status_code, answer.content
        if self.command == "POST" and not type(self).lost:
            type(self).lost, status, content = 1, 503, b"{}"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args):
        pass


@contextlib.contextmanager
def serving(handler):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("replaces", [False, True])
def test_a_write_whose_answer_was_lost_gives_the_generation_it_made(
    storage, name, url, monkeypatch, replaces
):
    expected = storage.put(BUCKET, name, b"old", "text/plain") if replaces else 0
    handler = type("Handler", (Forgetful,), {"url": url})
    with serving(handler) as proxy, monkeypatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", proxy)
        far = Storage(StorageSettings(uploads_bucket=BUCKET, results_bucket="r"))
        generation = far.put(BUCKET, name, b"new", "text/plain", {"job": "j"}, if_generation_match=expected)
    assert handler.lost
    assert storage.stat(BUCKET, name).generation == generation
    assert storage.get(BUCKET, name, generation) == b"new"


@pytest.mark.parametrize("other", [(b"first", "text/html", None), (b"first", "text/plain", {"job": "j"})])
def test_an_object_that_says_something_else_of_itself_is_another(storage, name, other):
    storage.put(BUCKET, name, b"first", "text/plain", if_generation_match=0)
    with pytest.raises(ObjectChanged):
        storage.put(BUCKET, name, *other, if_generation_match=0)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, StorageRefused),
        (403, StorageRefused),
        (409, StorageRefused),
        (408, StorageUnavailable),
        (429, StorageUnavailable),
        (503, StorageUnavailable),
    ],
)
def test_every_refusal_is_an_error_of_ours_without_the_storage_s_words(url, monkeypatch, status, error):
    class Refusing(Forgetful):
        def _hand_on(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            content = b'{"error": {"message": "quoted name"}}'
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    monkeypatch.setattr("shared.storage.gcs._RETRY_SECONDS", 0.2)
    with serving(Refusing) as refusing:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", refusing)
        far = Storage(StorageSettings(uploads_bucket=BUCKET, results_bucket="r"))
        calls = [
            lambda: far.put(BUCKET, "x", b"x", "text/plain"),
            lambda: far.get(BUCKET, "x"),
            lambda: far.stat(BUCKET, "x"),
            lambda: list(far.list(BUCKET, "x")),
        ]
        for call in calls:
            with pytest.raises(error) as failure:
                call()
            assert "quoted" not in str(failure.value)


def test_a_signed_put_takes_one_object_of_its_type_and_size(storage, name, url):
    upload = storage.signed_put(BUCKET, name, "image/png", 1, 10, HOUR)
    assert upload.url.startswith(url)
    assert upload.method == "PUT"

    def send(data, **changed):
        headers = {**upload.headers, **changed}
        return requests.put(upload.url, data=data, headers=headers, timeout=5).status_code

    assert send(b"x" * 11) == 400
    assert send(b"") == 400
    assert send(b"x", **{"Content-Type": "text/html"}) == 403
    assert send(b"x", **{"x-goog-if-generation-match": "7"}) == 403
    assert send(b"x", **{"x-goog-content-length-range": "0,999"}) == 403
    assert storage.stat(BUCKET, name) is None
    assert send(b"picture") == 200
    assert storage.stat(BUCKET, name).content_type == "image/png"
    assert send(b"another") == 412
    assert storage.get(BUCKET, name) == b"picture"


def test_a_signed_put_without_a_type_leaves_it_to_the_client(storage, name):
    upload = storage.signed_put(BUCKET, name, None, 0, 10, HOUR)
    headers = {**upload.headers, "Content-Type": "image/webp"}
    assert requests.put(upload.url, data=b"x", headers=headers, timeout=5).status_code == 200
    assert storage.stat(BUCKET, name).content_type == "image/webp"


def test_a_signed_session_takes_the_bytes_in_parts(storage, name):
    upload = storage.signed_resumable(BUCKET, name, "image/png", 1, 300_000, HOUR)
    assert upload.method == "POST"
    started = requests.post(upload.url, headers=upload.headers, timeout=5)
    assert started.status_code == 201
    session, part = started.headers["Location"], 256 * 1024
    data = b"x" * (part + 10)
    first = {"Content-Range": f"bytes 0-{part - 1}/{len(data)}"}
    assert requests.put(session, data=data[:part], headers=first, timeout=5).status_code == 308
    rest = {"Content-Range": f"bytes {part}-{len(data) - 1}/{len(data)}"}
    assert requests.put(session, data=data[part:], headers=rest, timeout=5).status_code == 200
    assert storage.get(BUCKET, name) == data


def test_a_signed_get_downloads_under_the_given_name(storage, name):
    generation = storage.put(BUCKET, name, b"picture", "application/octet-stream")
    link = storage.signed_get(BUCKET, name, HOUR, 'schild "ü"\n.png', "image/png", generation)
    answer = requests.get(link, timeout=5)
    assert answer.content == b"picture"
    assert answer.headers["Content-Type"] == "image/png"
    disposition = answer.headers["Content-Disposition"]
    assert re.fullmatch(r"attachment; filename=\"schild ___ .png\"; filename\*=UTF-8''[\w%.-]+", disposition)


def test_a_signed_url_ends(storage, name):
    storage.put(BUCKET, name, b"x", "text/plain")
    link = storage.signed_get(BUCKET, name, timedelta(seconds=1), "x.txt")
    time.sleep(2.1)
    assert requests.get(link, timeout=5).status_code in {400, 403}


def test_a_storage_that_is_away_is_a_transient_failure(url, monkeypatch):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr("shared.storage.gcs._RETRY_SECONDS", 0.2)
    away = Storage(StorageSettings(uploads_bucket=BUCKET, results_bucket="r"))
    with pytest.raises(StorageUnavailable):
        away.get(BUCKET, "x")
    with pytest.raises(StorageUnavailable):
        away.put(BUCKET, "x", b"", "text/plain")
    with pytest.raises(StorageUnavailable):
        next(away.list(BUCKET, "x"))


class Keyless(Credentials):
    """Credentials like those of Cloud Run's metadata server: a token, and no key to sign with."""

    def refresh(self, request):
        self.token = "access-token"


def test_credentials_without_a_key_sign_through_iam_as_the_signer(url, name, monkeypatch):
    key = service_account.Credentials.from_service_account_file(os.environ["GOOGLE_APPLICATION_CREDENTIALS"])
    asked = []

    class Iam(Forgetful):
        def _hand_on(self):
            payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["payload"]
            asked.append((self.headers["Authorization"], self.path))
            signed = base64.b64encode(key.sign_bytes(base64.b64decode(payload))).decode()
            content = json.dumps({"signedBlob": signed}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    monkeypatch.setattr(google.auth, "default", lambda **_: (Keyless(), None))
    settings = StorageSettings(uploads_bucket=BUCKET, results_bucket="r", signer_email=SIGNER_EMAIL)
    with serving(Iam) as address:
        monkeypatch.setattr(iam, "_IAM_SIGN_ENDPOINT", address + "/{}:signBlob")
        upload = Storage(settings).signed_put(BUCKET, name, "image/png", 1, 10, HOUR)
    assert requests.put(upload.url, data=b"x", headers=upload.headers, timeout=5).status_code == 200
    assert asked == [("Bearer access-token", f"/{SIGNER_EMAIL}:signBlob")]


def test_a_signing_service_that_does_not_answer_is_not_waited_for(url, name, monkeypatch):
    monkeypatch.setattr(google.auth, "default", lambda **_: (Keyless(), None))
    monkeypatch.setattr("shared.storage.gcs._SIGN_TIMEOUT", 0.2)
    settings = StorageSettings(uploads_bucket=BUCKET, results_bucket="r", signer_email=SIGNER_EMAIL)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}/{{}}"
        monkeypatch.setattr(iam, "_IAM_SIGN_ENDPOINT", endpoint)
        start = time.monotonic()
        with pytest.raises(StorageUnavailable):
            Storage(settings).signed_put(BUCKET, name, "image/png", 1, 10, HOUR)
    assert time.monotonic() - start < 5


def test_without_anybody_who_can_sign_the_setting_is_named(storage, name, monkeypatch):
    monkeypatch.setattr(google.auth, "default", lambda **_: (Keyless(), None))
    with pytest.raises(Misconfigured, match="SIGNER_EMAIL"):
        storage.signed_put(BUCKET, name, "image/png", 1, 10, HOUR)
