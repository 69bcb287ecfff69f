import pytest

from shared.cache.rate_limit import RateLimiter, Rule, parse_rule
from shared.cache.redis import RedisCache, cache_key
from shared.core.config import Misconfigured, RedisSettings


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("30/minute", Rule(30, 60)),
        ("10/second", Rule(10, 1)),
        ("5/hour", Rule(5, 3600)),
        ("1000/day", Rule(1000, 86400)),
    ],
)
def test_a_rule_is_a_number_and_a_window(text, rule):
    assert parse_rule(text) == rule


@pytest.mark.parametrize(
    "text", ["", "30", "0/minute", "-1/minute", "30/minutes", "30 / minute", "1.5/day", "٣/day"]
)
def test_anything_else_is_no_rule(text):
    with pytest.raises(ValueError, match="not a rate limit"):
        parse_rule(text)


def test_keys_of_an_owner_share_a_hash_tag():
    assert cache_key("acc_1", "job", "job_2") == "imangor:{acc_1}:job:job_2"


def test_without_redis_everything_misses_and_nobody_is_refused():
    cache = RedisCache(RedisSettings())
    cache.set("k", b"v", 10)
    cache.delete("k")
    assert cache.get("k") is None
    states = [RateLimiter(cache).check("op", "acc_1", 1, 60) for _ in range(3)]
    assert [s.allowed for s in states] == [True] * 3


def test_a_malformed_url_is_said_loudly():
    with pytest.raises(Misconfigured, match="REDIS_URL"):
        RedisCache(RedisSettings(redis_url="localhost")).get("k")
