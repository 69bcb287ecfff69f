"""Work that the database undid because of other work is done again, a few times, at once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

from shared.core.errors import WorkUndone
from shared.core.metrics import Metric, count

T = TypeVar("T")

TRIES: Final = 4
_LONGEST_PAUSE: Final = 0.05


def again(work: Callable[[], T]) -> T:
    """Do `work`, which opens and commits its own transaction, up to `TRIES` times while it is undone.

    Only for work whose effects leave after the commit, or are undone with it. The pauses are random, so
    that two that undid each other do not meet again, and double (AWS, "Exponential backoff and jitter").
    """
    for tried in range(TRIES - 1):
        try:
            return work()
        except WorkUndone:
            count(Metric.WORK_UNDONE)
            time.sleep(random.uniform(0, _LONGEST_PAUSE * 2**tried))  # noqa: S311 - no secret
    return work()
