"""Passes one request to a function and its answer back, streaming both, as Cloud Run's front end does."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web
from multidict import CIMultiDict
from yarl import URL

from local.gateway.answers import problem
from local.gateway.pool import FunctionPool, NoInstance
from shared.core.tracing import read
from shared.edge.manifest import Manifest

log = logging.getLogger("local")

LARGEST_REQUEST = 32 * 1024 * 1024

_CHUNK = 65536
_HOP_BY_HOP = frozenset(
    [
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)


class _TooLarge(Exception):
    """The request's body went over the limit while it was read."""


class Proxy:
    """Forwards requests to function instances."""

    def __init__(self, pool: FunctionPool) -> None:
        self._pool = pool
        self._session: ClientSession | None = None

    async def close(self) -> None:
        """Close connections to functions."""
        if self._session is not None:
            await self._session.close()

    async def forward(
        self,
        request: web.Request,
        function: Manifest,
        *,
        path: str,
        authorization: str | None = None,
    ) -> web.StreamResponse:
        """Send the request to `path` of the function, within its manifest's timeout.

        `authorization`, where given, replaces the caller's header.
        """
        if (request.content_length or 0) > LARGEST_REQUEST:
            return _too_large()
        headers = forwarded_headers(request)
        if authorization is not None:
            headers["Authorization"] = authorization
        try:
            async with self._pool.lease(function.name) as instance:
                url = URL(f"http://127.0.0.1:{instance.port}{path}", encoded=True)
                return await self._exchange(request, url, headers, function.timeout_seconds)
        except NoInstance as error:
            log.error("%s has no instance: %s", function.name, str(error).split("\n", 1)[0])
            return problem(503, "Service unavailable", "The function could not be started; see its log.")

    async def _exchange(
        self, request: web.Request, url: URL, headers: CIMultiDict[str], timeout: float
    ) -> web.StreamResponse:
        answer = web.StreamResponse()
        try:
            async with asyncio.timeout(timeout):
                await self._stream(request, url, headers, answer)
        except (_TooLarge, TimeoutError, ClientError, ConnectionError) as error:
            if answer.prepared:
                # Half an answer must not look like a whole one.
                if request.transport is not None:
                    request.transport.abort()
                return answer
            log.warning("no answer to %s %s: %s", request.method, request.path, type(error).__name__)
            return _explain(error, timeout)
        return answer

    async def _stream(
        self, request: web.Request, url: URL, headers: CIMultiDict[str], answer: web.StreamResponse
    ) -> None:
        body = _body(request) if request.can_read_body else None
        async with self._client().request(
            request.method, url, headers=headers, data=body, allow_redirects=False
        ) as upstream:
            answer.set_status(upstream.status, upstream.reason)
            answer.headers.extend(_end_to_end(upstream.headers))
            await answer.prepare(request)
            async for chunk in upstream.content.iter_chunked(_CHUNK):
                await answer.write(chunk)
            await answer.write_eof()

    def _client(self) -> ClientSession:
        if self._session is None:
            # A kept-alive connection may be closed by the function just when a request is sent on it.
            self._session = ClientSession(
                connector=TCPConnector(force_close=True, limit=0),
                timeout=ClientTimeout(total=None, sock_connect=10),
                auto_decompress=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            )
        return self._session


def forwarded_headers(request: web.Request) -> CIMultiDict[str]:
    """The caller's end-to-end headers with those that Google's front end adds."""
    headers = _end_to_end(request.headers)
    peer = request.remote or "127.0.0.1"
    before = request.headers.get("X-Forwarded-For")
    headers["X-Forwarded-For"] = f"{before}, {peer}" if before else peer
    headers["X-Forwarded-Proto"] = request.scheme
    # Google's front end adds a span of its own, which is in Cloud Trace; ours, which keeps none, passes
    # on the caller's. Every request is sampled here.
    given = read(request.headers.get("traceparent"))
    trace, span = (given.trace_id, given.span_id) if given else (secrets.token_hex(16), secrets.token_hex(8))
    headers["traceparent"] = f"00-{trace}-{span}-01"
    headers["X-Cloud-Trace-Context"] = f"{trace}/{int(span, 16)};o=1"
    return headers


def _end_to_end(headers: CIMultiDict[str] | object) -> CIMultiDict[str]:
    copy: CIMultiDict[str] = CIMultiDict(headers)  # type: ignore[arg-type]
    named = {name.strip().lower() for name in copy.get("Connection", "").split(",")}
    for name in set(copy):
        if name.lower() in _HOP_BY_HOP or name.lower() in named:
            copy.popall(name, None)
    return copy


async def _body(request: web.Request) -> AsyncIterator[bytes]:
    read = 0
    async for chunk in request.content.iter_chunked(_CHUNK):
        read += len(chunk)
        if read > LARGEST_REQUEST:
            raise _TooLarge
        yield chunk


def _explain(error: Exception, timeout: float) -> web.Response:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _TooLarge):
            return _too_large()
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, TimeoutError):
        return problem(504, "Upstream request timeout", f"The function did not answer in {timeout:g} s.")
    return problem(502, "Bad gateway", "The function ended before it answered.")


def _too_large() -> web.Response:
    limit = LARGEST_REQUEST // (1024 * 1024)
    return problem(413, "Content too large", f"A request may hold at most {limit} MiB; use a signed upload.")
