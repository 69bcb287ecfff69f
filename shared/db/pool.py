"""Taking a connection from the pool, and telling where one had to be waited for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from shared.core.metrics import Metric, count
from shared.core.tracing import span

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


def connected(engine: Engine) -> Connection:
    """A connection of the pool. Where all were taken, how long one was waited for is counted."""
    pool: Any = engine.pool
    full = pool.checkedout() >= pool.size()
    began = time.monotonic()
    try:
        with span("take a connection"):
            return engine.connect()
    finally:
        if full:
            count(Metric.POOL_WAIT, time.monotonic() - began)
