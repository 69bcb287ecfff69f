"""Sending over real sockets: receivers that misbehave, and a DNS that lies."""

from __future__ import annotations

import socket
import ssl
import time
from datetime import timedelta
from ipaddress import ip_address, ip_network

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from local.receiver import CLOSE, DRIP, DRIP_BODY, HANG, NONSENSE, Answer, Receiver
from shared.core.clock import utc_now
from shared.webhooks.errors import (
    BadResponse,
    ConnectionFailed,
    DestinationRefused,
    NameNotResolved,
    TimedOut,
    TlsFailed,
)
from shared.webhooks.transport import Transport

LOOPBACK = (ip_network("127.0.0.0/8"),)
NAME = "hooks.example.com"
PUBLIC = "93.184.215.14"


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


class Names:
    """A resolver that gives its answers one after another, and counts."""

    def __init__(self, *answers: list[str]):
        self.answers, self.asked = list(answers), 0

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


def post(url, body=b"{}", **how):
    how.setdefault("networks", LOOPBACK)
    return Transport(**how).post(url, {"webhook-id": "evt_1"}, body)


def test_exactly_these_bytes_and_headers_arrive(receiver):
    body = '{"type":"job.completed","data":"é"}'.encode()
    assert post(receiver.url + "?a=b", body).status == 200
    (request,) = receiver.requests
    assert (request.path, request.body) == ("/hook?a=b", body)
    assert request.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "user-agent": "Imangor-Webhooks/1.0",
        "content-type": "application/json",
        "content-length": str(len(body)),
        "connection": "close",
        "webhook-id": "evt_1",
    }


@pytest.mark.parametrize("status", [200, 204, 226, 400, 404, 410, 429, 500, 503])
def test_whatever_the_status_it_is_the_answer(receiver, status):
    receiver.answer(Answer(status, {"Retry-After": "17"}))
    found = post(receiver.url)
    assert (found.status, found.retry_after) == (status, "17")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(receiver, status):
    receiver.answer(Answer(status, {"Location": receiver.url + "/elsewhere"}))
    assert post(receiver.url).status == status
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("misbehaviour", "error"),
    [(HANG, TimedOut), (DRIP, TimedOut), (CLOSE, ConnectionFailed), (NONSENSE, BadResponse)],
)
def test_one_deadline_holds_whatever_the_receiver_does(receiver, misbehaviour, error):
    receiver.answer(misbehaviour)
    began = time.monotonic()
    with pytest.raises(error):
        post(receiver.url, seconds=0.4)
    assert time.monotonic() - began < 1.5


def test_the_body_of_an_answer_is_not_waited_for(receiver):
    receiver.answer(DRIP_BODY)
    began = time.monotonic()
    assert post(receiver.url).status == 200
    assert time.monotonic() - began < 1


def test_a_head_without_end_is_cut_off():
    with socket.create_server(("127.0.0.1", 0)) as server:
        # More than the limit at once, so that no deadline is needed.
        server.settimeout(5)
        client = _in_background(lambda: post(f"http://127.0.0.1:{server.getsockname()[1]}/"))
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 60_000)
            assert isinstance(client(), BadResponse)


def test_interim_answers_are_not_the_answer():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        client = _in_background(lambda: post(f"http://127.0.0.1:{server.getsockname()[1]}/"))
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 201 Created\r\n\r\n")
            assert client().status == 201


def _in_background(function):
    import queue
    import threading

    results = queue.SimpleQueue()

    def run():
        try:
            results.put(function())
        except Exception as error:
            results.put(error)

    threading.Thread(target=run, daemon=True).start()
    return lambda: results.get(timeout=5)


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectionFailed):
        post(f"http://127.0.0.1:{port}/")


def test_the_proxies_of_the_environment_are_not_asked(receiver, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert post(receiver.url).status == 200


def test_a_name_is_resolved_once_and_the_checked_address_connected_to(receiver):
    """The second answer of a rebinding DNS is never asked for."""
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    assert post(f"http://{NAME}:{receiver.port}/", resolve=names).status == 200
    assert names.asked == 1
    assert receiver.requests[0].headers["host"] == f"{NAME}:{receiver.port}"


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1"],
        ["169.254.169.254"],
        [PUBLIC, "10.0.0.1"],
        ["2606:4700::1111", "::ffff:169.254.169.254"],
        ["::ffff:7f00:1"],
        ["64:ff9b::a9fe:a9fe"],
        ["100.64.1.1"],
        ["fd00:ec2::254"],
        ["0.0.0.0"],  # noqa: S104
        ["fe80::1%2"],
    ],
)
def test_a_name_that_leads_inside_is_refused(answer):
    transport = Transport(resolve=Names(answer))
    for call in (transport.check, lambda url: transport.post(url, {}, b"{}")):
        with pytest.raises(DestinationRefused) as caught:
            call(f"https://{NAME}/")
        assert caught.value.errors[0].code == "address"


