"""A person's sessions in the database."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Row, and_, insert, or_, select, update

from shared.auth.sessions import forget_session
from shared.db.models import clock_now, sessions, users
from shared.db.unit_of_work import UnitOfWork
from shared.sessions.errors import SessionNotFound

MOST_SHOWN: Final = 100

_s = sessions.c
_COLUMNS: Final = (
    *(_s.id, _s.name, _s.device, _s.network),
    *(_s.created_at, _s.last_seen_at, _s.expires_at),
)
_LIVE: Final = and_(_s.revoked_at.is_(None), _s.expires_at > clock_now())


class Sessions:
    """Those of the unit of work's person."""

    def __init__(self, uow: UnitOfWork):
        self._uow = uow

    def add(self, **values: Any) -> Row[Any]:
        """Keep a session."""
        return self._uow.execute(insert(sessions).values(**values).returning(*_COLUMNS)).one()

    def live(self) -> list[Row[Any]]:
        """Those that have not ended, newest first; one from before a revocation of everything has."""
        counts = or_(users.c.tokens_valid_after.is_(None), _s.signed_in_at >= users.c.tokens_valid_after)
        found = select(*_COLUMNS).join(users, users.c.id == _s.user_id).where(_LIVE, counts)
        return list(self._uow.execute(found.order_by(_s.created_at.desc(), _s.id).limit(MOST_SHOWN)))

    def rename(self, session: str, name: str | None) -> Row[Any]:
        """Give a session another name; raises `SessionNotFound`."""
        change = update(sessions).where(_s.id == session, _LIVE).values(name=name).returning(*_COLUMNS)
        row = self._uow.execute(change).one_or_none()
        if row is None:
            raise SessionNotFound()
        return row

    def revoke(self, session: str) -> None:
        """End a session; raises `SessionNotFound`, also for one that has ended."""
        if not self._end(_s.id == session):
            raise SessionNotFound()

    def revoke_all(self) -> int:
        """End every session; how many there were."""
        return self._end()

    def _end(self, *conditions: Any) -> int:
        change = update(sessions).where(_LIVE, *conditions).values(revoked_at=clock_now())
        ended = self._uow.execute(change.returning(_s.id, _s.digest)).all()
        for row in ended:
            forget_session(self._uow, row.id, row.digest)
        return len(ended)
