"""The gateway before real functions-framework processes, with functions of its own and no other service."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from local.gateway.app import Gateway
from local.gateway.console import Console
from local.gateway.invokers import EVENTS, STRIPPED
from local.gateway.pool import FunctionPool
from local.gateway.proxy import LARGEST_REQUEST, Proxy
from local.identity import ensure_keys, mint_id_token
from local.services import ports
from local.services.processes import Nursery
from shared.edge.manifest import load_all

DEFAULTS = """
runtime: python311
memory: 512Mi
cpu: 1
concurrency: 4
timeout: 60s
attempts: 5
min_instances: 0
max_instances: 1
"""
ECHO = """
import os, time
import functions_framework

@functions_framework.http
def {name}(request):
    if "sleep" in request.args:
        time.sleep(float(request.args["sleep"]))
    if "die" in request.args:
        os.kill(os.getpid(), 9)
    if "stream" in request.args:
        def parts():
            for n in range(3):
                yield f"part {{n}};"
                time.sleep(0.3)
        return parts(), 200, {{"Set-Cookie": "a=1"}}
    return {{"path": request.full_path, "headers": dict(request.headers), "size": len(request.get_data()),
             "pid": os.getppid(), "environment": sorted(os.environ), "version": {version}}}
"""


def write_function(root: Path, name: str, manifest: str, version: int = 1) -> None:
    folder = root / "functions" / name
    folder.mkdir(parents=True, exist_ok=True)
    (root / "functions" / "defaults.yaml").write_text(DEFAULTS)
    (folder / "function.yaml").write_text(manifest)
    (folder / "main.py").write_text(ECHO.format(name=name, version=version))


class Served:
    """A gateway with its pool, and calls to it."""

    def __init__(self, pool: FunctionPool, url: str, keys: Path, session: ClientSession) -> None:
        self.pool, self.url, self.keys, self._session = pool, url, keys, session

    async def call(self, path: str, method: str = "GET", **how: Any) -> tuple[int, Any, dict[str, str]]:
        async with self._session.request(method, self.url + path, **how) as answer:
            raw = await answer.read()
            body = json.loads(raw) if "json" in answer.content_type else raw.decode()
            return answer.status, body, dict(answer.headers)


@asynccontextmanager
async def gateway(root: Path, limit: int = 6, idle_after: float = 900) -> AsyncIterator[Served]:
    keys, logs, port = root / "keys", root / "logs", ports.free()
    logs.mkdir(exist_ok=True)
    ensure_keys(keys)
    environment = {"PATH": os.environ["PATH"], "HOME": str(root), "OWN": "1"}
    nursery = Nursery()
    pool = FunctionPool(nursery, logs, lambda _: environment, limit=limit, idle_after=idle_after, root=root)
    proxy = Proxy(pool)
    url = f"http://127.0.0.1:{port}"
    console = Console(lambda: {"ready": True}, lambda job: f"{url}/{job}", root / "mail", f"{url}/v1/echo")
    app = Gateway(load_all(root / "functions"), proxy, keys, f"{url}/_functions/{{function}}", console)
    runner = web.AppRunner(app.application(), shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    pool.open()
    try:
        async with ClientSession() as session:
            yield Served(pool, url, keys, session)
    finally:
        await asyncio.gather(runner.cleanup(), pool.close())
        await proxy.close()
        nursery.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_function(tmp_path, "echo", 'kind: http\npaths: [/v1/echo, "/v1/echo/{id}"]\n')
    return tmp_path


@pytest.fixture
def serve(root: Path) -> Callable[..., None]:
    """Run one scenario against a gateway over the functions in `root`."""

    def run(scenario: Callable[[Served], Awaitable[None]], **options: Any) -> None:
        async def session() -> None:
            async with gateway(root, **options) as served:
                await scenario(served)

        asyncio.run(session())

    return run


def test_a_request_reaches_the_function_as_it_was_sent(serve: Callable[..., None]) -> None:
    async def scenario(served: Served) -> None:
        sent = {"X-Forwarded-For": "198.51.100.7", "Connection": "X-Gone", "X-Gone": "1", "X-Kept": "2"}
        status, body, _ = await served.call("/v1/echo/a%2Fb?q=%C3%A9", "POST", data=b"abc", headers=sent)
        seen = body["headers"]

        assert status == 200
        assert (body["path"], body["size"]) == ("/v1/echo/a/b?q=%C3%A9", 3)
        assert seen["X-Forwarded-For"] == "198.51.100.7, 127.0.0.1"
        assert seen["X-Kept"] == "2"
        assert "X-Gone" not in seen
        trace = seen["Traceparent"].split("-")[1]
        assert seen["X-Cloud-Trace-Context"].startswith(f"{trace}/")

    serve(scenario)


def test_a_trace_is_continued(serve: Callable[..., None]) -> None:
    async def scenario(served: Served) -> None:
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
        _, body, _ = await served.call("/v1/echo", headers=headers)

        assert body["headers"]["Traceparent"] == headers["traceparent"]
        assert body["headers"]["X-Cloud-Trace-Context"] == f"{trace}/{0x00F067AA0BA902B7};o=1"

    serve(scenario)


def test_a_function_sees_its_own_environment_only(
    serve: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_SHELL", "1")

    async def scenario(served: Served) -> None:
        _, body, _ = await served.call("/v1/echo")

        assert {"OWN", "PORT", "FUNCTION_TARGET", "PYTHONPATH"} <= set(body["environment"])
        assert not {"SECRET_OF_THE_SHELL", "K_SERVICE"} & set(body["environment"])

    serve(scenario)


def test_answers_are_streamed_without_hop_by_hop_headers(serve: Callable[..., None]) -> None:
    async def scenario(served: Served) -> None:
        async with ClientSession() as session, session.get(f"{served.url}/v1/echo?stream=1") as answer:
            first = await answer.content.readany()
            rest = await answer.read()

            assert first == b"part 0;"
            assert rest == b"part 1;part 2;"
            assert "Connection" not in answer.headers
            assert answer.headers["Set-Cookie"] == "a=1"

    serve(scenario)


def _exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def _zeros(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 65536):
        yield bytes(65536)


def test_requests_over_32_mib_are_refused(serve: Callable[..., None]) -> None:
    async def scenario(served: Served) -> None:
        told, body, _ = await served.call("/v1/echo", "POST", data=bytes(LARGEST_REQUEST + 1))
        chunked, _, _ = await served.call("/v1/echo", "POST", data=_zeros(LARGEST_REQUEST + 65536))
        within, echoed, _ = await served.call("/v1/echo", "POST", data=_zeros(LARGEST_REQUEST))

        assert (told, chunked, within) == (413, 413, 200)
        assert body["status"] == 413
        assert echoed["size"] == LARGEST_REQUEST

    serve(scenario)


def test_first_requests_at_once_start_one_instance(serve: Callable[..., None]) -> None:
    async def scenario(served: Served) -> None:
        answers = await asyncio.gather(*(served.call("/v1/echo") for _ in range(8)))

        assert {status for status, _, _ in answers} == {200}
        assert len({body["pid"] for _, body, _ in answers}) == 1

    serve(scenario)


def test_an_instance_that_was_killed_is_replaced(serve: Callable[..., None]) -> None:
    async def scenario(served: Served) -> None:
        _, before, _ = await served.call("/v1/echo")
        os.kill(before["pid"], signal.SIGKILL)
        await asyncio.sleep(0.3)
        status, after, _ = await served.call("/v1/echo")

        assert status == 200
        assert after["pid"] != before["pid"]

    serve(scenario)


def test_a_worker_that_dies_in_a_request_is_a_bad_gateway(serve: Callable[..., None]) -> None:
    async def scenario(served: Served) -> None:
        status, body, headers = await served.call("/v1/echo?die=1")

        assert (status, body["status"]) == (502, 502)
        assert headers["Content-Type"] == "application/problem+json"

    serve(scenario)


def test_changed_sources_are_served_at_once(serve: Callable[..., None], root: Path) -> None:
    async def scenario(served: Served) -> None:
        _, before, _ = await served.call("/v1/echo")
        slow = asyncio.create_task(served.call("/v1/echo?sleep=2"))
        await asyncio.sleep(1.2)
        write_function(root, "echo", "kind: http\npaths: [/v1/echo]\n", version=2)
        _, after, _ = await served.call("/v1/echo")
        status, finished, _ = await slow

        assert (before["version"], after["version"]) == (1, 2)
        assert (status, finished["version"]) == (200, 1)

    serve(scenario)


def test_a_function_that_cannot_start_is_503_without_its_traceback(
    serve: Callable[..., None], root: Path
) -> None:
    (root / "functions" / "echo" / "main.py").write_text("raise RuntimeError('the secret reason')\n")

    async def scenario(served: Served) -> None:
        status, body, _ = await served.call("/v1/echo")

        assert status == 503
        assert "secret reason" not in json.dumps(body)
        assert "the secret reason" in served.pool.failures()["echo"]

    serve(scenario)


def test_the_timeout_of_the_manifest_is_kept(serve: Callable[..., None], root: Path) -> None:
    write_function(root, "echo", "kind: http\npaths: [/v1/echo]\ntimeout: 1s\n")

    async def scenario(served: Served) -> None:
        status, _, _ = await served.call("/v1/echo?sleep=3")

        assert status == 504

    serve(scenario)


def test_the_least_recently_used_instance_makes_room(serve: Callable[..., None], root: Path) -> None:
    for name in ("second", "third"):
        write_function(root, name, f"kind: http\npaths: [/v1/{name}]\n")

    async def scenario(served: Served) -> None:
        for path in ("/v1/echo", "/v1/second", "/v1/echo", "/v1/third"):
            await served.call(path)

        assert {f["name"] for f in served.pool.status()} == {"echo", "third"}

    serve(scenario, limit=2)


def test_a_busy_instance_is_waited_for(serve: Callable[..., None], root: Path) -> None:
    write_function(root, "second", "kind: http\npaths: [/v1/second]\n")

    async def scenario(served: Served) -> None:
        await served.call("/v1/echo")
        busy = asyncio.create_task(served.call("/v1/echo?sleep=1"))
        await asyncio.sleep(0.3)
        status, _, _ = await served.call("/v1/second")

        assert busy.done()
        assert ((await busy)[0], status) == (200, 200)

    serve(scenario, limit=1)


def test_idle_instances_are_stopped(serve: Callable[..., None]) -> None:
    async def scenario(served: Served) -> None:
        _, body, _ = await served.call("/v1/echo")
        deadline = time.monotonic() + 10
        while served.pool.status() and time.monotonic() < deadline:
            await asyncio.sleep(0.1)

        assert served.pool.status() == []
        while _exists(body["pid"]) and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
        assert not _exists(body["pid"])

    serve(scenario, idle_after=0.5)


def test_only_the_platform_reaches_an_event_function(serve: Callable[..., None], root: Path) -> None:
    write_function(root, "on_thing", "kind: pubsub\n")

    async def scenario(served: Served) -> None:
        url = f"{served.url}/_functions/on-thing"
        token = mint_id_token(served.keys, EVENTS, url)
        refused, _, _ = await served.call("/_functions/on-thing", "POST")
        status, body, _ = await served.call(
            "/_functions/on-thing", "POST", headers={"Authorization": f"Bearer {token}"}
        )

        assert refused == 403
        assert status == 200
        assert body["path"] == "/?"
        assert body["headers"]["Authorization"].endswith(f".{STRIPPED}")

    serve(scenario)


def test_strangers_do_not_see_the_console(serve: Callable[..., None]) -> None:
    async def scenario(served: Served) -> None:
        own, page, _ = await served.call("/")
        foreign, _, _ = await served.call("/_local/status", headers={"Host": "rebound.example:80"})
        unknown, _, _ = await served.call("/_local/..%2f..%2fcli.py")

        assert own == 200
        assert "Imangor" in page
        assert (foreign, unknown) == (403, 404)

    serve(scenario)
