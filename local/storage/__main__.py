"""`python -m local.storage`: the local cloud's Cloud Storage."""

import argparse
import asyncio
import contextlib
import os
import signal
from pathlib import Path

from aiohttp import web

from local.storage.backend import open_backend
from local.storage.publisher import Publisher
from local.storage.server import StorageServer
from local.storage.signing import SignatureVerifier


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.storage", description="Cloud Storage emulator")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True, help="folder that keeps metadata and content")
    parser.add_argument("--pubsub", required=True, metavar="HOST:PORT", help="where notifications go")
    parser.add_argument("--signer", type=Path, required=True, help="service-account key file of signed URLs")
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


async def serve(arguments: argparse.Namespace) -> None:
    """Open the state, listen, publish notifications; until stopped, orphaned or broken."""
    base = f"http://{arguments.host}:{arguments.port}"
    backend = open_backend(arguments.state, base)
    publisher = Publisher(backend.notifications, arguments.pubsub)
    server = StorageServer(backend, SignatureVerifier(arguments.signer), publisher)
    runner = web.AppRunner(server.application(), access_log=None, auto_decompress=False, shutdown_timeout=1.0)
    await runner.setup()
    tasks = [asyncio.create_task(job) for job in (_parent_gone(), _stop_asked(), publisher.run())]
    await web.TCPSite(runner, arguments.host, arguments.port).start()
    print(f"storage listens on {base}", flush=True)
    done, running = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in running:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    await runner.cleanup()
    for task in done:
        task.result()


if __name__ == "__main__":
    asyncio.run(serve(_arguments()))
