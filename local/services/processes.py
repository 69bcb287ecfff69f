"""Child processes that never outlive the runner, whatever happens to it."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    if hasattr(_libc, "prctl"):
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass(frozen=True)
class Owner:
    """The account that a child runs as when the runner is root."""

    uid: int
    gid: int


class Nursery:
    """Starts children, each in a session of its own, and has them killed with all their descendants.

    The kernel kills a direct child when the runner dies (Linux); the guardian process kills its whole
    group, which also reaches workers that a child forked.
    """

    def __init__(self) -> None:
        self._guardian: subprocess.Popen[str] | None = None
        self._groups: set[int] = set()

    async def spawn(
        self,
        argv: list[str],
        *,
        log: Path,
        env: dict[str, str] | None = None,
        cwd: Path | str = "/",
        owner: Owner | None = None,
    ) -> asyncio.subprocess.Process:
        """Start a program whose output is appended to `log`."""
        identity: dict[str, Any] = {}
        if owner is not None:
            identity = {"user": owner.uid, "group": owner.gid, "extra_groups": []}
        with log.open("ab") as output:
            child = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=env,
                cwd=cwd,
                start_new_session=True,
                preexec_fn=_die_with_parent,
                **identity,
            )
        self._groups.add(child.pid)
        self._tell(f"+{child.pid}\n")
        return child

    def forget(self, child: asyncio.subprocess.Process) -> None:
        """The child ended: kill what it left in its group, and stop watching the group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        self._groups.discard(child.pid)
        self._tell(f"-{child.pid}\n")

    async def end(
        self, child: asyncio.subprocess.Process, how: signal.Signals = signal.SIGTERM, grace: float = 10
    ) -> None:
        """Ask the child to stop, and kill it when it has not after `grace` seconds."""
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(how)
            try:
                await asyncio.wait_for(child.wait(), grace)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
        self.forget(child)

    def close(self) -> None:
        """Let the guardian go; every child must have ended."""
        if self._guardian is not None and self._guardian.stdin is not None:
            self._guardian.stdin.close()
            self._guardian.wait(5)

    def _tell(self, line: str) -> None:
        try:
            self._pipe().write(line)
            self._pipe().flush()
        except BrokenPipeError:
            self._guardian = None
            self._pipe().write("".join(f"+{g}\n" for g in self._groups))
            self._pipe().flush()

    def _pipe(self) -> Any:
        if self._guardian is None or self._guardian.poll() is not None:
            script = str(Path(__file__).with_name("guardian.py"))
            self._guardian = subprocess.Popen(
                [sys.executable, "-I", "-S", script],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
                cwd="/",
            )
            if self._groups and self._guardian.stdin:
                self._guardian.stdin.write("".join(f"+{g}\n" for g in self._groups))
        return self._guardian.stdin


async def answers(port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
