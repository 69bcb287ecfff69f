"""Keeps services alive: starts them, waits until they answer, starts them again when they die."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.services.processes import Nursery, Owner, answers

log = logging.getLogger("local")

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 5.0
_STABLE = 5.0
_FIRST_TRIES, _BETWEEN_TRIES = 3, 0.4


class DidNotStart(Exception):
    """A service died or stayed silent before it answered."""


@dataclass(frozen=True)
class Service:
    """A program that answers on one port."""

    name: str
    argv: list[str]
    port: int
    stop_signal: signal.Signals = signal.SIGTERM
    env: dict[str, str] | None = None
    cwd: Path | str = "/"
    owner: Owner | None = None
    patience: float = 60


@dataclass
class Supervised:
    """One service and its current process. `start` returns when it answers; then it is kept alive."""

    service: Service
    nursery: Nursery
    logs: Path
    state: str = "stopped"
    restarts: int = 0
    process: asyncio.subprocess.Process | None = None
    _keeper: asyncio.Task[None] | None = field(default=None, repr=False)

    async def start(self) -> None:
        """Run the service; raises `DidNotStart` when it cannot be started.

        It is tried more than once: what a killed runner left behind may be gone only a moment later.
        """
        for _ in range(_FIRST_TRIES - 1):
            try:
                await self._launch()
                break
            except DidNotStart as error:
                log.warning("%s", error)
                await asyncio.sleep(_BETWEEN_TRIES)
        else:
            await self._launch()
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Stop the service and keep it stopped."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self.process is not None:
            await self.nursery.end(self.process, self.service.stop_signal)
        self.state = "stopped"

    def status(self) -> dict[str, Any]:
        """What `python -m local status` shows of it."""
        alive = self.process is not None and self.process.returncode is None
        return {
            "name": self.service.name,
            "pid": self.process.pid if self.process and alive else None,
            "port": self.service.port,
            "state": self.state,
            "restarts": self.restarts,
        }

    async def _launch(self) -> None:
        self.state = "starting"
        service = self.service
        path = self.logs / f"{service.name}.log"
        self.process = await self.nursery.spawn(
            service.argv, log=path, env=service.env, cwd=service.cwd, owner=service.owner
        )
        await until_it_answers(self.process, service.port, service.patience, service.name, path)
        self.state = "running"

    async def _keep(self) -> None:
        pause, began = _FIRST_PAUSE, time.monotonic()
        while True:
            assert self.process is not None  # noqa: S101 - for the type checker: start() launched it
            code = await self.process.wait()
            self.nursery.forget(self.process)
            self.state = "restarting"
            self.restarts += 1
            pause = _FIRST_PAUSE if time.monotonic() - began > _STABLE else min(pause * 2, _LONGEST_PAUSE)
            log.warning("%s ended with %s; starting it again", self.service.name, code)
            await asyncio.sleep(pause)
            began = time.monotonic()
            try:
                await self._launch()
            except DidNotStart as error:
                log.warning("%s", error)


async def until_it_answers(
    process: asyncio.subprocess.Process, port: int, patience: float, name: str, log_path: Path
) -> None:
    """Wait until the process accepts connections; raises `DidNotStart` with the end of its log."""
    deadline = time.monotonic() + patience
    pause = 0.01
    while not await answers(port):
        if process.returncode is not None:
            raise DidNotStart(f"{name} ended with {process.returncode}:\n{tail(log_path)}")
        if time.monotonic() > deadline:
            process.kill()
            raise DidNotStart(f"{name} did not answer within {patience:g} s:\n{tail(log_path)}")
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def tail(path: Path, lines: int = 15) -> str:
    """The last lines of a log."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 8192))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""
