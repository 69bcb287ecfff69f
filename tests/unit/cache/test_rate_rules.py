import pytest

from shared.cache.rate_limit import RateLimiter
from shared.cache.redis import RedisCache, cache_key
from shared.core.config import Misconfigured, RedisSettings


def test_keys_of_an_owner_share_a_hash_tag():
    assert cache_key("acc_1", "job", "job_2") == "imangor:{acc_1}:job:job_2"


def test_without_redis_nothing_fails_and_nobody_is_refused():
    cache = RedisCache(RedisSettings())
    cache.delete("k")
    assert not cache.ping()
    states = [RateLimiter(cache).check("op", "acc_1", 1, 60) for _ in range(3)]
    assert [s.allowed for s in states] == [True] * 3


def test_a_malformed_url_is_said_loudly():
    with pytest.raises(Misconfigured, match="REDIS_URL"):
        RedisCache(RedisSettings(redis_url="localhost")).ping()
