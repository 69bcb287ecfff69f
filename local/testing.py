"""A running local cloud as tests see it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from local.identity import mint_id_token
from local.services.engines import counters
from local.services.supervisor import tail
from local.state import REPOSITORY, State

if TYPE_CHECKING:
    import pg8000.native
    from google.cloud.storage import Client


class Cloud:
    """One local cloud: its addresses, the seeded account, and ways to look behind its API."""

    def __init__(self, folder: Path) -> None:
        self.state = State(folder)
        self.connection: dict[str, Any] = self.state.connection()
        self.gateway: str = self.connection["gateway"]
        self.api_key: str = self.connection.get("api_key", "")
        self.admin_key: str = self.connection.get("admin_key", "")
        self.account: str = self.connection.get("account", "")
        self._session = requests.Session()

    def request(self, method: str, path: str, *, key: str | None = "", **how: Any) -> requests.Response:
        """Call the gateway, as the seeded account unless `key` is another API key, or None for nobody."""
        headers = dict(how.pop("headers", None) or {})
        if key is not None:
            headers.setdefault("X-Api-Key", key or self.api_key)
        how.setdefault("timeout", 120)
        return self._session.request(method, self.gateway + path, headers=headers, **how)

    def counters(self, engine: str) -> dict[str, Any]:
        """What one engine (`vision` or `translation`) has counted so far; empty before its first call."""
        return dict(counters(self.state).get(engine, {}))

    def database(self) -> pg8000.native.Connection:
        """A superuser's connection, which row-level security does not bind. The caller closes it."""
        from local.services.database import connect

        return connect(int(self.connection["postgres"].rsplit(":", 1)[1]))

    def storage(self) -> Client:
        """The official Cloud Storage client, at this cloud's emulator."""
        from google.auth.credentials import AnonymousCredentials
        from google.cloud.storage import Client

        return Client(
            project="imangor-local",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": self.connection["storage"]},
        )

    def token(self, service: str, email: str, lifetime: float = 3600) -> str:
        """An identity token for the URL of one function."""
        return mint_id_token(self.state.keys, email, self.function_url(service), lifetime)

    def function_url(self, service: str) -> str:
        """The URL of one function, by its service name."""
        return str(self.connection["function_url"]).replace("{function}", service)

    def status(self) -> dict[str, Any]:
        """What runs now, as `python -m local status --json` has it."""
        return dict(self.request("GET", "/_local/status", key=None).json())

    def pid(self, name: str) -> int | None:
        """The process of one service or function; None while it has none."""
        found = self.status()
        return next((p["pid"] for p in [*found["services"], *found["functions"]] if p["name"] == name), None)

    def kill(self, name: str) -> int:
        """Kill one service or function without warning; its pid, which is gone."""
        pid = self.pid(name)
        if pid is None:
            raise LookupError(f"{name} does not run")
        os.kill(pid, signal.SIGKILL)
        return pid

    def environment(self, function: str | None = None) -> dict[str, str]:
        """What `python -m local env` prints, as a mapping."""
        command = [sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"]
        chosen = ["--function", function] if function else []
        lines = run_local("env", "--state", str(self.state.folder), *chosen).stdout
        shell = subprocess.run(
            ["/bin/sh", "-c", f'{lines}\nexec "$@"', "sh", *command],
            env={},
            capture_output=True,
            check=True,
            text=True,
        )
        return dict(json.loads(shell.stdout))

    def logs(self) -> str:
        """The end of every log that is not empty."""
        paths = sorted(self.state.logs.glob("*.log"))
        return "\n".join(f"--- {path.name}\n{tail(path, 25)}" for path in paths if path.stat().st_size)


def run_local(*arguments: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
    """Run `python -m local …` from the repository's root."""
    return subprocess.run(
        [sys.executable, "-m", "local", *arguments],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        timeout=timeout,
        check=False,
    )


def start(folder: Path, *arguments: str) -> Cloud:
    """Start a cloud in the background; AssertionError with its output when it does not come up."""
    done = run_local(
        "up", "--port", "0", "--detach", "--state", str(folder), "--shortest-backoff", "0.2", *arguments
    )
    if done.returncode:
        raise AssertionError(f"the local cloud did not start:\n{done.stdout}{done.stderr}")
    return Cloud(folder)


@contextlib.contextmanager
def running(*arguments: str) -> Iterator[Cloud]:
    """A cloud of its own with an empty state, gone at the end."""
    folder = new_folder()
    try:
        yield start(folder, "--while-alive", str(os.getpid()), *arguments)
    finally:
        run_local("reset", "--state", str(folder))
        shutil.rmtree(folder, ignore_errors=True)


def new_folder() -> Path:
    """An empty folder that PostgreSQL's own account can pass through."""
    folder = Path(tempfile.mkdtemp(prefix="imangor-test-"))
    folder.chmod(0o755)
    return folder


def until(condition: Callable[[], Any], seconds: float = 10) -> Any:
    """Wait for something to become true and give it back; AssertionError when it does not."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not true after {seconds} s")
        time.sleep(0.05)
    return found
