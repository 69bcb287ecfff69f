"""Starts a heavy service at its first connection and stops it when nobody has spoken to it for a while."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from local.services import ports
from local.services.processes import Nursery
from local.services.supervisor import DidNotStart, Service, until_it_answers

log = logging.getLogger("local")

_CHUNK = 65536


@dataclass
class Activator:
    """Listens on the service's public port and pipes each connection to the process behind it.

    `template.argv` holds `{port}` where the inner port belongs; `template.port` is the public port.
    """

    template: Service
    nursery: Nursery
    logs: Path
    idle_after: float = 600
    starts: int = 0
    process: asyncio.subprocess.Process | None = None
    _server: asyncio.Server | None = field(default=None, repr=False)
    _sweeper: asyncio.Task[None] | None = field(default=None, repr=False)
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    _inner: int = 0
    _spoken: float = 0.0
    _pipes: set[asyncio.Task[Any]] = field(default_factory=set, repr=False)

    async def start(self) -> None:
        """Listen; the process itself starts later."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.template.port)
        self._sweeper = asyncio.create_task(self._stop_when_idle())

    async def stop(self) -> None:
        """Stop listening and stop the process."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._server is not None:
            self._server.close()
        await self._end_process()

    def warm(self) -> None:
        """Start the process now, for a connection that is sure to come."""
        task = asyncio.create_task(self._ensure())
        self._pipes.add(task)
        task.add_done_callback(self._pipes.discard)

    def status(self) -> dict[str, Any]:
        """What `python -m local status` shows of it."""
        alive = self._alive()
        return {
            "name": self.template.name,
            "pid": self.process.pid if self.process and alive else None,
            "port": self.template.port,
            "state": "running" if alive else "on demand",
            "restarts": max(0, self.starts - 1),
        }

    def _alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._pipes.add(task)
            task.add_done_callback(self._pipes.discard)
        try:
            inner_reader, inner_writer = await self._connect()
        except (DidNotStart, OSError) as error:
            log.warning("%s", error)
            writer.transport.abort()
            return
        await asyncio.gather(
            self._pipe(reader, inner_writer), self._pipe(inner_reader, writer), return_exceptions=True
        )
        for end in (writer, inner_writer):
            end.transport.abort()

    async def _ensure(self) -> None:
        self._spoken = time.monotonic()
        async with self._starting:
            if not self._alive():
                await self._launch()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        await self._ensure()
        return await asyncio.open_connection("127.0.0.1", self._inner)

    async def _launch(self) -> None:
        if self.process is not None:
            self.nursery.forget(self.process)
        self._inner = ports.free()
        argv = [part.replace("{port}", str(self._inner)) for part in self.template.argv]
        service = replace(self.template, argv=argv, port=self._inner)
        path = self.logs / f"{service.name}.log"
        self.process = await self.nursery.spawn(argv, log=path, env=service.env, cwd=service.cwd)
        self.starts += 1
        await until_it_answers(self.process, self._inner, service.patience, service.name, path)
        self._spoken = time.monotonic()

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                self._spoken = time.monotonic()
                writer.write(chunk)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()

    async def _stop_when_idle(self) -> None:
        while True:
            await asyncio.sleep(min(self.idle_after, 15))
            if self._alive() and time.monotonic() - self._spoken > self.idle_after:
                async with self._starting:
                    await self._end_process()

    async def _end_process(self) -> None:
        if self.process is not None:
            await self.nursery.end(self.process, grace=5)
            self.process = None
        for pipe in list(self._pipes):
            pipe.cancel()
