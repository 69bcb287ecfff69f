"""Cloud SQL as its connector meets it: the Admin API over HTTP, and the instance's proxy behind mutual TLS.

The proxy takes only clients whose certificate the Admin API issued, and passes what they say to a PostgreSQL.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import socket
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import google.auth.credentials
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PROXY_PORT = 3307
ADDRESS = "127.83.7.1"
"""A loopback address of the instance's own: the connector knows one port only."""


class Credentials(google.auth.credentials.Scoped, google.auth.credentials.Credentials):
    """Credentials of a service account that get a token without asking anybody; it is their scope."""

    def __init__(self, scopes: list[str] | None = None) -> None:
        super().__init__()
        self._scopes = scopes

    @property
    def requires_scopes(self) -> bool:
        return self._scopes is None

    def with_scopes(self, scopes: Any, default_scopes: Any = None) -> Credentials:
        return Credentials(list(scopes))

    def refresh(self, request: Any) -> None:
        self.token = " ".join(scope.rpartition("/")[2] for scope in self._scopes or [])
        self.expiry = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(hours=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(key: Any) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@dataclass
class Instance:
    """One instance, before the PostgreSQL at `port`; what its Admin API was asked, and what it refuses."""

    folder: Path
    port: int
    lifetime: datetime.timedelta = datetime.timedelta(hours=1)
    refuse: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.authority = self._issue(self._key.public_key(), datetime.timedelta(days=1), authority=True)
        own = ec.generate_private_key(ec.SECP256R1())
        self._files = self.folder / "own.pem", self.folder / "authority.pem"
        own_pem = self._issue(own.public_key(), datetime.timedelta(days=1))
        self._files[0].write_bytes(_pem(own) + own_pem.encode())
        self._files[1].write_text(self.authority)

    def _issue(self, key: Any, lifetime: datetime.timedelta, authority: bool = False) -> str:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder().subject_name(_name("authority" if authority else "client"))
        builder = builder.issuer_name(_name("authority")).public_key(key)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(minutes=5)).not_valid_after(
            now + lifetime
        )
        builder = builder.add_extension(x509.BasicConstraints(authority, None), critical=True)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """What the Admin API answers."""
        self.asked.append((path.rpartition("/")[2].rpartition(":")[2], body.get("access_token", "")))
        if self.refuse:
            return self.refuse, {"error": {"code": self.refuse, "message": "not allowed"}}
        if path.endswith("/connectSettings"):
            addresses = [("PRIMARY", "203.0.113.9"), ("PRIVATE", ADDRESS)]
            return 200, {
                "region": "europe-west4",
                "databaseVersion": "POSTGRES_16",
                "ipAddresses": [{"type": kind, "ipAddress": address} for kind, address in addresses],
                "serverCaCert": {"cert": self.authority},
            }
        key = serialization.load_pem_public_key(body["public_key"].encode())
        return 200, {"ephemeralCert": {"cert": self._issue(key, self.lifetime)}}

    @contextlib.contextmanager
    def serving(self) -> Any:
        """Serve both while the block runs; gives the Admin API's address."""
        handler = type("Handler", (_Admin,), {"instance": self})
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._files[0])
        context.load_verify_locations(self._files[1])
        context.verify_mode = ssl.CERT_REQUIRED
        with (
            ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
            socket.create_server((ADDRESS, PROXY_PORT)) as listener,
        ):
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            threading.Thread(target=self._proxy, args=(listener, context), daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()
            listener.shutdown(socket.SHUT_RDWR)

    def _proxy(self, listener: socket.socket, context: ssl.SSLContext) -> None:
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(raw, context), daemon=True).start()

    def _pass(self, raw: socket.socket, context: ssl.SSLContext) -> None:
        with (
            contextlib.suppress(OSError),
            context.wrap_socket(raw, server_side=True) as client,
            socket.create_connection(("127.0.0.1", self.port)) as server,
        ):
            greeting = client.recv(65536)
            while len(greeting) < 4 or len(greeting) < int.from_bytes(greeting[:4], "big"):
                greeting += client.recv(65536)
            words = greeting[8:].split(b"\0")
            self.logins.append(words[words.index(b"user") + 1].decode())
            server.sendall(greeting)
            back = threading.Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            _copy(client, server)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError, ssl.SSLError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


class _Admin(BaseHTTPRequestHandler):
    instance: Instance

    def _reply(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        status, document = self.instance.answer(self.command, self.path, body)
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = _reply  # noqa: N815 - http.server's names

    def log_message(self, *arguments: Any) -> None:
        pass
