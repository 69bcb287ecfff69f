"""`python -m local.auth`: the local cloud's Identity Platform."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
from pathlib import Path

from aiohttp import web

from local.auth.calls import Service
from local.auth.server import AuthServer
from local.identity import PROJECT


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.auth", description="Identity Platform emulator")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True, help="folder that keeps keys and accounts")
    parser.add_argument("--project", default=PROJECT, help=f"the project ({PROJECT})")
    return parser.parse_args()


async def _parent_gone() -> None:
    """Return once the process that started this one is gone: an orphaned emulator would keep its port."""
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(0.5)


async def _stop_asked() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


async def serve(port: int, state: Path, project: str) -> None:
    """Listen on loopback until stopped or orphaned."""
    server = AuthServer(Service(state, project))
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print(f"auth listens on 127.0.0.1:{port}", flush=True)
    tasks = [asyncio.create_task(job) for job in (_parent_gone(), _stop_asked())]
    _, running = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in running:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    await runner.cleanup()


if __name__ == "__main__":
    options = _arguments()
    asyncio.run(serve(options.port, options.state, options.project))
