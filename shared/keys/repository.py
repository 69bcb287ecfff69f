"""The account's keys in the database."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_, update

from shared.accounts.errors import KeyNotFound
from shared.auth.known_keys import forget_key
from shared.auth.repository import insert_key
from shared.core.cursors import Place
from shared.db.models import api_keys, clock_now
from shared.db.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class KeyRecord:
    """A row of `api_keys`; hashes are for finding what the cache holds."""

    id: str
    name: str
    kind: str
    hint: str
    scopes: list[str]
    hash: bytes
    previous_hash: bytes | None
    previous_hint: str | None
    previous_until: datetime | None
    created_at: datetime
    created_by: str | None
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    rate_limit: int | None
    daily_limit: int | None
    monthly_limit: int | None
    version: int

    @property
    def limited(self) -> bool:
        """Whether it may do less than its scopes say: in credits, in rate, or in time."""
        limits = (self.expires_at, self.rate_limit, self.daily_limit, self.monthly_limit)
        return any(limit is not None for limit in limits)


_k = api_keys.c
_COLUMNS: Final = tuple(_k[field.name] for field in fields(KeyRecord))
_LIVE: Final = and_(_k.revoked_at.is_(None), or_(_k.expires_at.is_(None), _k.expires_at > clock_now()))


class Keys:
    """Those of the unit of work's account."""

    def __init__(self, uow: UnitOfWork):
        self._uow = uow

    def get(self, key: str, *, lock: bool = False) -> KeyRecord:
        """The key; with `lock`, nobody else changes it before this transaction ends. Raises `KeyNotFound`."""
        statement = select(*_COLUMNS).where(_k.id == key)
        row = self._uow.execute(statement.with_for_update(key_share=True) if lock else statement).first()
        if row is None:
            raise KeyNotFound()
        return KeyRecord(**row._mapping)

    def page(self, limit: int, after: Place | None, active: bool, maker: str | None) -> list[KeyRecord]:
        """Keys, newest first, those after a place; those that somebody made, where it is asked for."""
        wanted: list[ColumnElement[bool]] = [_LIVE] if active else []
        wanted += [_k.created_by == maker] if maker else []
        wanted += [tuple_(_k.created_at, _k.id) < tuple_(*after)] if after else []
        statement = select(*_COLUMNS).where(*wanted).order_by(_k.created_at.desc(), _k.id.desc())
        return [KeyRecord(**row._mapping) for row in self._uow.execute(statement.limit(limit))]

    def lock_account(self) -> None:
        """Let nobody else add a key to the account before this transaction ends."""
        self._uow.sql("select id from accounts for no key update")

    def live(self) -> int:
        """How many keys are good."""
        found: int = self._uow.execute(select(func.count()).where(_LIVE).select_from(api_keys)).scalar_one()
        return found

    def add(self, key: str, name: str, hint: str, digest: bytes, scopes: list[str], **more: Any) -> None:
        """Keep a new key by its hash."""
        insert_key(self._uow, key, name, hint, digest, scopes, **more)

    def change(self, record: KeyRecord, **values: Any) -> KeyRecord:
        """Change a key. What is remembered of it anywhere is forgotten with the commit."""
        statement = update(api_keys).where(_k.id == record.id).values(**values, version=_k.version + 1)
        row = self._uow.execute(statement.returning(*_COLUMNS)).one()
        forget_key(self._uow, record)
        forget_key(self._uow, row)
        return KeyRecord(**row._mapping)

    def replace(
        self, record: KeyRecord, digest: bytes, mark: bytes, hint: str, overlap: timedelta
    ) -> KeyRecord:
        """Give a key another secret; the one it had is good for `overlap` more, the one before no more."""
        before = {
            "previous_hash": _k.hash,
            "previous_pepper": _k.pepper,
            "previous_hint": _k.hint,
            "previous_until": clock_now() + overlap,
        }
        return self.change(record, **before, hash=digest, pepper=mark, hint=hint)
