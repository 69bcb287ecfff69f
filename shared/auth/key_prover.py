"""Proves API keys by their keyed hash, through the cache."""

from __future__ import annotations

from collections.abc import Callable

from shared.auth.api_keys import is_well_formed, key_hash, pepper_mark
from shared.auth.attempts import FailedAttempts
from shared.auth.errors import RefusedAgain
from shared.auth.known_keys import KnownKey, find_key, hashed_cache_key
from shared.auth.principal import Principal
from shared.auth.remembered import remembered
from shared.cache.redis import RedisCache
from shared.core.config import KeySettings
from shared.core.credentials import Credentials
from shared.core.errors import Unauthenticated
from shared.db.unit_of_work import UnitOfWork


class KeyProver:
    """Looks keys up by their keyed hash, through the cache."""

    def __init__(
        self, open_uow: Callable[[str], UnitOfWork], cache: RedisCache, attempts: FailedAttempts
    ) -> None:
        """`open_uow` opens a unit of work that presents the given key hashes (hex, joined by commas)."""
        self._open_uow = open_uow
        self._cache = cache
        self._attempts = attempts

    def prove(self, secret: str, credentials: Credentials) -> Principal:
        """Whose key this is; raises `Unauthenticated`."""
        if not is_well_formed(secret):
            raise Unauthenticated("The API key is not valid.")
        peppers, looked_up = KeySettings.load().peppers, False
        digests = [key_hash(secret, pepper) for pepper in peppers]

        def find() -> KnownKey | None:
            nonlocal looked_up
            looked_up = True
            self._attempts.check(credentials)
            return self._find(digests, pepper_mark(peppers[0]))

        found = remembered(self._cache, hashed_cache_key(digests[0]), find)
        if found is None:
            raise (Unauthenticated if looked_up else RefusedAgain)("The API key is not valid.")
        return found.principal

    def _find(self, digests: list[bytes], mark: bytes) -> KnownKey | None:
        with self._open_uow(",".join(digest.hex() for digest in digests)) as uow:
            return find_key(uow, digests, mark)
