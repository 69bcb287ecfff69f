"""Changes modules of the program at the moment they are imported, before anybody has seen their names."""

from __future__ import annotations

import functools
import importlib
import importlib.abc
import importlib.machinery
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from fault_injector import orders

# A killed worker is forked again by its server: what the server has imported, the new one need not.
_OFTEN_KILLED = ("jobs", "on_upload", "process_image", "deliver_webhook")
_PRELOADED = (
    "pg8000",
    "redis",
    "sqlalchemy.dialects.postgresql.pg8000",
    "google.cloud.storage",
    "google.cloud.tasks_v2",
    "google.cloud.pubsub_v1",
    "google.cloud.vision_v1",
    "google.cloud.translate_v3",
    "shared.jobs.service",
    "shared.jobs.picture",
    "shared.imaging.render",
    "shared.imaging.scene",
    "shared.imaging.files.derivative",
    "shared.jobs.arrivals",
    "shared.queue.delivery",
)

_ADDRESSES = ("DATABASE_URL", "REDIS_URL", "STORAGE_EMULATOR_HOST", "VISION_ENDPOINT", "TRANSLATE_ENDPOINT")

Change = Callable[[Any], None]
changes: dict[str, list[Change]] = {}


def when_imported(module: str) -> Callable[[Change], Change]:
    """Have a function called with the module once it has been executed."""

    def add(change: Change) -> Change:
        changes.setdefault(module, []).append(change)
        return change

    return add


def around(owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
    """Replace `owner.name` by a function that calls `wrapper(original, *arguments)`."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def call(*positional: Any, **named: Any) -> Any:
        return wrapper(original, *positional, **named)

    setattr(owner, name, call)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds what the ordinary finder finds, with a loader that applies our changes."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name not in changes:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            around(spec.loader, "exec_module", _changed)
        return spec


def _changed(execute: Callable[[Any], None], module: Any) -> None:
    execute(module)
    for change in changes[module.__name__]:
        try:
            change(module)
        except Exception:
            orders.report(traceback.format_exc())


def install() -> None:
    """Send the services' addresses through the harness's proxies and watch the imports."""
    reroute = json.loads(os.environ.get("FAULTS_REROUTE", "{}"))
    for name in _ADDRESSES:
        for port, proxy in reroute.items():
            if name in os.environ:
                os.environ[name] = os.environ[name].replace(f"127.0.0.1:{port}", f"127.0.0.1:{proxy}")
    # For what they register.
    from fault_injector import clocks, guards, points, redis_guards  # noqa: F401

    sys.meta_path.insert(0, _Finder())
    if os.environ.get("FUNCTION_TARGET") in _OFTEN_KILLED:
        for name in _PRELOADED:
            importlib.import_module(name)
