"""Proves API keys by their keyed hash, through the cache."""

from __future__ import annotations

from collections.abc import Callable

from shared.auth.api_keys import is_well_formed, key_hash, pepper_mark
from shared.auth.attempts import FailedAttempts
from shared.auth.errors import CredentialEnded, RefusedAgain
from shared.auth.failed_sign_ins import FailedSignIns
from shared.auth.known_keys import EndedKey, KnownKey, find_key, hashed_cache_key
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
        self,
        open_uow: Callable[[str], UnitOfWork],
        cache: RedisCache,
        attempts: FailedAttempts,
        failed: FailedSignIns,
    ) -> None:
        """`open_uow` opens a unit of work that presents the given key hashes (hex, joined by commas)."""
        self._open_uow = open_uow
        self._cache = cache
        self._attempts = attempts
        self._failed = failed

    def prove(self, secret: str, credentials: Credentials) -> Principal:
        """Whose key this is; raises `Unauthenticated`, and `CredentialEnded` for one that was good."""
        if not is_well_formed(secret):
            raise Unauthenticated("The API key is not valid.")
        peppers, looked_up = KeySettings.load().peppers, False
        ended: EndedKey | None = None
        digests = [key_hash(secret, pepper) for pepper in peppers]

        def find() -> KnownKey | None:
            nonlocal looked_up, ended
            looked_up = True
            self._attempts.check(credentials)
            with self._open_uow(",".join(digest.hex() for digest in digests)) as uow:
                found = find_key(uow, digests, pepper_mark(peppers[0]))
            if isinstance(found, EndedKey):
                ended = found
                return None
            return found

        found = remembered(self._cache, hashed_cache_key(digests[0]), find)
        if ended is not None:
            self._failed.tell(ended.id, ended.account, ended.reason)
            raise CredentialEnded("The API key is not valid any more.")
        if found is None:
            raise (Unauthenticated if looked_up else RefusedAgain)("The API key is not valid.")
        return found.principal