def test_a_name_that_changed_its_mind_after_creation_is_refused_at_delivery(receiver):
    names = Names([PUBLIC], ["127.0.0.1"])
    transport = Transport(resolve=names)
    transport.check(f"https://{NAME}/")
    with pytest.raises(DestinationRefused):
        transport.post(f"https://{NAME}/", {}, b"{}")
    assert receiver.requests == []


def test_what_is_allowed_besides_does_not_open_the_rest():
    for url, answer in (
        (f"http://{NAME}/", [PUBLIC]),
        (f"https://{NAME}:22/", [PUBLIC]),
        (f"http://{NAME}/", ["10.0.0.1"]),
    ):
        with pytest.raises(DestinationRefused):
            post(url, resolve=Names(answer))


def test_names_without_an_answer():
    def fails(host, port):
        raise socket.gaierror(-2, "Name or service not known")

    def hangs(host, port):
        time.sleep(3)
        return [PUBLIC]

    for resolve, seconds in ((fails, 5), (lambda *_: [], 5), (hangs, 0.1)):
        with pytest.raises(NameNotResolved):
            Transport(resolve=resolve, seconds=seconds).check(f"https://{NAME}/")


class Authority:
    """A certificate authority of its own."""

    def __init__(self, folder):
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test authority")])
        self.root = self._issue(self._name, self._key.public_key(), x509.BasicConstraints(True, None))

    def server(self, host, **options):
        """A server's TLS for a host name or an address."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "receiver")])
        by_address = host.replace(".", "").isdigit()
        kind = x509.IPAddress(ip_address(host)) if by_address else x509.DNSName(host)
        signed = self._issue(name, key.public_key(), x509.SubjectAlternativeName([kind]), **options)
        path = self._folder / "server.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def client(self):
        """A client's TLS that trusts this authority."""
        pem = self.root.public_bytes(serialization.Encoding.PEM).decode()
        return ssl.create_default_context(cadata=pem)

    def _issue(self, subject, key, extension, days=1):
        now = utc_now()
        builder = x509.CertificateBuilder(issuer_name=self._name, subject_name=subject, public_key=key)
        builder = builder.serial_number(x509.random_serial_number()).add_extension(extension, critical=False)
        builder = builder.not_valid_before(now - timedelta(days=2)).not_valid_after(
            now + timedelta(days=days)
        )
        return builder.sign(self._key, hashes.SHA256())


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def secure(authority, receiver, host=NAME, **how):
    url = f"https://{host}:{receiver.port}/hook"
    return post(url, resolve=Names(["127.0.0.1"]), tls=authority.client, **how)


def test_over_tls_the_certificate_is_that_of_the_name(authority):
    asked = []
    tls = authority.server(NAME)
    tls.sni_callback = lambda connection, name, context: asked.append(name)
    with Receiver(tls) as receiver:
        assert secure(authority, receiver).status == 200
        assert asked == [NAME]
        with pytest.raises(TlsFailed):
            secure(authority, receiver, "other.example.com")
        with pytest.raises(TlsFailed):
            post(receiver.url)
        assert len(receiver.requests) == 1


def test_over_tls_an_address_needs_a_certificate_of_its_own(authority):
    with Receiver(authority.server("127.0.0.1")) as receiver:
        assert secure(authority, receiver, "127.0.0.1").status == 200


def test_a_certificate_that_ran_out_is_refused(authority):
    with Receiver(authority.server(NAME, days=-1)) as receiver, pytest.raises(TlsFailed):
        secure(authority, receiver)


def test_plain_http_behind_https_is_no_tls(authority, receiver):
    with pytest.raises(TlsFailed):
        secure(authority, receiver)


def test_a_handshake_that_hangs_ends():
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(TimedOut):
        post(f"https://127.0.0.1:{server.getsockname()[1]}/", seconds=0.3)
