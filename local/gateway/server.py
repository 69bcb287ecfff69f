"""Runs the gateway inside the runner: its socket, the function pool behind it, and the wait for readiness."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import web

from local.gateway.answers import problem
from local.gateway.app import Gateway
from local.gateway.console import Console
from local.gateway.pool import FunctionPool
from local.gateway.proxy import Proxy
from local.services import database
from local.services.environment import UPLOADS_BUCKET
from local.traces.door import TraceDoor

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from local.runner import Runner

_PATIENCE = 120
_GRACE = 10
_PIPELINE = ("storage", "pubsub", "task")


class GatewayServer:
    """The gateway of one runner. It listens from the beginning; requests wait until `ready` is set."""

    def __init__(self, runner: Runner) -> None:
        state, at = runner.state, runner.at
        self.ready = asyncio.Event()
        self._port = at.gateway
        self.pool = FunctionPool(
            runner.nursery,
            state.logs,
            runner.environment,
            limit=runner.options.function_limit,
            kept={m.name for m in runner.manifests.values() if m.kind in _PIPELINE},
            idle_after=runner.options.function_idle,
        )
        self._proxy = Proxy(self.pool)
        console = Console(runner.status, lambda job: _source_url(runner, job), state.mail, at.identity_url)
        gateway = Gateway(runner.manifests, self._proxy, state.keys, at.function_url, console)
        self._app = gateway.application(TraceDoor(state.traces))
        self._app.middlewares.append(self._wait_until_ready)
        # Encoded content passes as it came; decoded here, it would no longer have the length it announces.
        self._runner = web.AppRunner(
            self._app, access_log=None, shutdown_timeout=_GRACE, auto_decompress=False
        )

    async def start(self) -> None:
        """Listen."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self.pool.open()

    async def stop(self) -> None:
        """Answer nobody any more, and stop the functions."""
        self.ready.clear()
        await asyncio.gather(self._runner.cleanup(), self.pool.close())
        await self._proxy.close()

    @web.middleware
    async def _wait_until_ready(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self.ready.is_set() and not request.path.startswith("/_local"):
            try:
                await asyncio.wait_for(self.ready.wait(), _PATIENCE)
            except TimeoutError:
                return problem(503, "Starting", "The local cloud is still starting.")
        return await handler(request)


def _source_url(runner: Runner, job: str) -> str | None:
    account = str(database.account(runner.state).get("account", ""))
    name = database.source_object(runner.at.postgres, account, job)
    if name is None:
        return None
    bucket = f"http://127.0.0.1:{runner.at.storage}/storage/v1/b/{UPLOADS_BUCKET}"
    return f"{bucket}/o/{quote(name, safe='')}?alt=media"
