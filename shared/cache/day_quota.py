"""How many of something somebody may have in a day, counted in Redis for exactly that day.

Other than a rate it does not flow back during the day, and what came to nothing can be given back.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from shared.cache.redis import RedisCache, cache_key

_KEPT_SECONDS: Final = 2 * 86_400
_TAKE: Final = """
local used = tonumber(redis.call('GET', KEYS[1]) or 0)
if used >= tonumber(ARGV[1]) then
  return 0
end
redis.call('SET', KEYS[1], used + 1, 'EX', ARGV[2])
return 1
"""
_GIVE_BACK: Final = """
local used = tonumber(redis.call('GET', KEYS[1]) or 0)
if used > 0 then
  redis.call('SET', KEYS[1], used - 1, 'EX', ARGV[1])
end
return 1
"""


class DayQuota:
    """Counts for whole days. Nothing is allowed in the dark: all of it raises `CacheUnavailable`."""

    def __init__(self, cache: RedisCache) -> None:
        """Use the cache's Redis."""
        self._cache = cache

    def take(self, name: str, whom: str, limit: int, day: date) -> bool:
        """Take one of the `limit` that `whom` has on `day`; False when none is left."""
        return bool(self._cache.script(_TAKE, [_key(name, whom, day)], [limit, _KEPT_SECONDS]))

    def give_back(self, name: str, whom: str, day: date) -> None:
        """Give back one that was taken."""
        self._cache.script(_GIVE_BACK, [_key(name, whom, day)], [_KEPT_SECONDS])


def _key(name: str, whom: str, day: date) -> str:
    return cache_key(whom, "quota", name, day.isoformat())
