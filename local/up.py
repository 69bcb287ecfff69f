"""`python -m local up` and `run`: start a local cloud and stay until told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.state import AlreadyRunning, NotRunning, State

if TYPE_CHECKING:
    from local.runner import Options, Runner

_DETACH_PATIENCE = 180


def up(state: State, options: dict[str, Any], then: Callable[[Runner], Awaitable[None]] | None = None) -> int:
    """Run the cloud in this process until SIGINT or SIGTERM. `then` runs once it is ready."""
    try:
        state.hold()
    except AlreadyRunning as error:
        print(_already(state, str(error)), file=sys.stderr)
        return 1
    state.prepare()
    _log_to(state.logs / "runner.log")
    from local.runner import Options

    return asyncio.run(_serve(state, Options(**options), then))


def detach(state: State, arguments: list[str]) -> int:
    """Start `up` in the background and return when it is ready."""
    if state.holder() is not None:
        print(_already(state, str(state.holder())), file=sys.stderr)
        return 1
    state.prepare()
    with (state.logs / "up.log").open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "local", "up", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    began = time.monotonic()
    while child.poll() is None and time.monotonic() - began < _DETACH_PATIENCE:
        try:
            connection = state.connection()
        except NotRunning:
            connection = {}
        if connection.get("pid") == child.pid:
            _announce(state, connection["gateway"], began)
            print(f"stop with: {state.command('down')}")
            return 0
        time.sleep(0.05)
    print((state.logs / "up.log").read_text(), end="", file=sys.stderr)
    if child.poll() is None:
        print(f"not ready after {_DETACH_PATIENCE} s; stop with: {state.command('down')}", file=sys.stderr)
    return child.returncode or 1


async def _serve(state: State, options: Options, then: Callable[[Runner], Awaitable[None]] | None) -> int:
    from local.runner import PortTaken, Runner

    began = time.monotonic()
    try:
        runner = Runner(state, options)
    except (PortTaken, ValueError) as error:
        print(f"cannot start: {error}", file=sys.stderr)
        return 1
    main = asyncio.create_task(_live(runner, began, then))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _ask_to_stop, main)
    try:
        await main
        code = 0
    except asyncio.CancelledError:
        print("stopping", flush=True)
        code = 0
    except Exception as error:
        logging.getLogger("local").exception("the local cloud could not start")
        print(f"cannot start: {error}", file=sys.stderr)
        code = 1
    await runner.stop()
    return code


async def _live(runner: Runner, began: float, then: Callable[[Runner], Awaitable[None]] | None) -> None:
    await runner.start()
    _announce(runner.state, runner.at.gateway_url, began)
    if then is not None:
        await then(runner)
    print(f"stop with Ctrl-C or: {runner.state.command('down')}", flush=True)
    while runner.options.while_alive is None or _alive(runner.options.while_alive):
        await asyncio.sleep(1)


def _announce(state: State, gateway: str, began: float) -> None:
    print(f"ready in {time.monotonic() - began:.1f} s at {gateway}")
    print(f"state and logs: {state.folder}")
    if state.postgres.is_symlink():
        elsewhere = state.postgres.resolve()
        print(f"database: {elsewhere} (its account, nobody, cannot reach the state folder)")
    sys.stdout.flush()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _ask_to_stop(main: asyncio.Task[None]) -> None:
    """The first signal stops in order; at the second the guardian clears up."""
    if main.cancelling() or main.done():
        os._exit(130)
    main.cancel()


def _already(state: State, pid: str) -> str:
    return f"a local cloud runs already for {state.folder} (pid {pid}); stop it with: {state.command('down')}"


def _log_to(path: Path) -> None:
    logging.basicConfig(
        filename=path, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", force=True
    )
