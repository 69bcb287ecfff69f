"""Cloud Storage behind a proxy that answers 503 to chosen requests."""

from __future__ import annotations

import http.client
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "proxy-connection",
}
_BODY = b'{"error": {"code": 503, "message": "Backend Error"}}'


class StorageProxy:
    """Passes HTTP on; `spoil` names by method and path the requests that meet an error."""

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self._lock = threading.Lock()
        self._left = 0
        self._pattern: re.Pattern[str] | None = None
        self.spoilt = 0
        proxy = self

        class Handler(_Handler):
            owner = proxy

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()

    def spoil(self, pattern: str, times: int = 1_000_000) -> None:
        """Answer 503 to the next requests whose `METHOD /path?query`, unquoted, matches `pattern`."""
        with self._lock:
            self._pattern, self._left = re.compile(pattern), times

    def forget(self) -> None:
        """Pass everything on again."""
        with self._lock:
            self._pattern, self._left = None, 0

    def taken(self, request: str) -> bool:
        """Whether this request is to be spoilt; counts it."""
        with self._lock:
            if self._pattern is None or self._left <= 0 or not self._pattern.search(unquote(request)):
                return False
            self._left -= 1
            self.spoilt += 1
            return True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: StorageProxy

    def _pass(self) -> None:
        body = self._read()
        if self.owner.taken(f"{self.command} {self.path}"):
            self._answer(503, [("Content-Type", "application/json")], _BODY)
            return
        upstream = http.client.HTTPConnection("127.0.0.1", self.owner.upstream, timeout=60)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _HOP_BY_HOP | {"content-length", "expect"}:
                    upstream.putheader(name, value)
            if body or self.command in {"POST", "PUT", "PATCH"}:
                upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body or None)
            answer = upstream.getresponse()
            self._answer(answer.status, answer.getheaders(), answer.read())
        except OSError:
            self.close_connection = True
        finally:
            upstream.close()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _pass  # noqa: N815

    def _read(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            continue
        return b"".join(parts)

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        bodiless = self.command == "HEAD" or status in {204, 304}
        for name, value in headers:
            if name.lower() not in _HOP_BY_HOP and (bodiless or name.lower() != "content-length"):
                self.send_header(name, value)
        if not bodiless:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not bodiless:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
