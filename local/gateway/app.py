"""The one address of the local cloud: load balancer, platform in front of functions, and console page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from local.gateway.answers import problem
from local.gateway.console import Console
from local.gateway.invokers import Refused, admit
from local.gateway.proxy import Proxy
from local.gateway.routes import RouteTable
from local.traces.door import TraceDoor
from shared.edge.manifest import Manifest


class Gateway:
    """Routes requests; public functions by their URL templates, the others are the platform's alone."""

    def __init__(
        self, manifests: Mapping[str, Manifest], proxy: Proxy, keys: Path, function_url: str, console: Console
    ) -> None:
        self._services = {m.service: m for m in manifests.values()}
        self._proxy, self._keys, self._function_url, self._console = proxy, keys, function_url, console
        self._routes = RouteTable((path, m.service) for m in manifests.values() for path in m.paths)

    def application(self, traces: TraceDoor | None = None) -> web.Application:
        """The aiohttp application."""
        app = web.Application(client_max_size=0)
        app.router.add_get("/healthz", self._health)
        app.router.add_route("*", r"/_functions/{service}{tail:(/[\s\S]*)?}", self._platform)
        if traces is not None:
            traces.add_to(app)
        self._console.add_to(app)
        app.router.add_route("*", r"/{path:[\s\S]*}", self._balance)
        return app

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _balance(self, request: web.Request) -> web.StreamResponse:
        route = self._routes.find(request.rel_url.raw_path)
        if route is None:
            return problem(404, "Not found", f"Nothing is served at {request.path}.")
        return await self._proxy.forward(
            request, self._services[route.function], path=request.rel_url.raw_path_qs
        )

    async def _platform(self, request: web.Request) -> web.StreamResponse:
        service = request.match_info["service"]
        manifest = self._services.get(service)
        if manifest is None:
            return problem(404, "Not found", f"There is no function {service}.")
        authorization: str | None = None
        if not manifest.public:
            audience = self._function_url.replace("{function}", service)
            try:
                authorization = admit(
                    self._keys, manifest.kind, audience, request.headers.get("Authorization")
                )
            except Refused as refusal:
                return problem(refusal.status, refusal.title, refusal.detail, refusal.headers)
        rest = request.rel_url.raw_path_qs.removeprefix(f"/_functions/{service}")
        path = rest if rest.startswith("/") else f"/{rest}"
        return await self._proxy.forward(request, manifest, path=path, authorization=authorization)
