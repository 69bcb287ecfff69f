"""The runner: starts, supervises and stops everything that one local cloud consists of."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.gateway.server import GatewayServer
from local.identity import ensure_keys
from local.services import buckets, database, engines, ports, postgres, valkey, wiring
from local.services.activator import Activator
from local.services.environment import (
    RESULTS_BUCKET,
    UPLOADS_BUCKET,
    Addresses,
    function_environment,
    process_environment,
)
from local.services.processes import Nursery
from local.services.scheduler import Scheduler
from local.services.supervisor import DidNotStart, Service, Supervised, tail
from local.state import REPOSITORY, State, read_json, write_json
from shared.edge.manifest import load_all

log = logging.getLogger("local")

_INNER = ["postgres", "valkey", "storage", "messaging", "vision", "translation", "identity", "mail"]


@dataclass(frozen=True)
class Options:
    """What `up` was asked for. Times are in seconds.

    `shortest_backoff` None keeps the cloud's own; the cloud stops when the process `while_alive` has ended.
    `function_env` are `NAME=VALUE` texts; they win over what a function's manifest makes visible.
    """

    port: int = 8080
    shortest_backoff: float | None = None
    function_idle: float = 900
    function_limit: int = 6
    function_env: tuple[str, ...] = ()
    engine_idle: float = 600
    while_alive: int | None = None


class PortTaken(Exception):
    """The gateway's port belongs to somebody else."""


