"""Waking those who wait for work under a name."""

from __future__ import annotations

import asyncio
from collections import defaultdict


class Bell:
    """A ring wakes whoever waits at that moment; it is not remembered, so look before you wait."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Future[None]]] = defaultdict(set)

    def ring(self, name: str) -> None:
        """Wake everybody who waits under the name."""
        for waiter in self._waiting.pop(name, ()):
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, name: str, seconds: float) -> None:
        """Return at the next ring, or after so many seconds."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[name].add(waiter)
        try:
            await asyncio.wait_for(waiter, max(seconds, 0.001))
        except TimeoutError:
            pass
        finally:
            if name in self._waiting:
                self._waiting[name].discard(waiter)
