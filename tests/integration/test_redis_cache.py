"""The cache room against a real Valkey, one and a cluster: cache, read-through, rate limit, and outages."""

import contextlib
import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.cache.errors import CacheUnavailable
from shared.cache.rate_limit import RateLimiter
from shared.cache.read_through import invalidate, read_through
from shared.cache.redis import RedisCache, cache_key
from shared.core.config import RedisSettings
from tests.integration.valkey import Servers


@pytest.fixture(scope="module", params=[1, 3], ids=["server", "cluster"])
def running(request):
    servers = Servers(request.param)
    yield servers
    servers.close()


@pytest.fixture
def server(running):
    yield running
    running.empty()


def new_cache(server):
    return RedisCache(server.settings)


@pytest.fixture
def cache(server):
    cache = new_cache(server)
    yield cache
    cache.close()


# A node that was started again waits two seconds before it serves, so few tests do that to a cluster.
ONE = pytest.mark.parametrize("running", [1], indirect=True)
KEY = cache_key("acc_1", "thing")


def put(cache, value, seconds):
    """Keep a value under the key, where Redis answers."""
    with contextlib.suppress(CacheUnavailable):
        cache.attempt(lambda redis: redis.set(KEY, value, px=round(seconds * 1000)))


def stored(cache):
    """What is kept under the key; None also where Redis does not answer."""
    with contextlib.suppress(CacheUnavailable):
        return cache.attempt(lambda redis: redis.get(KEY))


def read(cache, load, ttl=60.0, **options):
    return read_through(
        cache, KEY, ttl, load, lambda v: json.dumps(v).encode(), json.loads, name="things", **options
    )


def metrics(caplog, name):
    return [r.fields["labels"] for r in caplog.records if getattr(r, "fields", {}).get("metric") == name]


# cache


def test_a_hanging_redis_costs_one_timeout_then_nothing(cache, server, caplog):
    caplog.set_level(logging.INFO)
    put(cache, b"v", 60)
    server.hang()
    start = time.monotonic()
    assert stored(cache) is None
    first = time.monotonic() - start
    for _ in range(20):
        assert stored(cache) is None
    rest = time.monotonic() - start - first
    # A node of a cluster that does not answer has the others asked for who does.
    assert 0.2 < first < (0.8 if server.clustered else 0.5)
    assert rest < 0.05
    (failure,) = metrics(caplog, "cache")
    assert failure["outcome"] == "error"


def test_a_first_connection_to_a_hanging_redis_costs_one_timeout_too(server):
    server.hang()
    start = time.monotonic()
    assert stored(new_cache(server)) is None
    assert time.monotonic() - start < 0.5


def test_redis_is_used_again_after_it_came_back(cache, server):
    put(cache, b"v", 60)
    server.stop()
    assert stored(cache) is None
    server.start()
    time.sleep(1.05)
    put(cache, b"w", 60)
    assert stored(cache) == b"w"


@ONE
def test_a_restarted_server_is_reached_at_once(cache, server):
    put(cache, b"v", 60)
    server.stop()
    server.start()
    put(cache, b"w", 60)
    assert stored(cache) == b"w"


def test_a_deletion_that_an_outage_swallowed_is_made_up_for(cache, server):
    put(cache, b"old", 60)
    server.hang()
    stored(cache)
    server.go_on()
    invalidate(cache, [KEY])
    assert stored(new_cache(server)) == b"old"
    time.sleep(1.05)
    assert stored(cache) is None
    assert stored(new_cache(server)) is None


# read-through


def test_the_second_read_is_a_hit(cache, caplog):
    caplog.set_level(logging.INFO)
    loads = []
    for _ in range(3):
        assert read(cache, lambda: loads.append(1) or {"a": 1}) == {"a": 1}
    assert len(loads) == 1
    assert [m["outcome"] for m in metrics(caplog, "cache")] == ["miss", "hit", "hit"]


@pytest.mark.parametrize("enabled", [True, False])
def test_a_hundred_misses_at_once_are_one_load(cache, enabled):
    used = cache if enabled else RedisCache(RedisSettings())
    loads = []
    gate = threading.Barrier(100)

    def load():
        loads.append(1)
        time.sleep(0.3)
        return "value"

    def one(_):
        gate.wait()
        return read(used, load)

    with ThreadPoolExecutor(100) as pool:
        assert set(pool.map(one, range(100))) == {"value"}
    assert len(loads) == 1


def test_a_failing_load_reaches_all_its_readers_and_is_not_kept(cache):
    gate = threading.Barrier(5)

    def fail():
        time.sleep(0.2)
        raise LookupError("database is down")

    def one(_):
        gate.wait()
        with pytest.raises(LookupError):
            read(cache, fail)

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(one, range(5)))
    assert read(cache, lambda: "fine") == "fine"
    assert read(cache, lambda: "unused") == "fine"


def test_nothing_is_remembered_as_absent_unless_asked(cache):
    assert read(cache, lambda: None) is None
    assert read(cache, lambda: None, absent_ttl=60) is None
    assert read(cache, lambda: "there now") is None
    invalidate(cache, [KEY])
    assert read(cache, lambda: "there now") == "there now"


