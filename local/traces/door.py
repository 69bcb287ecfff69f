"""Where the functions' spans are sent to: OTLP over HTTP, at the gateway."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

from local.gateway.answers import problem

PATH = "/_local/traces"
_LARGEST = 16 * 1024 * 1024


class TraceDoor:
    """Takes OTLP messages."""

    def __init__(self, path: Path) -> None:
        """`path` is the file that keeps the spans."""
        self._path = path

    def add_to(self, app: web.Application) -> None:
        """Add the route."""
        app.router.add_post(PATH, self._take)

    async def _take(self, request: web.Request) -> web.Response:
        message = await request.content.read(_LARGEST)
        if not message or not request.content.at_eof():
            return problem(413, "Content too large", "Send fewer spans at a time.")
        try:
            await asyncio.to_thread(self._keep, message)
        except ValueError as error:
            return problem(400, "Bad request", str(error))
        return web.Response(content_type="application/x-protobuf")

    def _keep(self, message: bytes) -> None:
        # OpenTelemetry's messages are loaded when the first one comes.
        from local.traces.store import TraceStore

        TraceStore(self._path).add(message)
