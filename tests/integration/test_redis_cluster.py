"""What a Redis Cluster alone asks for: keys of a script in one slot, and access tokens as login, over TLS."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from redis import RedisCluster

from shared.auth.key_use import note_use
from shared.auth.principal import Principal
from shared.cache.errors import CacheUnavailable
from shared.cache.rate_limit import RateLimiter
from shared.cache.read_through import invalidate, read_through
from shared.cache.redis import RedisCache, cache_key
from shared.core.config import RedisSettings
from tests.integration.tls_front import TlsFronts
from tests.integration.valkey import TIMEOUT, Servers

TOKEN = "ya29.of-the-function"
OWNERS = [f"acc_{number}" for number in range(40)]


@pytest.fixture(scope="module")
def fronts() -> Iterator[TlsFronts]:
    fronts = TlsFronts()
    yield fronts
    fronts.close()


@pytest.fixture(scope="module")
def servers(fronts: TlsFronts) -> Iterator[Servers]:
    servers = Servers(3, password=TOKEN, announced=fronts.before)
    yield servers
    servers.close()


def settings(servers: Servers, authority: str, iam: bool = True) -> RedisSettings:
    """As Terraform writes them."""
    url = (
        f"rediss://127.0.0.1:{servers.announced[0]}/0?ssl_check_hostname=false&ssl_ca_data={quote(authority)}"
    )
    return RedisSettings(redis_url=url, redis_timeout=TIMEOUT, redis_cluster=True, redis_iam=iam)


@pytest.fixture
def asked(tmp_path, monkeypatch) -> Iterator[list[str]]:
    """What the token service is asked for; the environment holds a service account's key."""
    found: list[str] = []

    class TokenService(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            body = json.dumps({"access_token": TOKEN, "expires_in": 3600}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), TokenService) as service:
        threading.Thread(target=service.serve_forever, daemon=True).start()
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        account = {"type": "service_account", "client_email": "fn@example.org", "private_key": key.decode()}
        account["token_uri"] = f"http://127.0.0.1:{service.server_port}/token"
        (tmp_path / "account.json").write_text(json.dumps(account))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "account.json"))
        yield found
        service.shutdown()


@pytest.fixture
def cache(servers, fronts, asked) -> Iterator[RedisCache]:
    cache = RedisCache(settings(servers, fronts.authority))
    yield cache
    cache.close()


def put(cache: RedisCache, keys: Iterable[str]) -> None:
    for key in keys:
        cache.attempt(partial(RedisCluster.set, name=key, value=b"1"))


def test_all_nodes_are_reached_with_one_token(cache, asked):
    put(cache, map(cache_key, OWNERS))
    assert cache.ping()
    sizes = cache.attempt(lambda redis: [redis.dbsize(target_nodes=node) for node in redis.get_primaries()])
    assert len(sizes) == 3
    assert min(sizes) > 0
    assert len(asked) == 1


def test_without_the_token_nobody_gets_in(servers, fronts):
    assert not RedisCache(settings(servers, fronts.authority, iam=False)).ping()


def test_a_cluster_that_is_not_of_the_authority_is_not_talked_to(servers, asked):
    other = TlsFronts()
    assert not RedisCache(settings(servers, other.authority)).ping()
    assert asked == []


def test_a_token_that_cannot_be_had_is_a_cache_that_is_away(servers, fronts, tmp_path, monkeypatch):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nothing.json"))
    cache = RedisCache(settings(servers, fronts.authority))
    with pytest.raises(CacheUnavailable):
        cache.attempt(lambda redis: redis.get("k"))


def loaded(loads: list[int]) -> str:
    loads.append(1)
    return "v"


def test_everything_that_the_cache_is_used_for_works_for_any_owner(cache):
    for owner in [*OWNERS, "", "a}b{c", "{}", "}", "2001:db8::/64"]:
        key = cache_key(owner, "thing")
        loads = []
        for _ in range(2):
            load = partial(loaded, loads)
            assert read_through(cache, key, 60, load, str.encode, bytes.decode, name="things") == "v"
        assert len(loads) == 1, owner
        limiter = RateLimiter(cache)
        assert [limiter.take("op", owner, 1, 60).allowed for _ in range(2)] == [True, False]
    note_use(cache, Principal("key_1", "acc_1", frozenset(), key="key_1"))
    assert cache.attempt(lambda redis: redis.hlen(cache_key("keys", "used"))) == 1


def test_keys_of_many_owners_are_forgotten_at_once(cache):
    keys = [cache_key(owner, "person") for owner in OWNERS]
    put(cache, keys)
    invalidate(cache, keys)
    assert cache.attempt(lambda redis: redis.exists(*keys)) == 0
