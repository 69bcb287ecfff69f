"""When keys were last used: noted in Redis when a key is looked up, kept in the database by the sweep.

So a key in use costs a request nothing, and the database one write a minute. Whatever Redis loses is lost:
the time is coarse, and nothing depends on it.
"""

from __future__ import annotations

import time
from typing import Final

from shared.auth.principal import Principal
from shared.cache.errors import CacheUnavailable
from shared.cache.redis import RedisCache, cache_key
from shared.db.unit_of_work import UnitOfWork

_USED: Final = cache_key("keys", "used")
_SECONDS: Final = 86_400
_NOTE: Final = """
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
_TAKE: Final = """
local used = redis.call('HGETALL', KEYS[1])
redis.call('DEL', KEYS[1])
return used
"""
_KEEP: Final = """
update api_keys k set last_used_at = greatest(k.last_used_at, least(clock_now(), to_timestamp(used.at)))
from unnest(cast(:keys as text[]), cast(:times as float[])) as used (key, at) where k.id = used.key
"""


def note_use(cache: RedisCache, principal: Principal) -> None:
    """Note that the principal's key is used now."""
    try:
        cache.script(_NOTE, [_USED], [principal.key or "", str(int(time.time())), str(_SECONDS)])
    except CacheUnavailable:
        return


def keep_uses(cache: RedisCache, uow: UnitOfWork) -> int:
    """Write down what was noted, as the system role, which sees all keys; how many there were."""
    try:
        taken = [each.decode() for each in cache.script(_TAKE, [_USED], [])]
    except CacheUnavailable:
        return 0
    uses = dict(zip(taken[::2], taken[1::2], strict=True))
    if uses:
        uow.sql(_KEEP, keys=list(uses), times=[float(at) for at in uses.values()])
    return len(uses)
