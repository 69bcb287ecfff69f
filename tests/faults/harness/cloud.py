"""A local cloud whose functions can be struck: proxies before its services, and orders for its processes."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pg8000.native

from local.seed import SeededAccount, open_account
from local.services import ports
from local.testing import Cloud, run_local, start, until
from tests.faults.harness.queues import Queues
from tests.faults.proxies.postgres import PostgresProxy
from tests.faults.proxies.provider import ProviderProxy
from tests.faults.proxies.storage import StorageProxy
from tests.faults.proxies.tcp import TcpProxy

_INJECTOR = Path(__file__).resolve().parents[1] / "injector"
_SERVICES = ("postgres", "valkey", "storage", "messaging", "vision", "translation", "gateway")
# Deliveries at once need a function that serves more than one request at a time.
_THREADS = 12
_FUNCTIONS = 12


@dataclass(frozen=True)
class Order:
    """A fault that is armed in the functions' processes."""

    folder: Path
    id: str

    @property
    def fired(self) -> int:
        """How often it has struck so far."""
        return len(list((self.folder / "fired").glob(f"{self.id}.*")))

    def release(self) -> None:
        """Let those go on that wait because of this order."""
        (self.folder / "release" / self.id).touch()

    def await_fired(self, times: int = 1, seconds: float = 60) -> None:
        """Wait until it has struck so often."""
        until(lambda: self.fired >= times, seconds)


class FaultCloud:
    """One cloud for many runs, one at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.orders = folder / "faults"
        for name in ("armed", "fired", "passed", "release", "removed", "broken"):
            (self.orders / name).mkdir(parents=True)
        at = ports.assign(list(_SERVICES), folder / "ports.json")
        self.postgres = PostgresProxy(at["postgres"])
        self.redis = TcpProxy(at["valkey"])
        self.storage = StorageProxy(at["storage"])
        self.vision = ProviderProxy(at["vision"])
        self.translation = ProviderProxy(at["translation"])
        self._proxies = (self.postgres, self.redis, self.storage, self.vision, self.translation)
        named = ("postgres", "valkey", "storage", "vision", "translation")
        reroute = {str(at[name]): proxy.port for name, proxy in zip(named, self._proxies, strict=True)}
        self._numbers = itertools.count()
        self._one = threading.Lock()
        self._connection: pg8000.native.Connection | None = None
        self.cloud = self._start(reroute)
        self.queues = Queues(self.cloud)
        self.queues.hurry()

    @cached_property
    def stranger(self) -> SeededAccount:
        """Another customer, who must never see anything of the others'."""
        return self.open_account(0)

    @cached_property
    def buckets(self) -> Any:
        """The official Cloud Storage client, past the proxy."""
        return self.cloud.storage()

    def open_account(self, credits: int) -> SeededAccount:
        """An account with so many credits."""
        url, pepper = self.cloud.connection["superuser_url"], self.cloud.state.secret("pepper")
        return open_account(url, pepper, "Somebody", credits=credits)

    def sql(self, statement: str, **parameters: Any) -> list[list[Any]]:
        """What the superuser reads or does; connects again where the server was started again."""
        with self._one:
            return self._sql(statement, parameters)

    def _sql(self, statement: str, parameters: dict[str, Any]) -> list[list[Any]]:
        for last in (False, True):
            if self._connection is None:
                self._connection = self.cloud.database()
            try:
                return self._connection.run(statement, **parameters) or []
            except (pg8000.native.InterfaceError, OSError):
                self._connection = None
                if last:
                    raise
            except pg8000.native.DatabaseError as error:
                if last or error.args[0].get("C") not in {"57P01", "57P02"}:
                    raise
                self._connection = None
        raise AssertionError("unreachable")

    def arm(self, point: str, action: str, match: str = "", **how: Any) -> Order:
        """Have `action` happen at a point; `how` is `skip`, `times` and, for a delay, `seconds`."""
        order = {"id": f"o{next(self._numbers)}", "point": point, "action": action, "match": match}
        order |= {"skip": 0, "times": 1, **how}
        path = self.orders / "armed" / f"{order['id']}.json"
        path.with_suffix(".part").write_text(json.dumps(order))
        path.with_suffix(".part").rename(path)
        return Order(self.orders, str(order["id"]))

    def disarm(self) -> None:
        """Take all orders back, let everybody go on, and pass everything through the proxies."""
        for path in (self.orders / "armed").glob("*.json"):
            (self.orders / "release" / path.stem).touch()
            path.unlink()
        self.postgres.forget()
        self.redis.set("pass")
        for proxy in (self.storage, self.vision, self.translation):
            proxy.forget()

    @contextlib.contextmanager
    def without(self, *guards: str) -> Iterator[None]:
        """Take guards of the program away for a while."""
        marks = [self.orders / "removed" / guard for guard in guards]
        for mark in marks:
            mark.touch()
        try:
            yield
        finally:
            for mark in marks:
                mark.unlink()

    def broken(self) -> list[str]:
        """What the injector could not place: names of the program that have changed."""
        return [path.read_text() for path in (self.orders / "broken").iterdir()]

    def stop(self) -> None:
        """End everything and delete the folder."""
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.close()
        run_local("reset", "--state", str(self.folder))
        for proxy in self._proxies:
            proxy.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, reroute: dict[str, int]) -> Cloud:
        added = {
            "PYTHONPATH": str(_INJECTOR),
            "FAULTS_FOLDER": str(self.orders),
            "FAULTS_REROUTE": json.dumps(reroute),
            "THREADS": str(_THREADS),
            "CONCURRENCY": str(_THREADS),
        }
        options = [f"--function-env={name}={value}" for name, value in added.items()]
        options += ["--function-limit", str(_FUNCTIONS), "--while-alive", str(os.getpid())]
        return start(self.folder, *options)
