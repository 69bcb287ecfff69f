"""When to try again: full jitter within a deadline, and never more retries than a share of the calls.

Backoff: Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015). Budget: the Google SRE book,
"Handling Overload": without one, retries multiply the load on a provider that is already failing.
"""

from __future__ import annotations

import random
import threading
import time
import traceback
from collections.abc import Callable
from typing import Final, TypeVar

from shared.providers.errors import Failure

T = TypeVar("T")

_BASE: Final = 0.25
_CAP: Final = 8.0


class RetryBudget:
    """Permits for retries: `floor` to begin with, then `ratio` of one for each call. Threads may share it."""

    def __init__(self, ratio: float = 0.1, floor: float = 3.0) -> None:
        """At most `floor + ratio * calls` retries; at most `10 + floor` are saved up for bad times."""
        self._ratio, self._most, self._left = ratio, floor + 10.0, floor
        self._lock = threading.Lock()

    def earn(self) -> None:
        """A call begins."""
        with self._lock:
            self._left = min(self._most, self._left + self._ratio)

    def spend(self) -> bool:
        """Take a permit for one retry, if there is one."""
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True


def backoff(attempt: int, draw: float) -> float:
    """Seconds before retry number `attempt` (from 0), for `draw` uniform in [0, 1)."""
    return draw * min(_CAP, _BASE * 2.0**attempt)


def call_with_retry(
    fn: Callable[[float], T],
    deadline: float,
    budget: RetryBudget,
    classify: Callable[[Exception], Failure | None],
    *,
    attempt_seconds: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    draw: Callable[[], float] = random.random,
) -> tuple[T, int]:
    """Run `fn` until it works; gives its result and the number of retries.

    `fn` gets the seconds it may take: what is left of `deadline` (seconds in all), at most `attempt_seconds`.
    `classify` turns an exception into a failure; one it does not know (None) passes through unchanged.
    Raises the failure's error when it is final, or the deadline or the budget does not allow another try.
    """
    end = clock() + deadline
    budget.earn()
    retries = 0
    while True:
        left = end - clock()
        try:
            return fn(left if attempt_seconds is None else min(left, attempt_seconds)), retries
        except Exception as error:
            failure = classify(error)
            if failure is None:
                raise
            _let_go(error)
            pause = backoff(retries, draw())
            if not failure.again or clock() + pause >= end or not budget.spend():
                # What the provider said may quote content, so it goes no further.
                try:
                    raise failure.error from None
                finally:
                    # Else the error, by its traceback, would hold itself and all that its callers work on.
                    del failure
        sleep(pause)
        retries += 1


def _let_go(error: BaseException) -> None:
    """Clear the frames that an error went through: gRPC's hold it, and by their callers a decoded picture,
    until the garbage collector happens to come by.
    """
    each: BaseException | None = error
    while each is not None:
        traceback.clear_frames(each.__traceback__)
        each.__traceback__ = None
        each = each.__cause__ or each.__context__
