"""Idempotency keys: reserved in a short transaction, finished in the one that does the work.

The first attempt inserts the key. A second one finds it finished (and replays the reply), used for another
request, or still in progress; an attempt that died frees the key when its lock runs out, which is longer than
a request may take and than the database keeps an idle transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from shared.core.errors import ImangorError, KeyInProgress, KeyReused
from shared.db.batch import Row
from shared.db.models import clock_now, idempotency_keys
from shared.db.unit_of_work import UnitOfWork

LOCK: Final = timedelta(minutes=2)
LIFETIME: Final = timedelta(hours=48)
_KEY: Final = idempotency_keys.c

_FRESH: Final = {
    "fingerprint": bindparam("p_fingerprint", type_=Text),
    "token": func.gen_random_uuid(),
    "locked_until": clock_now() + LOCK,
    "expires_at": clock_now() + LIFETIME,
    "status": None,
}
_DIED: Final = and_(
    _KEY.status.is_(None), _KEY.locked_until < clock_now(), _KEY.fingerprint == _FRESH["fingerprint"]
)
_RESERVE: Final = (
    insert(idempotency_keys)
    .values(
        account_id=bindparam("p_account"),
        principal=bindparam("p_principal"),
        operation=bindparam("p_operation"),
        key=bindparam("p_key"),
        **_FRESH,
    )
    .on_conflict_do_update(
        index_elements=["principal", "operation", "key"],
        set_=_FRESH,
        where=or_(_DIED, _KEY.expires_at < clock_now()),
    )
    .returning(_KEY.token)
)
_FINISH: Final = (
    update(idempotency_keys)
    .where(
        _KEY.principal == bindparam("p_principal"),
        _KEY.operation == bindparam("p_operation"),
        _KEY.key == bindparam("p_key"),
        _KEY.token == bindparam("p_token"),
    )
    .values(status=bindparam("p_status"), headers=bindparam("p_headers"), body=bindparam("p_body"))
    .returning(_KEY.key)
)


@dataclass(frozen=True)
class Reserved:
    """This attempt owns the key; `token` proves it."""

    operation: str
    key: str
    token: UUID


@dataclass(frozen=True)
class Finished:
    """The reply of the attempt that did the work."""

    status: int
    headers: dict[str, str]
    body: bytes


class IdempotencyKeys:
    """One principal's keys. `open_uow` opens a transaction of its own, `current` is the one of the work."""

    def __init__(self, principal: str, open_uow: Callable[[], UnitOfWork], current: Callable[[], UnitOfWork]):
        self._principal = principal
        self._open_uow = open_uow
        self._current = current

    def reserve(self, operation: str, key: str, fingerprint: str) -> Reserved | Finished:
        """Own the key, or replay. Raises `KeyReused` and `KeyInProgress`."""
        with self._open_uow() as uow:
            request = {"p_operation": operation, "p_key": key, "p_fingerprint": fingerprint}
            parameters = {**request, "p_account": uow.account, "p_principal": self._principal}
            token = uow.execute(_RESERVE, parameters).scalar_one_or_none()
            if token is not None:
                return Reserved(operation, key, token)
            where = self._where(operation, key)
            columns = (_KEY.fingerprint, _KEY.locked_until, _KEY.status, _KEY.headers, _KEY.body)
            row = uow.execute(select(*columns).where(where)).first()
            now = uow.now
        if row is None:
            raise KeyInProgress(retry_after=1)
        if row.fingerprint != fingerprint:
            raise KeyReused()
        if row.status is None:
            left = row.locked_until - now
            # As long again as it has taken so far, and not beyond the end of its lock.
            raise KeyInProgress(retry_after=min(left, LOCK - left).total_seconds())
        return Finished(row.status, dict(row.headers), bytes(row.body))

    def finish(self, reservation: Reserved, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Record the reply in the transaction of the work; refuses when the key passed to another attempt.

        The record waits for the work's other writes, or for the commit, and goes with them in one statement.
        """
        told = {"p_status": status, "p_headers": dict(headers), "p_body": body}
        where = {
            "p_operation": reservation.operation,
            "p_key": reservation.key,
            "p_token": reservation.token,
        }
        parameters = {**told, **where, "p_principal": self._principal}
        self._current().later(_FINISH, parameters, _refuse_lost_keys)

    def abandon(self, reservation: Reserved) -> None:
        """Free the key after a failure, unless its reply was recorded.

        Where a connection broke during the commit, this waits for the transaction that holds the row, and so
        finds out what became of it. A database that is away frees the key by the lock's end.
        """
        unfinished = and_(
            self._where(reservation.operation, reservation.key),
            _KEY.token == reservation.token,
            _KEY.status.is_(None),
        )
        try:
            with self._open_uow() as uow:
                uow.execute(delete(idempotency_keys).where(unfinished))
        except ImangorError:
            return

    def _where(self, operation: str, key: str) -> ColumnElement[bool]:
        return and_(_KEY.principal == self._principal, _KEY.operation == operation, _KEY.key == key)


def _refuse_lost_keys(finished: list[Row]) -> None:
    if not finished:
        raise KeyInProgress(retry_after=1)
