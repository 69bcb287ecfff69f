import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

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


@given(st.text(), st.text(min_size=1), st.text(min_size=1))
def test_keys_of_any_owner_lie_in_one_slot_and_of_two_owners_are_two(owner, one, other):
    slots = {key_slot(cache_key(owner, part).encode()) for part in (one, other, "", f"{one}:fill")}
    assert len(slots) == 1
    assert (cache_key(owner, "thing") == cache_key(one, "thing")) == (owner == one)


def test_a_script_over_keys_of_two_owners_is_refused_also_where_it_would_work():
    keys = [cache_key("acc_1", "a"), cache_key("acc_2", "a")]
    with pytest.raises(ValueError, match="one owner"):
        RedisCache(RedisSettings()).script("return 1", keys, [])


def test_a_cluster_has_one_database():
    settings = RedisSettings(redis_url="redis://127.0.0.1:1/3", redis_cluster=True)
    with pytest.raises(Misconfigured, match="Cluster"):
        RedisCache(settings).ping()
