"""A process whose own clock is wrong by ten minutes while the harness says so.

Only where the program reads the clock itself: gRPC mixes Python's clock with the kernel's, which stays right.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from fault_injector.hooks import around, when_imported
from fault_injector.orders import removed

_OFF = 600.0


def _error() -> float:
    return _OFF * (removed("clock-ahead") - removed("clock-behind"))


@when_imported("shared.edge.caller")
def _caller(module: Any) -> None:
    module.time = SimpleNamespace(time=lambda: time.time() + _error())


@when_imported("shared.core.clock")
def _utc_now(module: Any) -> None:
    around(module, "utc_now", _moved)


@when_imported("google.cloud.storage._signing")
def _signing(module: Any) -> None:
    around(module, "_NOW", _moved)


def _moved(original: Callable[..., Any], *zone: Any) -> Any:
    return original(*zone) + timedelta(seconds=_error())
