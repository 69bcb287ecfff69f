"""Loads under way in this process, so that readers of one thing wait for one load."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from weakref import WeakKeyDictionary


class Flights:
    """Futures by key and token. Two tokens of one key are different loads, of before and after a change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loading: dict[tuple[str, str], Future[bytes]] = {}

    def open(self, key: str, token: str) -> Future[bytes]:
        """Announce a load under a token of the caller's own, before others can learn of the token."""
        flight: Future[bytes] = Future()
        with self._lock:
            self._loading[key, token] = flight
        return flight

    def join(self, key: str, token: str) -> tuple[Future[bytes], bool]:
        """The load under `token`, and whether the caller is the one to do it."""
        with self._lock:
            flight = self._loading.get((key, token))
            if flight is not None:
                return flight, False
            self._loading[key, token] = flight = Future()
            return flight, True

    def close(self, key: str, token: str, flight: Future[bytes] | None = None) -> None:
        """Let later readers start anew; with `flight`, only where it is still the one they would join."""
        with self._lock:
            if flight is None or self._loading.get((key, token)) is flight:
                self._loading.pop((key, token), None)


_of: WeakKeyDictionary[object, Flights] = WeakKeyDictionary()
_lock = threading.Lock()


def flights_of(cache: object) -> Flights:
    """The loads that go through `cache`."""
    with _lock:
        return _of.setdefault(cache, Flights())
