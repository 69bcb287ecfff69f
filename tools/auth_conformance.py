"""Run the suite of our Auth emulator against that of firebase-tools: `python -m tools.auth_conformance`.

Needs Node and npm; the package goes to `build/firebase-tools`. Its emulator signs nothing and hashes nothing,
so it is an oracle for the API's answers alone.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from local.identity import PROJECT
from local.services import ports

VERSION = "15.34.2"
ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "firebase-tools"
_PATIENCE = 120


def main() -> int:
    """Install, start, test, stop; the exit status of the tests, 0 where there is no Node."""
    if not (shutil.which("node") and shutil.which("npm")):
        print("Node is missing: the suite ran against our own emulator only.")
        return 0
    _install()
    port, hub, logging = ports.free(), ports.free(), ports.free()
    emulators = {"auth": {"port": port, "host": "127.0.0.1"}, "ui": {"enabled": False}}
    emulators |= {"hub": {"port": hub}, "logging": {"port": logging}}
    (FOLDER / "firebase.json").write_text(json.dumps({"emulators": emulators}))
    command = [str(FOLDER / "node_modules/.bin/firebase"), "emulators:start", "--only", "auth"]
    with (FOLDER / "emulator.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--project", PROJECT], cwd=FOLDER, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait(process, port)
        tests = [sys.executable, "-m", "pytest", "-q", "tests/contract/auth"]
        return subprocess.call(tests, cwd=ROOT, env={**os.environ, "AUTH_EMULATOR": f"127.0.0.1:{port}"})
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _install() -> None:
    package = FOLDER / "node_modules" / "firebase-tools" / "package.json"
    if package.exists() and json.loads(package.read_text())["version"] == VERSION:
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    # Its scripts compile a library that the Auth emulator does without.
    options = ["--ignore-scripts", "--no-save", "--no-audit", "--no-fund", "--prefix", str(FOLDER)]
    subprocess.run(["npm", "install", *options, f"firebase-tools@{VERSION}"], check=True)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the emulator did not start: see {FOLDER / 'emulator.log'}") from None
            time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
