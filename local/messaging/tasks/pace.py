"""How fast a queue may dispatch: its rate limits, and the throttle that an overloaded target causes."""

from __future__ import annotations

from typing import Any

from local.messaging.delivery import Reply

_THROTTLING = frozenset({429, 503})
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 60.0
_LEAST_SHARE = 1 / 64


class Pace:
    """A token bucket, a concurrency limit, and a throttle for the whole queue.

    Google documents that 429 and 503 make Cloud Tasks back off with the whole queue and that Retry-After is
    considered, not by how much. Here such an answer stops the queue for Retry-After or for a pause that
    doubles from 0.5 s, and halves its rate and its concurrency; every success wins some of both back.
    """

    def __init__(self, limits: Any, now: float) -> None:
        self._limits = limits
        self._tokens = float(limits.max_burst_size)
        self._filled = now
        self._share = 1.0
        self._width = limits.max_concurrent_dispatches
        self._throttled = 0
        self._stopped_at = 0.0
        self._stopped_until = 0.0

    def change(self, limits: Any) -> None:
        """Take over the limits of a changed queue; the throttle stays as it is."""
        self._limits = limits
        self._width = min(self._width, limits.max_concurrent_dispatches)

    def room(self, under_way: int, now: float) -> int:
        """How many dispatches may start now."""
        self._fill(now)
        if now < self._stopped_until:
            return 0
        return max(0, min(int(self._tokens), self._width - under_way))

    def spend(self, dispatches: int) -> None:
        """Dispatches were started."""
        self._tokens -= dispatches

    def wait(self, now: float) -> float:
        """Seconds until time alone makes room; 0 where there is room for the rate already."""
        missing = max(0.0, 1.0 - self._tokens) / self._rate()
        return max(self._stopped_until - now, missing, 0.0)

    def settle(self, reply: Reply, started: float, under_way: int, now: float) -> None:
        """Learn from an answer to a dispatch that was started at `started`."""
        if reply.status in _THROTTLING:
            self._throttle(reply.retry_after, started, under_way, now)
        elif reply.status is not None and 200 <= reply.status < 300:
            self._throttled = 0
            self._share = min(1.0, self._share * 1.25)
            self._width = min(self._limits.max_concurrent_dispatches, self._width + 1)

    def _throttle(self, retry_after: float | None, started: float, under_way: int, now: float) -> None:
        if retry_after is not None:
            self._stopped_until = max(self._stopped_until, now + retry_after)
        # Refusals of requests sent before the queue slowed down are the same overload, not a new one.
        if started <= self._stopped_at:
            return
        self._throttled += 1
        self._stopped_at = now
        if retry_after is None:
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(self._throttled - 1, 10))
            self._stopped_until = max(self._stopped_until, now + pause)
        self._fill(now)
        self._tokens = min(self._tokens, 1.0)
        self._share = max(_LEAST_SHARE, self._share / 2)
        self._width = max(1, min(self._width, under_way) // 2)

    def _rate(self) -> float:
        return self._limits.max_dispatches_per_second * self._share

    def _fill(self, now: float) -> None:
        gained = max(0.0, now - self._filled) * self._rate()
        self._tokens = min(max(1.0, self._limits.max_burst_size * self._share), self._tokens + gained)
        self._filled = now
