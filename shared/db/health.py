"""Whether the database answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from shared.cache.redis import RedisCache
from shared.core.errors import ImangorError
from shared.core.health import Health, Unready
from shared.db.unit_of_work import UnitOfWork


class HealthCheck:
    """Asks the database and Redis for a sign of life."""

    def __init__(self, open_uow: Callable[[None], UnitOfWork], cache: RedisCache):
        self._open_uow = open_uow
        self._cache = cache

    def check(self) -> Health:
        """Raise `Unready` when the database does not answer."""
        try:
            with self._open_uow(None) as uow:
                uow.sql("select 1")
        except ImangorError as error:
            raise Unready() from error
        return Health(database="ok", cache=self._redis())

    def _redis(self) -> Literal["ok", "away", "off"]:
        if not self._cache.enabled:
            return "off"
        return "ok" if self._cache.ping() else "away"
