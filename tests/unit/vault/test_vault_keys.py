"""Envelopes, key files, and Cloud KMS as its REST interface is documented."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import google_crc32c
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from shared.core import config
from shared.core.config import Misconfigured
from shared.vault.cloud_kms import CloudKmsKey
from shared.vault.envelope import close, key_of, open_with
from shared.vault.errors import KeyServiceUnavailable, NotOpened
from shared.vault.key_file import KeyFile, add_version

KEY, OTHER = bytes(range(32)), bytes(32)
NAME = "projects/p/locations/l/keyRings/r/cryptoKeys/k"


@given(st.binary(max_size=200), st.text(max_size=20), st.text(max_size=20))
def test_an_envelope_opens_with_its_key_purpose_and_context_alone(plaintext, purpose, context):
    ident = uuid4()
    sealed = close(ident, KEY, plaintext, purpose, context)
    assert key_of(sealed) == ident
    assert open_with(KEY, sealed, purpose, context) == plaintext
    assert len(sealed) == 1 + 16 + 12 + len(plaintext) + 16
    for key, what, where in [
        (OTHER, purpose, context),
        (KEY, purpose + "x", context),
        (KEY, purpose, context + "x"),
        (KEY, purpose + context[:1], context[1:]) if context else (OTHER, purpose, context),
    ]:
        with pytest.raises(NotOpened):
            open_with(key, sealed, what, where)


@given(st.integers(0, 60), st.integers(1, 255))
def test_an_envelope_that_was_changed_does_not_open(at, by):
    sealed = bytearray(close(uuid4(), KEY, b"sixteen or so bytes", "p", "c"))
    sealed[at % len(sealed)] ^= by
    with pytest.raises(NotOpened):
        open_with(KEY, bytes(sealed), "p", "c")


@pytest.mark.parametrize("wrong", [b"", b"\x02", b"\x01" * 60, b"\x02" * 20])
def test_what_is_no_envelope_is_refused(wrong):
    with pytest.raises(NotOpened):
        key_of(wrong)


def test_a_key_file_gets_versions_and_the_earlier_ones_still_open(tmp_path):
    path = tmp_path / "keys"
    assert add_version(path) == 1
    key = KeyFile(path.as_uri())
    first = key.wrap(b"data key", b"bound")
    assert add_version(path) == 2
    second = key.wrap(b"data key", b"bound")
    assert (first[:4], second[:4]) == (b"\0\0\0\x01", b"\0\0\0\x02")
    assert key.unwrap(first, b"bound") == key.unwrap(second, b"bound") == b"data key"
    for wrapped, bound in [
        (first, b"other"),
        (b"\0\0\0\x02" + first[4:], b"bound"),
        (b"", b""),
        (b"x" * 9, b""),
    ]:
        with pytest.raises(NotOpened):
            key.unwrap(wrapped, bound)


@pytest.mark.parametrize("text", ["", "1 abc", "one AAAA", "1 " + base64.b64encode(b"short").decode()])
def test_a_key_file_that_holds_no_keys_is_refused(tmp_path, text):
    path = tmp_path / "keys"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(Misconfigured):
        KeyFile(path.as_uri()).wrap(b"x", b"")


def test_a_key_file_that_others_may_read_is_refused(tmp_path):
    path = tmp_path / "keys"
    add_version(path)
    path.chmod(0o640)
    with pytest.raises(Misconfigured):
        KeyFile(path.as_uri()).wrap(b"x", b"")
    path.unlink()
    with pytest.raises(Misconfigured):
        KeyFile(path.as_uri()).wrap(b"x", b"")


@pytest.mark.parametrize("keys", ["file:///keys", f"gcp-kms://{NAME} file:///keys"])
def test_a_key_file_is_refused_in_the_cloud(monkeypatch, keys):
    monkeypatch.setenv("K_SERVICE", "jobs")
    monkeypatch.setenv("VAULT_KEYS", keys)
    config.forget()
    with pytest.raises(Misconfigured, match="VAULT_KEYS"):
        config.VaultSettings.load()
    config.forget()


class Service(BaseHTTPRequestHandler):
    """Cloud KMS's `encrypt` and `decrypt`; the cipher is only turned round."""

    broken = ""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name, _, method = self.path.removeprefix("/v1/").partition(":")
        given, wanted = ("plaintext", "ciphertext") if method == "encrypt" else ("ciphertext", "plaintext")
        data, bound = (base64.b64decode(body[k]) for k in (given, "additionalAuthenticatedData"))
        assert name == NAME
        assert body[f"{given}Crc32c"] == str(google_crc32c.value(data))
        if method == "encrypt":
            answer = bound + b"|" + data[::-1]
        elif not data.startswith(bound + b"|"):
            return self.answer(400, {"error": {"status": "INVALID_ARGUMENT"}})
        else:
            answer = data[len(bound) + 1 :][::-1]
        checksum = 1 if self.broken == "checksum" else google_crc32c.value(answer)
        found = {wanted: base64.b64encode(answer).decode(), f"{wanted}Crc32c": str(checksum)}
        return self.answer(503 if self.broken == "down" else 200, found)

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def kms(monkeypatch):
    monkeypatch.setattr(Service, "broken", "")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/v1/"
    yield CloudKmsKey(f"gcp-kms://{NAME}", requests.Session, address)
    server.shutdown()
    server.server_close()


def test_cloud_kms_wraps_and_unwraps(kms):
    wrapped = kms.wrap(b"data key", b"bound")
    assert kms.unwrap(wrapped, b"bound") == b"data key"
    with pytest.raises(NotOpened):
        kms.unwrap(wrapped, b"other")


@pytest.mark.parametrize("broken", ["down", "checksum"])
def test_what_cloud_kms_cannot_answer_is_tried_later(kms, broken):
    Service.broken = broken
    with pytest.raises(KeyServiceUnavailable):
        kms.wrap(b"data key", b"bound")


def test_a_cloud_kms_that_is_not_there_is_tried_later():
    key = CloudKmsKey(f"gcp-kms://{NAME}", requests.Session, "http://127.0.0.1:1/v1/")
    with pytest.raises(KeyServiceUnavailable):
        key.wrap(b"data key", b"bound")
