"""Redis through redis-py: the only file that knows it. Everything here works, slower, without a Redis.

It is one server or a Redis Cluster. Keys look like `imangor:{acc_…}:rest`. The braces are Redis's hash tag:
what belongs to one account lies in one slot, so that a script may touch several of its keys.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from shared.cache.errors import CacheUnavailable
from shared.cache.login import AccessTokenLogin
from shared.core.config import Misconfigured, RedisSettings
from shared.core.metrics import Metric, count
from shared.core.tracing import Kind, span

if TYPE_CHECKING:
    from redis import Redis, RedisCluster

    Client = Redis | RedisCluster

T = TypeVar("T")

PAUSE: Final = 1.0
"""Seconds to do without Redis after it failed, so that a hanging one costs a request its timeout once."""

_OWED_LIMIT: Final = 1000
_NO_BRACES: Final = str.maketrans({"%": "%25", "{": "%7B", "}": "%7D"})


def cache_key(owner: str, *parts: str) -> str:
    """The key of `parts` that belongs to `owner`: an account, or what else is one of many.

    All keys of an owner lie on one node of a cluster, so a single owner for everybody would fill that one.
    """
    return ":".join(("imangor", "{" + (owner.translate(_NO_BRACES) or "%") + "}", *parts))


class RedisCache:
    """Bytes under keys, each with a lifetime. No method raises when Redis is away or misbehaves.

    Safe to share between threads; nothing is connected before the first use.
    """

    def __init__(self, settings: RedisSettings) -> None:
        """Without `settings.redis_url` everything misses and nothing is counted as an error."""
        self._settings = settings
        self._lock = threading.Lock()
        self._redis: Client | None = None
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
            return bool(self.attempt(lambda redis: redis.ping(), "PING"))
        except CacheUnavailable:
            return False

    def delete(self, *keys: str) -> None:
        """Forget `keys`. What cannot be told to Redis now is told before anything else is asked of it."""
        if not keys or not self.enabled:
            return
        try:
            self.attempt(lambda redis: redis.delete(*keys), "DEL")
        except CacheUnavailable:
            with self._lock:
                self._owed.update(keys)
                while len(self._owed) > _OWED_LIMIT:
                    self._owed.pop()

    def script(self, source: str, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        """Run a Lua script by its hash, sending the source only where Redis does not know it.

        Raises `CacheUnavailable` instead of inventing an answer, and ValueError for keys of several owners: a
        Redis Cluster could not run it, so no Redis does.
        """
        if len({key[: key.find("}")] for key in keys}) > 1:
            raise ValueError("The keys of a script belong to one owner.")

        def run(redis: Client) -> Any:
            if source not in self._scripts:
                self._scripts[source] = redis.register_script(source)
            return self._scripts[source](keys=keys, args=args)

        return self.attempt(run, "EVALSHA")

    def attempt(self, operation: Callable[[Client], T], name: str = "command") -> T:
        """Run `operation`, whose span gets this name; raises `CacheUnavailable` when there is no Redis, or it
        failed now or just now.
        """
        if not self.enabled:
            raise CacheUnavailable
        from redis.exceptions import RedisClusterException, RedisError

        self._enter()
        try:
            redis = self._client()
            self._pay(redis)
            with span(f"redis {name}", Kind.CLIENT, {"db.system.name": "redis", "db.operation.name": name}):
                result = operation(redis)
        except (RedisError, RedisClusterException, OSError) as error:
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

    def _pay(self, redis: Client) -> None:
        """Send the deletions that an outage swallowed, before a read can see what they were to remove."""
        if not self._owed:
            return
        with self._lock:
            owed = set(self._owed)
        redis.delete(*owed)
        with self._lock:
            self._owed -= owed

    def _client(self) -> Client:
        if self._redis is None:
            with self._lock:
                if self._redis is None:
                    self._redis = _connect(self._settings)
        return self._redis


def _connect(settings: RedisSettings) -> Client:
    """Build the client. It replaces connections that the server closed, and retries nothing that failed.

    A cluster is asked for its nodes at once; raises `RedisClusterException` where none of them answers.
    """
    from redis import Redis, RedisCluster
    from redis.backoff import NoBackoff
    from redis.connection import parse_url
    from redis.retry import Retry

    url, parsed = settings.redis_url or "", cast("Callable[[str], dict[str, Any]]", parse_url)
    try:
        if parsed(url).get("db") and settings.redis_cluster:
            raise Misconfigured("REDIS_URL names a database, and a Redis Cluster has only the first")
    except ValueError:
        raise Misconfigured("REDIS_URL is not a redis:// or rediss:// URL") from None
    options: dict[str, Any] = {
        "socket_timeout": settings.redis_timeout,
        "socket_connect_timeout": settings.redis_timeout,
        "socket_keepalive": True,
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),
        "credential_provider": AccessTokenLogin() if settings.redis_iam else None,
    }
    if settings.redis_cluster:
        # Who is in the cluster is asked of the URL's address alone, which somebody always answers at.
        return RedisCluster.from_url(url, dynamic_startup_nodes=False, **options)
    return Redis.from_url(url, **options)
