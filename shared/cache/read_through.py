"""Read-through caching: one load for many readers, and never an old value after a change was announced.

A reader that misses leaves a *fill* token in Redis and may store what it loads only while that token still
stands; `invalidate` removes value and token together. So a reader that loaded before a commit cannot write
after it (the lease of Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013). Readers of one process
share a load only under the same token, hence none is given what was loaded before the last change.
"""

from __future__ import annotations

import math
import random
import secrets
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as StillLoading
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from shared.cache.errors import CacheUnavailable
from shared.cache.flights import Flights, flights_of
from shared.cache.redis import RedisCache
from shared.core.metrics import Metric, count

T = TypeVar("T")

_FILL_MILLISECONDS: Final = 10_000
_EARLY: Final = 0.1
_PATIENCE: Final = 2.0
_ABSENT: Final = b""

# A value in the last part of its life is handed out too, unless this reader wins the token: then it is the
# one that refreshes early.
_READ: Final = """
local value = redis.call('GET', KEYS[1])
if value and redis.call('PTTL', KEYS[1]) > tonumber(ARGV[3]) then return {value, ''} end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return {false, ARGV[1]} end
return {value, redis.call('GET', KEYS[2])}
"""
_FILL: Final = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
if ARGV[3] ~= '0' then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1
"""


@dataclass(frozen=True)
class Entry(Generic[T]):
    """One cached thing: where it is kept, for how many seconds, and how it is loaded and written down.

    `encode` never gives empty bytes. What `decode` cannot read (ValueError, TypeError, LookupError), such
    as an older layout, is a miss. None from `load` is remembered for `absent_ttl` seconds. `name` labels
    the metric. `life` is after how many seconds a value ends of itself: it is not kept for longer.
    """

    key: str
    ttl: float
    load: Callable[[], T | None]
    encode: Callable[[T], bytes]
    decode: Callable[[bytes], T]
    name: str
    absent_ttl: float = 0.0
    life: Callable[[T], float] = lambda _: math.inf

    def seconds(self, value: T | None) -> float:
        """For how long what was loaded is kept."""
        return self.absent_ttl if value is None else max(0.0, min(self.ttl, self.life(value)))

    def decoded(self, cache: RedisCache, stored: bytes | None) -> tuple[bool, T | None]:
        """Whether `stored` is an answer, and which."""
        if stored is None:
            return False, None
        if stored == _ABSENT:
            return True, None
        try:
            return True, self.decode(stored)
        except (ValueError, TypeError, LookupError):
            cache.delete(self.key)
            return False, None


def read_through(
    cache: RedisCache,
    key: str,
    ttl: float,
    load: Callable[[], T | None],
    encode: Callable[[T], bytes],
    decode: Callable[[bytes], T],
    *,
    name: str,
    absent_ttl: float = 0.0,
    life: Callable[[T], float] = lambda _: math.inf,
) -> T | None:
    """The value under `key`, from the cache or else from `load`; the arguments are those of `Entry`.

    Call it outside a unit of work: a reader that waits must not hold the connection the loader needs.
    """
    entry = Entry(key, ttl, load, encode, decode, name, absent_ttl, life)
    flights = flights_of(cache)
    token = secrets.token_hex(8)
    mine = flights.open(key, token)
    try:
        stored, current = _look(cache, entry, token)
        found, value = entry.decoded(cache, stored)
        count(Metric.CACHE, outcome="hit" if found else "miss", name=name)
        if found:
            return value
        if current == token:
            return _lead(cache, entry, mine, token)
    finally:
        flights.close(key, token)
    return _share(cache, entry, flights, current)


def invalidate(cache: RedisCache, keys: Iterable[str]) -> None:
    """Forget `keys` everywhere. Call it after the commit that changed what they hold."""
    gone = list(keys)
    for key in gone:
        flights_of(cache).close(key, "")
    cache.delete(*(k for key in gone for k in (key, _fill_key(key))))


def _share(cache: RedisCache, entry: Entry[T], flights: Flights, token: str) -> T | None:
    """Wait for the load that goes under somebody's `token`, or do it where nobody here does.

    What is loaded here is not stored, since the token belongs to somebody else, or there is no Redis.
    """
    flight, leading = flights.join(entry.key, token)
    if leading:
        try:
            return _lead(cache, entry, flight, None)
        finally:
            flights.close(entry.key, token, flight)
    try:
        data = flight.result(_PATIENCE)
    except StillLoading:
        return entry.load()
    return None if data == _ABSENT else entry.decode(data)


def _lead(cache: RedisCache, entry: Entry[T], flight: Future[bytes], token: str | None) -> T | None:
    """Load for everybody who waits on `flight`, and store the value where this reader holds the token."""
    try:
        value = entry.load()
        data = _ABSENT if value is None else entry.encode(value)
    except BaseException as error:
        flight.set_exception(error)
        if token is not None:
            _fill(cache, entry.key, token, _ABSENT, 0)
        raise
    if token is not None:
        _fill(cache, entry.key, token, data, entry.seconds(value))
    flight.set_result(data)
    return value


def _look(cache: RedisCache, entry: Entry[T], token: str) -> tuple[bytes | None, str]:
    """The stored bytes or None, and the token under which the value is being loaded ('' without Redis)."""
    early = round(entry.ttl * 1000 * _EARLY * random.random())  # noqa: S311 - spreads refreshes, guards nothing
    keys = [entry.key, _fill_key(entry.key)]
    try:
        value, current = cache.script(_READ, keys, [token, _FILL_MILLISECONDS, early])
    except CacheUnavailable:
        return None, ""
    return value, current.decode()


def _fill(cache: RedisCache, key: str, token: str, data: bytes, ttl: float) -> None:
    try:
        cache.script(_FILL, [key, _fill_key(key)], [token, data, round(ttl * 1000)])
    except CacheUnavailable:
        return


def _fill_key(key: str) -> str:
    return key + ":fill"
