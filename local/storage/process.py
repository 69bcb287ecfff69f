"""Starting the emulator as a child process and waiting until it listens."""

import socket
import subprocess
import sys
from pathlib import Path

from local.identity import SIGNER_KEY, ensure_keys

_ROOT = Path(__file__).resolve().parents[2]


class StorageProcess:
    """A running emulator with its state and keys below `folder`; a killed one can be started again.

    `pubsub` is host:port; `port` 0 takes a free one. Raises RuntimeError when the process does not start.
    """

    def __init__(self, folder: Path, pubsub: str = "127.0.0.1:1", port: int = 0) -> None:
        ensure_keys(folder / "keys")
        self.folder = folder
        self.pubsub = pubsub
        self.signer = folder / "keys" / SIGNER_KEY
        self.state = folder / "storage"
        self.port = port or _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """Start it on the same port and state as before; returns once it listens."""
        command = [sys.executable, "-m", "local.storage", "--port", str(self.port)]
        command += ["--state", str(self.state), "--pubsub", self.pubsub, "--signer", str(self.signer)]
        with (self.folder / "storage.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=_ROOT, stdout=log, stderr=log)
        while not self._listens():
            try:
                code = self.process.wait(0.01)
            except subprocess.TimeoutExpired:
                continue
            raise RuntimeError(f"the storage emulator ended with {code}: see {self.folder / 'storage.log'}")

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


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
