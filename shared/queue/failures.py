"""Why an event's last delivery failed, remembered for whoever keeps it when it is given up."""

from __future__ import annotations

import hashlib
from typing import Final

from shared.cache.errors import CacheUnavailable
from shared.cache.redis import RedisCache, cache_key
from shared.core.errors import ImangorError

SECONDS: Final = 7 * 24 * 3600
"""Pub/Sub keeps a message no longer than that."""


class EventFailures:
    """Reasons by identity. Without Redis none is known, and nothing else is missing."""

    def __init__(self, cache: RedisCache):
        self._cache = cache

    def note(self, identity: str, error: Exception) -> None:
        """Remember the slug, or the kind, of an error; never its text."""
        reason = error.slug if isinstance(error, ImangorError) else type(error).__name__
        try:
            self._cache.attempt(lambda redis: redis.set(_place(identity), reason, ex=SECONDS))
        except CacheUnavailable:
            return

    def why(self, identity: str) -> str | None:
        """The reason of the last failure; None where it is not known."""
        try:
            found = self._cache.attempt(lambda redis: redis.get(_place(identity)))
        except CacheUnavailable:
            return None
        return found.decode() if isinstance(found, bytes) else None


def _place(identity: str) -> str:
    return cache_key("events", "failed", hashlib.sha256(identity.encode()).hexdigest())
