"""What people let clients do, while it stands: PostgreSQL decides, Redis remembers it for a short life.

An access token names the grant that it came of, so that it ends with it and not only by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import ColumnElement, select, update

from shared.cache.read_through import read_through
from shared.cache.redis import RedisCache, cache_key
from shared.db.models import clock_now, oauth_grants
from shared.db.unit_of_work import UnitOfWork

CACHE_SECONDS: Final = 30
"""For so long it is known that a grant stands, or that it does not, unless it is revoked before."""

_g = oauth_grants.c


class LiveGrants:
    """Finds grants that stand."""

    def __init__(self, open_uow: Callable[[str], UnitOfWork], cache: RedisCache):
        """`open_uow` opens a unit of work of an account."""
        self._open_uow = open_uow
        self._cache = cache

    def stands(self, grant: str, account: str) -> bool:
        """Whether an account's grant was not revoked."""

        def find() -> str | None:
            with self._open_uow(account) as uow:
                return uow.execute(select(_g.id).where(_g.id == grant, _g.revoked_at.is_(None))).scalar()

        found = read_through(
            self._cache,
            grant_cache_key(account, grant),
            CACHE_SECONDS,
            find,
            str.encode,
            bytes.decode,
            name="grant",
            absent_ttl=CACHE_SECONDS,
        )
        return found is not None


def grant_cache_key(account: str, grant: str) -> str:
    """Where it is cached whether an account's grant stands."""
    return cache_key(account, "grants", grant)


def revoke_grant(uow: UnitOfWork, grant: str) -> None:
    """End a grant of the unit of work's account, and with it what came of it."""
    _revoke(uow, _g.id == grant)


def revoke_grants(uow: UnitOfWork, user: str) -> int:
    """End all that a person let clients do in the unit of work's account; how many grants there were."""
    return _revoke(uow, _g.user_id == user)


def _revoke(uow: UnitOfWork, which: ColumnElement[bool]) -> int:
    change = update(oauth_grants).where(which, _g.revoked_at.is_(None), _g.account_id == uow.account)
    ended = uow.execute(change.values(revoked_at=clock_now()).returning(_g.id)).scalars().all()
    for grant in ended:
        uow.stale(grant_cache_key(str(uow.account), grant))
    return len(ended)
