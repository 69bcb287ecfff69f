"""What every reply gets on its way out: request id, CORS, caching rules, compression."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from typing import IO

from flask import Request, Response

from shared.core.config import EdgeSettings
from shared.core.credentials import TRIAL_TOKEN
from shared.edge.reply import Rendered

_GZIP_FROM = 1024
_CHUNK = 65536
_LARGEST_REQUEST = 32 * 1024 * 1024 + _CHUNK  # Cloud Run itself refuses larger ones.
_TEXTUAL = (
    "application/json",
    "application/problem+json",
    "application/openapi+json",
    "image/svg+xml",
    "text/",
)
_EXPOSED = (
    "ETag, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, "
    + TRIAL_TOKEN
)
_ALLOWED_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, X-Account, X-Api-Key, X-Request-Id"
)
_PREFLIGHT_SECONDS = "600"


class Wire:
    """A server's input, for which whatever keeps it from being read is a broken connection.

    Servers have errors of their own for malformed chunks; Werkzeug takes only OSError for the client's fault.
    """

    def __init__(self, source: IO[bytes]) -> None:
        """`source` is `wsgi.input`."""
        self._source = source

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes; raises OSError."""
        try:
            return self._source.read(size)
        except Exception as error:
            raise OSError("the content could not be read") from error


def accept(request: Request, max_bytes: int) -> None:
    """Prepare a request for being read: up to `max_bytes`, and with its faults as `HTTPException`."""
    request.max_content_length = max_bytes
    request.environ["wsgi.input"] = Wire(request.environ["wsgi.input"])


def finish(reply: Rendered, request: Request, request_id: str, *, private: bool = False) -> Response:
    """Build the response. `private` forbids caching unless the operation said otherwise."""
    response = Response(status=reply.status)
    for name, value in reply.headers.items():
        response.headers[name] = value
    if "Content-Type" not in reply.headers:
        response.headers.remove("Content-Type")
    response.headers["X-Request-Id"] = request_id
    if private or reply.status >= 400:
        response.headers.setdefault("Cache-Control", "no-store")
    _share(response, request)
    if _not_modified(reply, request):
        response.status_code = 304
        return response
    _fill(response, request, reply.body)
    return response


def preflight(request: Request, methods: list[str], request_id: str) -> Response:
    """Answer OPTIONS: the methods of this path, and to a browser of an allowed origin what it may send."""
    response = finish(Rendered(204, {"Allow": ", ".join(methods)}, b""), request, request_id)
    asked = request.headers.get("Access-Control-Request-Method")
    if asked and "Access-Control-Allow-Origin" in response.headers:
        response.headers["Access-Control-Allow-Methods"] = ", ".join(methods)
        response.headers["Access-Control-Allow-Headers"] = _ALLOWED_HEADERS
        response.headers["Access-Control-Max-Age"] = _PREFLIGHT_SECONDS
    return response


def unread(response: Response, request: Request) -> Response:
    """Let the framework send this although the request was not read, without keeping what is left of it.

    The rest is read and dropped: a server that closes a connection with unread input resets it, and the
    reply is lost with it. A streamed reply keeps the framework from reading the request into memory.
    """
    _drop(request)
    body = response.get_data()
    response.response = iter([body])
    response.headers["Content-Length"] = str(len(body))
    return response


def _drop(request: Request) -> None:
    if not request.environ.get("wsgi.input_terminated"):
        return
    source, left = Wire(request.environ["wsgi.input"]), _LARGEST_REQUEST
    try:
        while left > 0 and (chunk := source.read(min(left, _CHUNK))):
            left -= len(chunk)
    except OSError:
        # The client left, or what it sends is no body: the reply may still reach it.
        return


def _share(response: Response, request: Request) -> None:
    origins = EdgeSettings.load().origins
    if not origins:
        return
    response.vary.add("Origin")
    origin = request.headers.get("Origin")
    if origin in origins:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = _EXPOSED


def _not_modified(reply: Rendered, request: Request) -> bool:
    tag = reply.headers.get("ETag", "").removeprefix("W/").strip('"')
    readable = request.method in ("GET", "HEAD") and reply.status == 200
    return bool(tag) and readable and request.if_none_match.contains_weak(tag)


def _fill(response: Response, request: Request, body: bytes | Iterable[bytes]) -> None:
    if not isinstance(body, bytes):
        response.response = body
        return
    if (response.mimetype or "").startswith(_TEXTUAL) and len(body) >= _GZIP_FROM:
        response.vary.add("Accept-Encoding")
        if request.accept_encodings.quality("gzip") > 0 and "Content-Encoding" not in response.headers:
            body = gzip.compress(body, compresslevel=5, mtime=0)
            response.headers["Content-Encoding"] = "gzip"
    if body or response.status_code != 204:
        response.set_data(body)
