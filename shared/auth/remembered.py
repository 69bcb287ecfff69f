"""What a key proves, as the cache remembers it: by one of its hashes, or by its id."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from shared.auth.key_use import note_use
from shared.auth.known_keys import KnownKey
from shared.auth.principal import Principal
from shared.cache.read_through import read_through
from shared.cache.redis import RedisCache

CACHE_SECONDS: Final = 60
"""For so long it is known that a key is good, or that it is wrong, unless it ends or is changed before."""


def remembered(cache: RedisCache, place: str, find: Callable[[], KnownKey | None]) -> KnownKey | None:
    """The key that the cache has at `place`, or that is found; its use is noted when it is found."""

    def find_and_note() -> KnownKey | None:
        found = find()
        if found is not None:
            note_use(cache, found.principal)
        return found

    return read_through(
        cache,
        place,
        CACHE_SECONDS,
        find_and_note,
        _encode,
        _decode,
        name="key",
        absent_ttl=CACHE_SECONDS,
        life=lambda known: known.seconds,
    )


def _encode(known: KnownKey) -> bytes:
    p = known.principal
    facts = (p.id, p.account, sorted(p.scopes), p.plan, p.source, p.targets, p.rate)
    return json.dumps(facts).encode()


def _decode(data: bytes) -> KnownKey:
    """The inverse of `_encode`. How long the key lives is the cache's to know."""
    key, account, scopes, plan, source, targets, rate = json.loads(data)
    defaults = (plan, source, tuple(targets))
    return KnownKey(Principal(key, account, frozenset(scopes), *defaults, key=key, rate=rate))
