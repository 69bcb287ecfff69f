"""The function instances: scaled from zero, one real functions-framework process for each function."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.gateway.sources import SourceStamp
from local.services import ports
from local.services.processes import Nursery
from local.services.supervisor import DidNotStart, until_it_answers
from local.state import REPOSITORY

log = logging.getLogger("local")

_PATIENCE = 60
_GRACE = 10
_AFTER_A_FAILURE = 1.0


class NoInstance(Exception):
    """No instance of the function can take the request."""


@dataclass
class Instance:
    """One process of one function."""

    function: str
    port: int
    process: asyncio.subprocess.Process
    stamp: int
    ready_in: float
    running: int = 0
    served: int = 0
    last_used: float = field(default_factory=time.monotonic)

    @property
    def alive(self) -> bool:
        """Whether its process still runs."""
        return self.process.returncode is None


class FunctionPool:
    """Starts a function at its first request, stops it when idle, and keeps at most `limit` alive.

    Functions go by the names of their folders.
    `environment(name)` gives exactly the variables that one function may see.
    `kept` are the functions of the pipeline, for which a job would wait: they make room last.
    """

    def __init__(
        self,
        nursery: Nursery,
        logs: Path,
        environment: Callable[[str], dict[str, str]],
        *,
        limit: int = 6,
        kept: Collection[str] = (),
        idle_after: float = 900,
        root: Path = REPOSITORY,
    ) -> None:
        self._nursery, self._logs, self._environment = nursery, logs, environment
        self.limit, self._kept, self._idle_after, self._root = limit, kept, idle_after, root
        self._instances: dict[str, Instance] = {}
        self._starting: dict[str, asyncio.Lock] = {}
        self._stamps: dict[str, SourceStamp] = {}
        self._failed: dict[str, tuple[float, int, str]] = {}
        self._freed = asyncio.Condition()
        self._room = asyncio.Lock()
        self._launching = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._sweeper: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin to stop idle instances."""
        self._sweeper = asyncio.create_task(self._stop_idle())

    @asynccontextmanager
    async def lease(self, function: str) -> AsyncIterator[Instance]:
        """An instance for the length of one request; raises `NoInstance`."""
        instance = await self._obtain(function)
        instance.running += 1
        instance.served += 1
        try:
            yield instance
        finally:
            instance.running -= 1
            instance.last_used = time.monotonic()
            async with self._freed:
                self._freed.notify_all()

    def warm(self, function: str) -> None:
        """Start an instance now, for a request that is sure to come."""
        self._tasks.add(task := asyncio.create_task(self._obtain(function)))
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop every instance, each with ten seconds to finish what it does."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for name in list(self._instances):
            self._retire(name)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def status(self) -> list[dict[str, Any]]:
        """The instances alive now."""
        now = time.monotonic()
        return [
            {
                "name": i.function,
                "pid": i.process.pid,
                "port": i.port,
                "pipeline": i.function in self._kept,
                "running": i.running,
                "served": i.served,
                "idle_seconds": 0 if i.running else round(now - i.last_used, 1),
                "started_in_seconds": round(i.ready_in, 2),
            }
            for i in self._alive()
        ]

    def failures(self) -> dict[str, str]:
        """Why functions could not start the last time, with the end of their logs."""
        return {name: why for name, (_, _, why) in self._failed.items()}

    def _alive(self) -> list[Instance]:
        return [i for i in self._instances.values() if i.alive]

    async def _obtain(self, function: str) -> Instance:
        async with self._starting.setdefault(function, asyncio.Lock()):
            stamp = self._stamp(function)
            instance = self._instances.get(function)
            if instance is not None and instance.alive and instance.stamp == stamp:
                return instance
            if instance is not None:
                log.info("%s %s; starting it again", function, "changed" if instance.alive else "died")
                self._retire(function)
            self._refuse_at_once_after_a_failure(function, stamp)
            async with self._room:
                await self._make_room()
                self._launching += 1
            try:
                return await self._start(function, stamp)
            finally:
                self._launching -= 1

    def _refuse_at_once_after_a_failure(self, function: str, stamp: int) -> None:
        when, failed_stamp, why = self._failed.get(function, (-1e9, 0, ""))
        if failed_stamp == stamp and time.monotonic() - when < _AFTER_A_FAILURE:
            raise NoInstance(why)

    async def _start(self, function: str, stamp: int) -> Instance:
        port, began = ports.free(), time.monotonic()
        log_path = self._logs / f"function-{function}.log"
        command = [str(Path(sys.executable).with_name("functions-framework")), "--host", "127.0.0.1"]
        given = self._environment(function)
        before = f"{given['PYTHONPATH']}:" if "PYTHONPATH" in given else ""
        env = {
            **given,
            "PORT": str(port),
            "FUNCTION_TARGET": function,
            "FUNCTION_SOURCE": str(self._root / "functions" / function / "main.py"),
            "PYTHONPATH": f"{before}{self._root}",
            # gunicorn believes SCRIPT_NAME and the like of a peer on the loopback, which Cloud Run's is not.
            "FORWARDED_ALLOW_IPS": "",
        }
        process = await self._nursery.spawn(command, log=log_path, env=env, cwd=self._root)
        try:
            await until_it_answers(process, port, _PATIENCE, function, log_path)
        except BaseException as error:
            await self._nursery.end(process, grace=1)
            self._failed[function] = (time.monotonic(), stamp, str(error))
            if isinstance(error, DidNotStart):
                log.error("%s", error)
                raise NoInstance(str(error)) from error
            raise
        self._failed.pop(function, None)
        self._tasks.add(burial := asyncio.create_task(self._bury(process)))
        burial.add_done_callback(self._tasks.discard)
        instance = Instance(function, port, process, stamp, time.monotonic() - began)
        self._instances[function] = instance
        return instance

    async def _bury(self, process: asyncio.subprocess.Process) -> None:
        """When the server has died its workers would go on serving for a moment: they end with it."""
        await process.wait()
        self._nursery.forget(process)

    async def _make_room(self) -> None:
        """Stop the least recently used idle instance when the house is full; wait when all are busy.

        Those of the pipeline go only when no other is idle.
        """
        try:
            async with asyncio.timeout(_PATIENCE):
                while len(self._alive()) + self._launching >= self.limit:
                    idle = [i for i in self._alive() if not i.running]
                    if idle:
                        first = min(idle, key=lambda i: (i.function in self._kept, i.last_used))
                        await self._retire(first.function)
                        continue
                    async with self._freed:
                        await self._freed.wait()
        except TimeoutError:
            raise NoInstance(f"all {self.limit} instances are busy") from None

    def _retire(self, function: str) -> asyncio.Task[None]:
        """Take the instance out of service; it may finish what it is doing."""
        instance = self._instances.pop(function)
        task = asyncio.create_task(self._nursery.end(instance.process, grace=_GRACE))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _stop_idle(self) -> None:
        while True:
            await asyncio.sleep(min(self._idle_after, 5))
            for name, instance in list(self._instances.items()):
                idle = not instance.running and time.monotonic() - instance.last_used > self._idle_after
                if idle or not instance.alive:
                    self._retire(name)

    def _stamp(self, function: str) -> int:
        if function not in self._stamps:
            folders = [self._root / "functions" / function, self._root / "shared"]
            self._stamps[function] = SourceStamp(folders)
        return self._stamps[function].read()