@pytest.mark.parametrize("same_process", [True, False])
def test_a_reader_that_loaded_before_a_commit_stores_nothing_after_it(cache, server, same_process):
    writer = cache if same_process else new_cache(server)
    loaded, go_on = threading.Event(), threading.Event()
    truth = ["old"]

    def slow():
        value = truth[0]
        loaded.set()
        go_on.wait(5)
        return value

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(read, cache, slow)
        loaded.wait(5)
        truth[0] = "new"
        invalidate(writer, [KEY])
        assert read(cache, lambda: truth[0]) == "new"
        invalidate(writer, [KEY])
        go_on.set()
        assert reader.result(5) == "old"
    assert stored(cache) is None
    assert read(cache, lambda: truth[0]) == "new"


def test_a_local_change_starts_a_new_load_without_redis_too():
    cache = RedisCache(RedisSettings())
    loaded, go_on = threading.Event(), threading.Event()

    def slow():
        loaded.set()
        go_on.wait(5)
        return "old"

    with ThreadPoolExecutor(1) as pool:
        pool.submit(read, cache, slow)
        loaded.wait(5)
        invalidate(cache, [KEY])
        start = time.monotonic()
        assert read(cache, lambda: "new") == "new"
        assert time.monotonic() - start < 1
        go_on.set()


def test_another_process_may_load_but_not_store_while_one_fills(cache, server):
    other = new_cache(server)
    loaded, go_on = threading.Event(), threading.Event()

    def slow():
        loaded.set()
        go_on.wait(5)
        return "first"

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(read, cache, slow)
        loaded.wait(5)
        assert read(other, lambda: "second") == "second"
        assert stored(other) is None
        go_on.set()
        assert reader.result(5) == "first"
    assert read(other, lambda: "unused") == "first"


def test_near_its_end_one_reader_refreshes_and_the_others_are_served(cache, server):
    long = 5e7
    put(cache, b'"old"', 5)
    loading, go_on = threading.Event(), threading.Event()

    def slow():
        loading.set()
        go_on.wait(5)
        return "new"

    with ThreadPoolExecutor(1) as pool:
        refresh = pool.submit(read, cache, slow, long)
        assert loading.wait(5)
        served = read(cache, lambda: "loaded twice", ttl=long)
        go_on.set()
        assert refresh.result(5) == "new"
    assert served == "old"
    assert read(cache, lambda: "unused") == "new"


def test_a_value_of_an_older_layout_is_a_miss(cache):
    put(cache, b"not json", 60)
    assert read(cache, lambda: "new") == "new"
    assert read(cache, lambda: "new") == "new"
    assert stored(cache) == b'"new"'


@ONE
def test_an_outage_only_means_loading(cache, server):
    read(cache, lambda: 1)
    server.stop()
    assert [read(cache, lambda n=n: n) for n in range(3)] == [0, 1, 2]


# rate limit


def test_exactly_the_limit_is_allowed_however_many_ask_at_once(cache, server):
    limiters = [RateLimiter(cache), RateLimiter(new_cache(server))]
    with ThreadPoolExecutor(40) as pool:
        states = list(pool.map(lambda n: limiters[n % 2].check("op", "acc_1", 25, 86400), range(200)))
    allowed = [s for s in states if s.allowed]
    assert sorted(s.remaining for s in allowed) == list(range(25))
    assert all(0 < s.retry_after <= 86400 / 25 and s.remaining == 0 for s in states if not s.allowed)


@pytest.mark.parametrize("limit", [1, 3, 7, 30, 999])
def test_a_burst_of_the_limit_passes_and_one_more_does_not(cache, limit):
    limiter = RateLimiter(cache)
    states = [limiter.check("burst", "acc_1", limit, 86400) for _ in range(limit + 1)]
    assert [s.allowed for s in states] == [True] * limit + [False]
    assert states[0].reset_seconds == pytest.approx(86400 / limit, rel=0.01)


def test_requests_come_back_one_by_one(cache):
    limiter = RateLimiter(cache)
    first = [limiter.check("op", "acc_1", 5, 1).allowed for _ in range(6)]
    refused = limiter.check("op", "acc_1", 5, 1)
    time.sleep(refused.retry_after + 0.02)
    then = [limiter.check("op", "acc_1", 5, 1).allowed for _ in range(2)]
    assert first == [True] * 5 + [False]
    assert then == [True, False]


def test_principals_and_operations_do_not_share_a_limit(cache):
    limiter = RateLimiter(cache)
    assert limiter.check("op", "acc_1", 1, 60).allowed
    assert limiter.check("op", "acc_2", 1, 60).allowed
    assert limiter.check("other", "acc_1", 1, 60).allowed
    assert not limiter.check("op", "acc_1", 1, 60).allowed


def test_the_clock_is_the_one_of_redis(cache, monkeypatch):
    limiter = RateLimiter(cache)
    assert limiter.check("op", "acc_1", 1, 60).allowed
    monkeypatch.setattr(time, "time", lambda: 9e9)
    assert not limiter.check("op", "acc_1", 1, 60).allowed


def test_the_script_is_sent_again_when_redis_forgot_it(cache):
    limiter = RateLimiter(cache)
    assert limiter.check("op", "acc_1", 1, 60).allowed
    cache.attempt(lambda redis: redis.script_flush())
    assert not limiter.check("op", "acc_1", 1, 60).allowed


@ONE
def test_an_outage_opens_the_limit_and_is_counted(cache, server, caplog):
    caplog.set_level(logging.INFO)
    limiter = RateLimiter(cache)
    limiter.check("op", "acc_1", 1, 60)
    server.stop()
    assert all(limiter.check("op", "acc_1", 1, 60).allowed for _ in range(3))
    assert metrics(caplog, "rate_limit_open") == [{"name": "op"}] * 3
