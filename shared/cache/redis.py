"""Redis through redis-py: the only file that knows it. Everything here works, slower, without a Redis.

Keys look like `imangor:{acc_…}:rest`. The braces are Redis's hash tag: what belongs to one account lies in
one slot, so that a script may touch several of its keys.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from shared.cache.errors import CacheUnavailable
from shared.core.config import Misconfigured, RedisSettings
from shared.core.metrics import Metric, count

if TYPE_CHECKING:
    from redis import Redis

T = TypeVar("T")

PAUSE: Final = 1.0
"""Seconds to do without Redis after it failed, so that a hanging one costs a request its timeout once."""

_OWED_LIMIT: Final = 1000


def cache_key(owner: str, *parts: str) -> str:
    """The key of `parts` that belongs to `owner`: an account's id, or a word for what nobody owns."""
    return ":".join(("imangor", "{" + owner + "}", *parts))


class RedisCache:
    """Bytes under keys, each with a lifetime. No method raises when Redis is away or misbehaves.

    Safe to share between threads; nothing is connected before the first use.
    """

    def __init__(self, settings: RedisSettings) -> None:
        """Without `settings.redis_url` everything misses and nothing is counted as an error."""
        self._settings = settings
        self._lock = threading.Lock()
        self._redis: Redis | None = None
        self._scripts: dict[str, Any] = {}
        self._closed_until = 0.0
        self._owed: set[str] = set()

    @property
    def enabled(self) -> bool:
        """Whether a Redis is configured at all."""
        return self._settings.redis_url is not None

    def ping(self) -> bool:
        """Whether Redis answers now."""
        try:
            return bool(self.attempt(lambda redis: redis.ping()))
        except CacheUnavailable:
            return False

    def delete(self, *keys: str) -> None:
        """Forget `keys`. What cannot be told to Redis now is told before anything else is asked of it."""
        if not keys or not self.enabled:
            return
        try:
            self.attempt(lambda redis: redis.delete(*keys))
        except CacheUnavailable:
            with self._lock:
                self._owed.update(keys)
                while len(self._owed) > _OWED_LIMIT:
                    self._owed.pop()

    def script(self, source: str, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        """Run a Lua script by its hash, sending the source only where Redis does not know it.

        Raises `CacheUnavailable` instead of inventing an answer.
        """

        def run(redis: Redis) -> Any:
            if source not in self._scripts:
                self._scripts[source] = redis.register_script(source)
            return self._scripts[source](keys=keys, args=args)

        return self.attempt(run)

    def attempt(self, operation: Callable[[Redis], T]) -> T:
        """Run `operation`; raises `CacheUnavailable` when there is no Redis, or it failed now or just now."""
        if not self.enabled:
            raise CacheUnavailable
        redis = self._client()
        from redis.exceptions import RedisError

        self._enter()
        try:
            self._pay(redis)
            result = operation(redis)
        except (RedisError, OSError) as error:
            self._closed_until = time.monotonic() + PAUSE
            count(Metric.CACHE, outcome="error", kind=type(error).__name__)
            raise CacheUnavailable from error
        self._closed_until = 0.0
        return result

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        with self._lock:
            redis, self._redis = self._redis, None
            self._scripts.clear()
        if redis is not None:
            redis.close()

    def _enter(self) -> None:
        """Refuse while the circuit is open; when the pause is over, let one caller try it first."""
        with self._lock:
            now = time.monotonic()
            if now < self._closed_until:
                raise CacheUnavailable
            if self._closed_until:
                self._closed_until = now + PAUSE

    def _pay(self, redis: Redis) -> None:
        """Send the deletions that an outage swallowed, before a read can see what they were to remove."""
        if not self._owed:
            return
        with self._lock:
            owed = set(self._owed)
        redis.delete(*owed)
        with self._lock:
            self._owed -= owed

    def _client(self) -> Redis:
        if self._redis is None:
            with self._lock:
                if self._redis is None:
                    self._redis = _connect(self._settings)
        return self._redis


def _connect(settings: RedisSettings) -> Redis:
    """Build the client. It replaces connections that the server closed, and retries nothing that failed."""
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    try:
        return Redis.from_url(
            settings.redis_url or "",
            socket_timeout=settings.redis_timeout,
            socket_connect_timeout=settings.redis_timeout,
            socket_keepalive=True,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError:
        raise Misconfigured("REDIS_URL is not a redis:// or rediss:// URL") from None
