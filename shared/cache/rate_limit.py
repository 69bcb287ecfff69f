"""Rate limits by GCRA (the generic cell rate algorithm, ITU-T I.371) in one Lua script on Redis's clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shared.cache.errors import CacheUnavailable
from shared.cache.redis import RedisCache, cache_key
from shared.core.metrics import Metric, count

# The one stored number is the theoretical arrival time, when the whole limit will be free again, in whole
# microseconds. Redis's own clock is the only one, so machines whose clocks disagree still share one limit.
_GCRA: Final = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000000
local interval = math.max(1, math.floor(window / limit))
local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local room = arrival + interval - now - window
if room > 0 then
  return {0, 0, arrival - now, room}
end
if ARGV[3] == 'look' then
  return {1, math.floor((window - (arrival - now)) / interval), arrival - now, 0}
end
arrival = arrival + interval
redis.call('SET', KEYS[1], string.format('%.0f', arrival), 'PX', math.ceil((arrival - now) / 1000))
return {1, math.floor((window - (arrival - now)) / interval), arrival - now, 0}
"""


@dataclass(frozen=True)
class RateState:
    """What a request may know of its limit. `reset_seconds` is when the whole limit is free again;
    `retry_after` is in seconds, 0 when the request is allowed.
    """

    limit: int
    remaining: int
    reset_seconds: float
    allowed: bool
    retry_after: float


class RateLimiter:
    """Limits shared by all instances. For politeness nobody is refused without Redis; `take` and `look` are
    for limits that must not be passed in the dark. Paid quota is not here.
    """

    def __init__(self, cache: RedisCache) -> None:
        """Use the cache's Redis."""
        self._cache = cache

    def check(self, name: str, principal: str, limit: int, window: int) -> RateState:
        """Take one of `principal`'s `limit` requests for the operation `name`, refilled in `window` s.

        A refused request takes nothing. When Redis fails the answer is yes, and counted.
        """
        try:
            return self.take(name, principal, limit, window)
        except CacheUnavailable:
            if self.enabled:
                count(Metric.RATE_LIMIT_OPEN, name=name)
            return RateState(limit, limit, 0.0, allowed=True, retry_after=0.0)

    @property
    def enabled(self) -> bool:
        """Whether there is a Redis to count in at all."""
        return self._cache.enabled

    def take(self, name: str, principal: str, limit: int, window: int) -> RateState:
        """As `check`; raises `CacheUnavailable` when Redis fails."""
        return self._ask(name, principal, limit, window, "take")

    def look(self, name: str, principal: str, limit: int, window: int) -> RateState:
        """What `take` would say of `allowed`, without taking one; raises `CacheUnavailable`."""
        return self._ask(name, principal, limit, window, "look")

    def _ask(self, name: str, principal: str, limit: int, window: int, what: str) -> RateState:
        key = cache_key(principal, "rate", name, f"{limit}-{window}")
        allowed, remaining, reset, retry = self._cache.script(_GCRA, [key], [limit, window, what])
        return RateState(limit, remaining, reset / 1e6, allowed=bool(allowed), retry_after=retry / 1e6)
