"""Guards that a control replaces by something in Redis, or takes from Redis's client."""

from __future__ import annotations

import json
from typing import Any

from fault_injector.guards import without
from fault_injector.hooks import around, when_imported
from fault_injector.orders import removed


@when_imported("shared.db.idempotency")
def _keys(module: Any) -> None:
    """Keep idempotency keys where they can be forgotten."""

    def name(operation: str, key: str) -> str:
        return f"control:{operation}:{key}"

    def reserve(original: Any, store: Any, operation: str, key: str, fingerprint: str) -> Any:
        from shared.wiring.clients import redis_cache

        known = redis_cache().attempt(lambda redis: redis.get(name(operation, key)))
        if known is None:
            return module.Reserved(operation, key, None)
        reply = json.loads(known)
        return module.Finished(reply["status"], reply["headers"], reply["body"].encode())

    def finish(original: Any, store: Any, owned: Any, status: int, headers: Any, body: bytes) -> None:
        from shared.wiring.clients import redis_cache

        reply = json.dumps({"status": status, "headers": dict(headers), "body": body.decode()})
        redis_cache().attempt(lambda redis: redis.set(name(owned.operation, owned.key), reply))

    without(module.IdempotencyKeys, "reserve", "keys-in-redis", reserve)
    without(module.IdempotencyKeys, "finish", "keys-in-redis", finish)


@when_imported("shared.cache.redis")
def _patience(module: Any) -> None:
    def client(original: Any, cache: Any) -> Any:
        patient = removed("redis-timeout")
        if patient != getattr(cache, "patient", False):
            # Scripts belong to the client that they were registered with.
            cache.patient, cache._redis = patient, None
            cache._scripts.clear()
            seconds = 30.0 if patient else 0.25
            cache._settings = cache._settings.model_copy(update={"redis_timeout": seconds})
        return original(cache)

    around(module.RedisCache, "_client", client)
