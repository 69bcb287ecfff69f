"""The state folder of one local cloud: what lies where in it, who holds it, and how to reach its runner."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shlex
import sys
from pathlib import Path
from typing import Any

DEFAULT = Path(".local")
_LARGEST_LOG = 10 * 1024 * 1024
REPOSITORY = Path(__file__).resolve().parent.parent


class AlreadyRunning(Exception):
    """Another runner holds this state folder."""


class NotRunning(Exception):
    """No runner answers for this state folder."""


def python_command() -> str:
    """What a person types here to run a Python that has the packages, followed by `-m local`.

    A virtual environment's Python is named by its path, relative when it lies below the current folder:
    Debian has no `python`, and its `python3` lacks the packages.
    """
    environment = REPOSITORY / ".venv" / "bin" / "python"
    inside = sys.prefix != sys.base_prefix
    python = environment if environment.exists() and not inside else Path(sys.executable)
    return f"{shlex.quote(_from_here(python))} -m local"


def _from_here(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


class State:
    """One state folder. Nothing is created before `prepare()`."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder).resolve()
        self.logs = self.folder / "logs"
        self.keys = self.folder / "keys"
        self.postgres = self.folder / "postgres"
        self.valkey = self.folder / "valkey"
        self.storage = self.folder / "storage"
        self.messaging = self.folder / "messaging"
        self.mail = self.folder / "mail"
        self.auth = self.folder / "auth"
        self.engines = self.folder / "engines"
        self.signer = self.keys / "signer.json"
        self.traces = self.folder / "traces.sqlite"
        self._lock: int | None = None

    def command(self, *words: str) -> str:
        """What a person types here to run a command of the local cloud on this folder; for every hint."""
        chosen = [] if self.folder == DEFAULT.resolve() else ["--state", _from_here(self.folder)]
        return " ".join([python_command(), *(shlex.quote(word) for word in [*words, *chosen])])

    def prepare(self) -> None:
        """Create the folders that services expect to find, and put logs aside that have grown large."""
        for folder in (
            self.logs,
            self.keys,
            self.valkey,
            self.storage,
            self.messaging,
            self.mail,
            self.engines,
        ):
            folder.mkdir(parents=True, exist_ok=True)
        self.keys.chmod(0o700)
        for path in self.logs.glob("*.log"):
            if path.stat().st_size > _LARGEST_LOG:
                path.replace(path.with_suffix(".log.1"))

    def hold(self) -> None:
        """Take the folder for this process until it ends; raises `AlreadyRunning` with the holder's pid."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise AlreadyRunning(str(self.holder())) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        self._lock = lock

    def holder(self) -> int | None:
        """The pid of the runner that holds the folder now, or None."""
        try:
            with (self.folder / "lock").open() as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return int(file.read() or 0) or None
        except FileNotFoundError:
            pass
        return None

    def connection(self) -> dict[str, Any]:
        """What a ready runner wrote into connection.json; raises `NotRunning`."""
        if self.holder() is None:
            raise NotRunning(f"nothing runs for {self.folder}; start it with: {self.command('up')}")
        try:
            return dict(json.loads((self.folder / "connection.json").read_text()))
        except FileNotFoundError:
            raise NotRunning(f"the local cloud of {self.folder} is still starting") from None

    def publish(self, connection: dict[str, Any]) -> None:
        """Tell everybody that the cloud is ready and how to reach it."""
        write_json(self.folder / "connection.json", connection)

    def withdraw(self) -> None:
        """Take the announcement back."""
        (self.folder / "connection.json").unlink(missing_ok=True)

    @property
    def vault_key(self) -> Path:
        """The file of the key that encrypts data keys, made on first use."""
        # The command line says what to do where packages are missing, and needs the state for that.
        from shared.vault.key_file import add_version

        path = self.keys / "vault"
        if not path.exists():
            add_version(path)
        return path

    def secret(self, name: str) -> str:
        """A random secret of 64 hexadecimal digits, made on first use and kept in the keys folder."""
        path = self.keys / name
        if not path.exists():
            write_private(path, secrets.token_hex(32))
        return path.read_text()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    partial.replace(path)


def write_json(path: Path, value: object) -> None:
    """Write a JSON file that only its owner reads, whole or not at all."""
    write_private(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; a file that is missing or damaged counts as empty."""
    try:
        value = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
