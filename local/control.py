"""`python -m local down | status | reset | env`."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import sys
import time
import urllib.request
from typing import Any

from local.state import REPOSITORY, NotRunning, State

_STOP_PATIENCE = 30


def down(state: State) -> int:
    """Stop the runner and wait until it is gone."""
    pid = state.holder()
    if pid is None:
        print(f"nothing runs for {state.folder}")
        return 0
    _stop(state, pid)
    print("stopped")
    return 0


def reset(state: State, *, programs: bool = False) -> int:
    """Stop the runner and delete the state folder. Refuses a folder that is no state folder.

    `programs` also deletes the copies of PostgreSQL's programs that were made for this installation.
    """
    from local.services import postgres

    pid = state.holder()
    if pid is not None:
        _stop(state, pid)
    if programs:
        for copy in postgres.delete_copies():
            print(f"deleted {copy}")
    if not state.folder.exists():
        print(f"nothing to delete: there is no {state.folder}")
        return 0
    if not (state.folder / "lock").exists():
        print(f"{state.folder} is not a state folder of the local cloud; nothing deleted", file=sys.stderr)
        return 1
    elsewhere = postgres.delete_data(state)
    shutil.rmtree(state.folder)
    print(f"deleted {state.folder}" + (f" and {elsewhere}" if elsewhere else ""))
    return 0


def status(state: State, *, as_json: bool) -> int:
    """Show what runs; exit status 1 when nothing does."""
    try:
        found = _status(state)
    except NotRunning as error:
        print(json.dumps({"running": False}) if as_json else error)
        return 1
    if as_json:
        print(json.dumps({"running": True, **found}, indent=2))
        return 0
    _show(found)
    return 0


def env(state: State, function: str | None) -> int:
    """Print `export` lines with which `functions-framework` serves a function by itself.

    Without `function` everything is there that any function may see, and the database user is one that has a
    tenant's rights.
    """
    connection = state.connection()
    from local.services.database import LOCAL_USER
    from local.services.environment import NAMES, function_environment, settings
    from local.services.reach import addresses_of
    from shared.edge.manifest import load_all

    at, manifests = addresses_of(connection), load_all(REPOSITORY / "functions")
    if function is None:
        values = settings(state, at, manifests, NAMES, LOCAL_USER)
    elif function in manifests:
        values = function_environment(state, at, manifests, function)
    else:
        print(f"there is no function {function}; there are: {', '.join(manifests)}", file=sys.stderr)
        return 1
    for name, value in sorted(values.items()):
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _stop(state: State, pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_PATIENCE
    while state.holder() == pid:
        if time.monotonic() > deadline:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _status(state: State) -> dict[str, Any]:
    gateway = state.connection()["gateway"]
    try:
        with urllib.request.urlopen(f"{gateway}/_local/status", timeout=10) as answer:  # noqa: S310 - ours
            return dict(json.load(answer))
    except OSError as error:
        raise NotRunning(f"the gateway at {gateway} does not answer: {error}") from None


def _show(found: dict[str, Any]) -> None:
    print(
        f"{found['gateway']}  (pid {found['pid']}, up {found['seconds_up']:.0f} s, state {found['state']})\n"
    )
    for service in found["services"]:
        pid = service["pid"] or "-"
        again = f"  restarted {service['restarts']}x" if service["restarts"] else ""
        print(f"  {service['name']:<14}{service['state']:<12}pid {pid!s:<9}port {service['port']}{again}")
    print(f"\nfunctions ({len(found['functions'])} of at most {found['function_limit']} at a time)")
    for f in found["functions"]:
        doing = f"{f['running']} running" if f["running"] else f"idle {f['idle_seconds']:.0f} s"
        print(f"  {f['name']:<18}pid {f['pid']!s:<9}port {f['port']:<8}{f['served']} served, {doing}")
    if not found["functions"]:
        print("  none alive; each starts at its first request")
    for name, why in found["failures"].items():
        print(f"\n  {name} could not start: {why}")
    for schedule in found["schedules"]:
        print(f"\nschedule {schedule['name']}: next {schedule['next']}, last {schedule['last'] or '-'}")
    for engine, counted in found["engines"].items():
        counts = {**counted.get("calls", {}), **{k: v for k, v in counted.items() if k != "calls"}}
        print(f"engine {engine}: " + (", ".join(f"{k} {v}" for k, v in counts.items()) or "not called yet"))
