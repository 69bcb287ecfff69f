"""Work beside the calls, none of which may end unnoticed."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Coroutine
from typing import Any

LOG = logging.getLogger("messaging")


def spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Start it; an unexpected error stops the process: a restart delivers what a dead loop would keep."""
    task = asyncio.create_task(work)
    task.add_done_callback(_stop_on_error)
    return task


def _stop_on_error(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception():
        LOG.critical("stopping because of an unexpected error", exc_info=task.exception())
        signal.raise_signal(signal.SIGTERM)
