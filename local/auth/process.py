"""Starting the emulator as a child process and waiting until it listens."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from local.identity import PROJECT
from local.services import ports
from local.state import REPOSITORY


class AuthProcess:
    """A running emulator with its state in `folder`; a killed one can be started again.

    Raises RuntimeError when the process does not start.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.project = folder, ports.free(), PROJECT
        self.address = f"127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """Start it on the same port and state as before; returns once it listens."""
        command = [sys.executable, "-m", "local.auth", "--port", str(self.port), "--state", str(self.folder)]
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "auth.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=REPOSITORY, stdout=log, stderr=log)
        while not self._listens():
            try:
                code = self.process.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
            raise RuntimeError(f"the Auth emulator ended with {code}: see {self.folder / 'auth.log'}")

    def kill(self) -> None:
        """End it at once (SIGKILL), as a crash would."""
        self.process.kill()
        self.process.wait()

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True