class Runner:
    """One running local cloud."""

    def __init__(self, state: State, options: Options) -> None:
        self.state, self.options = state, options
        self.manifests = load_all(REPOSITORY / "functions")
        self.began = time.monotonic()
        self.nursery = Nursery()
        self.at = self._addresses()
        self.services: list[Supervised] = []
        self.activators: list[Activator] = []
        self.gateway = GatewayServer(self)
        self.scheduler = Scheduler(wiring.schedules(self.manifests), self.at.function_url, state.keys)

    async def start(self) -> None:
        """Start everything; when it returns the cloud is ready and connection.json says so."""
        self.state.withdraw()
        self.state.prepare()
        ensure_keys(self.state.keys)
        await asyncio.gather(self.gateway.start(), self._data(), self._emulators(), self._engines())
        self.gateway.ready.set()
        self.scheduler.start()
        self.state.publish(self.connection())

    async def stop(self) -> None:
        """Stop everything: callers first, then what they call."""
        self.state.withdraw()
        await self.scheduler.stop()
        await self.gateway.stop()
        await asyncio.gather(*(a.stop() for a in self.activators))
        await asyncio.gather(*(s.stop() for s in self.services))
        self.nursery.close()

    def connection(self) -> dict[str, Any]:
        """What connection.json holds."""
        at = self.at
        return {
            "gateway": at.gateway_url,
            **database.account(self.state),
            "buckets": {"uploads": UPLOADS_BUCKET, "results": RESULTS_BUCKET},
            "postgres": f"127.0.0.1:{at.postgres}",
            "redis": f"127.0.0.1:{at.valkey}",
            "storage": f"http://127.0.0.1:{at.storage}",
            "pubsub": f"127.0.0.1:{at.messaging}",
            "tasks": f"127.0.0.1:{at.messaging}",
            "identity": at.identity_url,
            "vision": f"127.0.0.1:{at.vision}",
            "translate": f"127.0.0.1:{at.translation}",
            "smtp": f"127.0.0.1:{at.mail}",
            "function_url": at.function_url,
            "superuser_url": database.superuser_url(at.postgres),
            "admin_url": database.admin_url(at.postgres),
            "keys": str(self.state.keys),
            "state": str(self.state.folder),
            "pid": os.getpid(),
        }

    def status(self) -> dict[str, Any]:
        """What runs now."""
        return {
            "gateway": self.at.gateway_url,
            "pid": os.getpid(),
            "state": str(self.state.folder),
            "ready": self.gateway.ready.is_set(),
            "seconds_up": round(time.monotonic() - self.began, 1),
            "services": [s.status() for s in self.services] + [a.status() for a in self.activators],
            "functions": self.gateway.pool.status(),
            "function_limit": self.gateway.pool.limit,
            "failures": self.gateway.pool.failures(),
            "schedules": self.scheduler.status(),
            "engines": engines.counters(self.state),
            "translate": self.state.command("translate", "sign.jpg", "--from", "en", "--to", "es"),
            **database.account(self.state),
        }

    def environment(self, function: str) -> dict[str, str]:
        """The environment of one function's process."""
        settings = function_environment(self.state, self.at, self.manifests, function)
        added = dict(text.split("=", 1) for text in self.options.function_env)
        return {**process_environment(self.state, function), **settings, **added}

    def _addresses(self) -> Addresses:
        wanted = self.options.port
        if wanted and not ports.is_free(wanted):
            by_make = " (with make: PORT=N)" if "MAKELEVEL" in os.environ else ""
            raise PortTaken(f"port {wanted} is taken; choose another by --port N, 0 for any{by_make}")
        memory = self.state.folder / "ports.json"
        found = ports.assign([*_INNER, *([] if wanted else ["gateway"])], memory)
        return Addresses(**{"gateway": wanted, **found})

    async def _data(self) -> None:
        server, cache = await asyncio.gather(
            asyncio.to_thread(postgres.service, self.state, self.at.postgres),
            asyncio.to_thread(valkey.service, self.state, self.at.valkey),
        )
        await asyncio.gather(self._supervise(server), self._supervise(cache))
        users = database.users_of({m.name: [str(u) for u in m.uses] for m in self.manifests.values()})
        ready = await asyncio.to_thread(database.is_ready, self.at.postgres, users)
        if not (ready and database.account(self.state).get("api_key")):
            await self._run_once(
                "database",
                ["--state", str(self.state.folder), "--port", str(self.at.postgres)],
                ["--users", json.dumps(users)],
            )

    async def _emulators(self) -> None:
        at, state = self.at, self.state
        common = ["--pubsub", f"127.0.0.1:{at.messaging}", "--signer", str(state.signer)]
        await asyncio.gather(
            self._supervise(
                _emulator("messaging", at.messaging, state.messaging, ["--identity", str(state.keys)])
            ),
            self._supervise(_emulator("storage", at.storage, state.storage, common)),
            self._supervise(_emulator("mail", at.mail, state.mail, [])),
            self._supervise(_emulator("auth", at.identity, state.auth, [])),
        )
        await self._wire()
        topic = wiring.upload_topic(self.manifests)
        origins = [at.gateway_url, f"http://localhost:{at.gateway}"]
        await buckets.create_buckets(f"http://127.0.0.1:{at.storage}", origins, topic)

    async def _wire(self) -> None:
        """Create topics, subscriptions and queues, unless the emulator's own folder says they are there."""
        wanted = wiring.wiring(self.manifests, self.at, self.options.shortest_backoff)
        text = json.dumps(wanted, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        memory = self.state.messaging / "wired.json"
        if read_json(memory).get("wiring") != digest:
            await self._run_once(
                "messages", ["--endpoint", f"127.0.0.1:{self.at.messaging}"], ["--wiring", text]
            )
            write_json(memory, {"wiring": digest})

    async def _engines(self) -> None:
        templates = [engines.vision(self.state, self.at), engines.translation(self.state, self.at)]
        idle = self.options.engine_idle
        self.activators = [Activator(t, self.nursery, self.state.logs, idle) for t in templates]
        await asyncio.gather(*(a.start() for a in self.activators))

    async def _supervise(self, service: Service) -> None:
        supervised = Supervised(service, self.nursery, self.state.logs)
        self.services.append(supervised)
        await supervised.start()

    async def _run_once(self, module: str, *arguments: list[str]) -> None:
        """Run one of our own preparing programs to its end; raises `DidNotStart` when it fails."""
        path = self.state.logs / f"{module}.log"
        argv = [sys.executable, "-m", f"local.services.{module}", *(a for part in arguments for a in part)]
        child = await self.nursery.spawn(argv, log=path, cwd=REPOSITORY)
        try:
            code = await child.wait()
        finally:
            await self.nursery.end(child, grace=2)
        if code:
            raise DidNotStart(f"preparing {module} failed:\n{tail(path)}")


def _emulator(name: str, port: int, folder: Path, arguments: list[str]) -> Service:
    argv = [sys.executable, "-m", f"local.{name}", "--port", str(port), "--state", str(folder), *arguments]
    return Service(name=name, argv=argv, port=port, cwd=REPOSITORY)
