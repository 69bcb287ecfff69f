"""Sessions as the cache remembers them: PostgreSQL decides, Redis keeps a copy for a short life.

A session is looked up by its cookie's hash, or by its id and person where a token names it. Ending one
forgets both copies after the commit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import astuple, dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import func, select, update

from shared.cache.read_through import read_through
from shared.cache.redis import RedisCache, cache_key
from shared.db.models import clock_now, sessions
from shared.db.unit_of_work import UnitOfWork

CACHE_SECONDS: Final = 30
"""For so long it is known that a session lives, or that it does not, unless it ends before."""
SEEN_EVERY: Final = timedelta(minutes=10)
"""How much later than the last time that is written down a session must be seen to be written down again."""


@dataclass(frozen=True)
class LiveSession:
    """A session that has not ended, with the seconds that it has left."""

    id: str
    user: str
    seconds: float


class LiveSessions:
    """Finds sessions that live."""

    def __init__(self, open_uow: Callable[[str | None, str | None], UnitOfWork], cache: RedisCache):
        """`open_uow` opens a unit of work that presents a cookie's hash in hex, or is a person's."""
        self._open_uow = open_uow
        self._cache = cache

    def of_cookie(self, cookie: str) -> LiveSession | None:
        """The session of a cookie; None where there is none that lives."""
        digest = cookie_digest(cookie)

        def find() -> LiveSession | None:
            with self._open_uow(digest.hex(), None) as uow:
                return _find(uow, digest)

        return read_through(
            self._cache,
            cookie_cache_key(digest),
            CACHE_SECONDS,
            find,
            lambda session: json.dumps(astuple(session)).encode(),
            lambda data: LiveSession(*json.loads(data)),
            name="session",
            absent_ttl=CACHE_SECONDS,
            life=lambda session: session.seconds,
        )

    def stands(self, session: str, user: str) -> bool:
        """Whether a person's session was not revoked; what it let others do may outlive its cookie."""

        def find() -> str | None:
            with self._open_uow(None, user) as uow:
                kept = (sessions.c.id == session, sessions.c.revoked_at.is_(None))
                return uow.execute(select(sessions.c.id).where(*kept)).scalar()

        found = read_through(
            self._cache,
            session_cache_key(session),
            CACHE_SECONDS,
            find,
            str.encode,
            bytes.decode,
            name="session",
            absent_ttl=CACHE_SECONDS,
        )
        return found is not None


def cookie_digest(cookie: str) -> bytes:
    """What is kept of a cookie: its secret is too long to be guessed, so no key is needed."""
    return hashlib.sha256(cookie.encode()).digest()


def cookie_cache_key(digest: bytes) -> str:
    """Where the session of a cookie is cached."""
    return cache_key(digest.hex(), "session")


def session_cache_key(session: str) -> str:
    """Where a session is cached by its id."""
    return cache_key(session, "session")


def forget_session(uow: UnitOfWork, session: str, digest: bytes) -> None:
    """After commit, look a session up anew."""
    uow.stale(cookie_cache_key(digest))
    uow.stale(session_cache_key(session))


def _find(uow: UnitOfWork, digest: bytes) -> LiveSession | None:
    left = func.extract("epoch", sessions.c.expires_at - clock_now())
    unseen = sessions.c.last_seen_at < clock_now() - SEEN_EVERY
    columns = (sessions.c.id, sessions.c.user_id, left.label("left"), unseen.label("unseen"))
    alive = (sessions.c.revoked_at.is_(None), sessions.c.expires_at > clock_now())
    row = uow.execute(select(*columns).where(sessions.c.digest == digest, *alive)).first()
    if row is None:
        return None
    if row.unseen:
        uow.act_as(row.user_id)
        uow.execute(update(sessions).where(sessions.c.id == row.id).values(last_seen_at=clock_now()))
    return LiveSession(row.id, row.user_id, float(row.left))
