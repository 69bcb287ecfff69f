"""The release before: its sources, its functions as processes, and its migrations."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PREVIOUS = "a34a4b0c6cdd6f9d64b72f28abd4c506dab35cae"
"""The commit that production runs. A release sets this to its own commit when it is out."""


class NoHistory(Exception):
    """The repository is not a clone with the history back to the release before."""


def check_out(folder: Path) -> None:
    """Put the sources of the release before into `folder`. Raises `NoHistory`."""
    command = [
        "git",
        "archive",
        "--format=tar",
        PREVIOUS,
        "shared",
        "local",
        "tools",
        "functions",
        "openapi.json",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True)
    if done.returncode:
        raise NoHistory(done.stderr.decode(errors="replace").strip())
    with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")


def run(tree: Path, code: str, *arguments: str) -> str:
    """What a line of a tree's own code prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=tree,
        env=_environment(tree, {}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Functions:
    """Functions of one tree, in a process that answers at `url`."""

    def __init__(self, tree: Path, names: Iterable[str], settings: Mapping[str, str], log: Path) -> None:
        command = [sys.executable, str(Path(__file__).with_name("serve.py")), str(tree), "0", *names]
        self.log = log
        self._file = log.open("wb")
        self._process = subprocess.Popen(
            command, cwd=tree, env=_environment(tree, settings), stdout=self._file, stderr=self._file
        )
        self.url = f"http://127.0.0.1:{self._port()}"

    def _port(self) -> int:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            found = re.search(r"^ready (\d+)$", self.log.read_text(errors="replace"), re.MULTILINE)
            if found:
                return int(found[1])
            time.sleep(0.05)
        raise AssertionError(self.log.read_text(errors="replace"))

    def problems(self) -> list[str]:
        """Lines of the log that somebody should look at."""
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.startswith("{")]
        return [line for line in lines if json.loads(line).get("severity") in ("ERROR", "CRITICAL")]

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._file.close()


def _environment(tree: Path, settings: Mapping[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, **settings, "PYTHONPATH": str(tree), "PYTHONUNBUFFERED": "1", "LANG": "C.UTF-8"}
