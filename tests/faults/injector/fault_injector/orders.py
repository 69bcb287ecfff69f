"""Orders of the harness: one file each in a folder that it shares with the functions.

`armed/<id>.json` tells at which point what shall happen, `fired/<id>.<n>` is written before it does and is
the harness's proof, `release/<id>` ends a wait, and `removed/<guard>` stands while a guard is taken away.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ.get("FAULTS_FOLDER", "/nonexistent"))
LONGEST_WAIT = 60.0


class Injected(Exception):
    """What an order of the kind `raise` raises."""


def removed(guard: str) -> bool:
    """Whether the harness has taken this guard away."""
    return (FOLDER / "removed" / guard).exists()


def fire(point: str, facts: str) -> dict[str, Any] | None:
    """Carry out what is ordered for this point. `facts` name account, job and step, so that an order can
    choose among many visits. Gives the order that was carried out, if any.
    """
    try:
        armed = sorted(entry.path for entry in os.scandir(FOLDER / "armed") if entry.name.endswith(".json"))
    except FileNotFoundError:
        return None
    for path in armed:
        order = _read(path)
        if order and order["point"] == point and order["match"] in facts and _take(order, facts):
            _obey(order)
            return order
    return None


def report(trouble: str) -> None:
    """Tell the harness that an order could not even be placed; no run counts after that."""
    folder = FOLDER / "broken"
    folder.mkdir(exist_ok=True)
    (folder / f"{os.getpid()}-{time.monotonic_ns()}").write_text(trouble)


def _read(path: str) -> dict[str, Any] | None:
    try:
        return dict(json.loads(Path(path).read_text()))
    except (FileNotFoundError, ValueError):
        return None


def _take(order: dict[str, Any], facts: str) -> bool:
    """Count this visit, across threads and processes; True when it is one of those that the order wants."""
    skip, last = order["skip"], order["skip"] + order["times"]
    for number in range(last):
        kind = "passed" if number < skip else "fired"
        path = FOLDER / kind / f"{order['id']}.{number}"
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except FileExistsError:
            continue
        os.write(descriptor, f"{os.getpid()} {order['point']} {facts}".encode())
        os.fsync(descriptor)
        os.close(descriptor)
        return number >= skip
    return False


def _obey(order: dict[str, Any]) -> None:
    action = order["action"]
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "raise":
        raise Injected(order["point"])
    elif action == "wait":
        deadline = time.monotonic() + LONGEST_WAIT
        while not (FOLDER / "release" / order["id"]).exists() and time.monotonic() < deadline:
            time.sleep(0.01)
    elif action == "delay":
        time.sleep(order["seconds"])
