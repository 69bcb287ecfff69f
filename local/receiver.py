"""A receiver of webhooks for tests: keeps what it gets, and answers as it is told."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

HANG = "hang"
CLOSE = "close"
DRIP = "drip"
DRIP_BODY = "drip-body"
NONSENSE = "nonsense"

_DRIP_SECONDS = 0.05
_DRIPS = {
    DRIP: b"HTTP/1.1 200 OK\r\nX-Drip: ",
    DRIP_BODY: b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
}


@dataclass(frozen=True)
class Received:
    """One request. The names of the headers are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """A status with headers, after `after` seconds."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0.0


class Receiver:
    """An HTTP server on loopback. Use it as a context manager."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        """With `tls` it speaks HTTPS."""
        self.requests: list[Received] = []
        self._answers: list[Answer | str] = [Answer()]
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/hook"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, *answers: Answer | int | str) -> None:
        """Answer the next requests so, one by one; the last holds for all that follow.

        A number is a status. `HANG` never answers, `CLOSE` closes without a word, `DRIP` sends a head that
        never ends, `DRIP_BODY` a body that never ends, and `NONSENSE` something that is not HTTP.
        """
        with self._lock:
            self._answers = [Answer(a) if isinstance(a, int) else a for a in answers]

    def take(self, request: Received) -> Answer | str:
        """Keep a request; what to answer."""
        with self._lock:
            self.requests.append(request)
            return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def reply(self, connection: socket.socket, answer: Answer | str) -> None:
        """Send an answer, or whatever stands for one."""
        if isinstance(answer, Answer):
            time.sleep(answer.after)
            fields = {**answer.headers, "Content-Length": "0", "Connection": "close"}
            lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
            lines += [f"{name}: {value}" for name, value in fields.items()]
            connection.sendall("\r\n".join([*lines, "", ""]).encode())
        elif answer == HANG:
            self._closing.wait()
        elif answer == NONSENSE:
            connection.sendall(b"hello\r\n\r\n")
        elif answer in _DRIPS:
            connection.sendall(_DRIPS[answer])
            while not self._closing.wait(_DRIP_SECONDS):
                connection.sendall(b"x")


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with contextlib.suppress(OSError):
                receiver.reply(self.connection, receiver.take(Received(self.path, headers, body)))

        do_GET = do_POST  # noqa: N815 - the name is the library's

        def log_message(self, *_: Any) -> None:
            return

    return Handler
