"""Proves API keys by their keyed hash, through the cache."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from shared.auth.api_keys import is_well_formed, key_hash
from shared.auth.principal import Principal
from shared.auth.repository import find_principal
from shared.cache.read_through import read_through
from shared.cache.redis import RedisCache, cache_key
from shared.core.config import KeySettings
from shared.core.credentials import Credentials
from shared.core.errors import Unauthenticated
from shared.db.unit_of_work import UnitOfWork

CACHE_SECONDS: Final = 60


class KeyProver:
    """Looks keys up by their keyed hash, through the cache."""

    def __init__(self, open_uow: Callable[[str], UnitOfWork], cache: RedisCache):
        """`open_uow` opens a unit of work that presents the given key hash (hex)."""
        self._open_uow = open_uow
        self._cache = cache

    def prove(self, secret: str, credentials: Credentials) -> Principal:
        """Whose key this is; raises `Unauthenticated`."""
        if not is_well_formed(secret):
            raise Unauthenticated("The API key is not valid.")
        digest = key_hash(secret, KeySettings.load().key_pepper)
        principal = read_through(
            self._cache,
            key_cache_key(digest),
            CACHE_SECONDS,
            lambda: self._find(digest),
            _encode,
            _decode,
            name="key",
        )
        if principal is None:
            raise Unauthenticated("The API key is not valid.")
        return principal

    def _find(self, digest: bytes) -> Principal | None:
        with self._open_uow(digest.hex()) as uow:
            return find_principal(uow, digest)


def key_cache_key(digest: bytes) -> str:
    """Where a key's principal is cached; revoking the key invalidates it."""
    return cache_key("keys", digest.hex())


def _encode(principal: Principal) -> bytes:
    facts = (principal.id, principal.account, sorted(principal.scopes))
    return json.dumps([*facts, principal.plan, principal.source, principal.targets]).encode()


def _decode(data: bytes) -> Principal:
    key, account, scopes, plan, source, targets = json.loads(data)
    return Principal(key, account, frozenset(scopes), plan, source, tuple(targets), key=key)
