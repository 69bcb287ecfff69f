"""What owners do with API keys. Nobody gets by a key what they could not do themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

from shared.accounts.schemas import SpendLimits
from shared.audit.actions import Action
from shared.audit.log import record
from shared.auth.api_keys import hint, key_hash, new_key, pepper_mark
from shared.auth.principal import Principal
from shared.core.config import KeySettings
from shared.core.cursors import read_cursor, write_cursor
from shared.core.errors import FieldError, InvalidInput
from shared.core.ids import new_id
from shared.db.models import clock_now
from shared.db.unit_of_work import UnitOfWork
from shared.keys.errors import KeyChanged, KeyEnded, MakerLimited, ScopesExceeded, TooManyKeys
from shared.keys.repository import KeyRecord, Keys
from shared.keys.schemas import (
    MOST_KEYS,
    ChangeKey,
    CreateKey,
    Key,
    KeyFilter,
    KeyPage,
    KeyWithSecret,
    Kind,
    Replaced,
    RotateKey,
)

_NOTHING = SpendLimits(daily=0, monthly=0)


class KeyService:
    """The operations. `current` gives the request's unit of work."""

    def __init__(self, current: Callable[[], UnitOfWork]):
        self._current = current

    def create(self, maker: Principal, order: CreateKey) -> KeyWithSecret:
        """Make a key. Raises `ScopesExceeded`, `MakerLimited`, `TooManyKeys`, `InvalidInput`."""
        uow = self._current()
        keys, ident, secret = Keys(uow), new_id("key"), new_key(order.kind)
        if order.expires_at is not None and order.expires_at <= uow.now:
            raise InvalidInput(errors=[FieldError("/expires_at", "past", "A key expires in the future.")])
        if not maker.scopes.issuperset(order.scopes):
            raise ScopesExceeded()
        _refuse_limited(keys, maker)
        keys.lock_account()
        if keys.live() >= MOST_KEYS:
            raise TooManyKeys()
        limits = _NOTHING if order.kind == "test" else order.limits
        digest, mark = _kept(secret)
        more: dict[str, Any] = {
            "kind": order.kind,
            "created_by": maker.id,
            "pepper": mark,
            **_columns(limits),
        }
        more |= {"expires_at": order.expires_at, "rate_limit": order.rate_limit}
        scopes = sorted(set(order.scopes))
        keys.add(ident, order.name, hint(secret), digest, scopes, **more)
        record(uow, Action.KEY_CREATED, ident, kind=order.kind, scopes=" ".join(scopes))
        return _with_secret(keys.get(ident), secret, uow.now)

    def page(self, query: KeyFilter) -> KeyPage:
        """Some of the keys, newest first."""
        uow = self._current()
        after = None if query.cursor is None else read_cursor(query.cursor, "key")
        records = Keys(uow).page(query.limit + 1, after, query.active, query.created_by)
        shown = records[: query.limit]
        last = shown[-1] if len(records) > query.limit else None
        return KeyPage(
            keys=[_shown(record, uow.now) for record in shown],
            next_cursor=None if last is None else write_cursor((last.created_at, last.id)),
        )

    def get(self, key: str) -> Key:
        """One key. Raises `KeyNotFound`."""
        return _shown(Keys(self._current()).get(key), self._current().now)

    def change(self, changer: Principal, key: str, change: ChangeKey, if_match: str | None) -> Key:
        """Change a key's name or limits. Raises `KeyNotFound`, `KeyChanged`, `KeyEnded`, `MakerLimited`."""
        keys, stored = self._lock(key, if_match)
        values: dict[str, Any] = {name: getattr(change, name) for name in change.model_fields_set}
        if values.keys() & {"rate_limit", "limits"}:
            _refuse_limited(keys, changer)
        if "limits" in values:
            if stored.kind == "test":
                raise InvalidInput(errors=[FieldError("/limits", "test-key", "A test key spends nothing.")])
            values |= _columns(values.pop("limits"))
        if not values:
            return _shown(stored, self._current().now)
        changed = keys.change(stored, **values)
        record(self._current(), Action.KEY_CHANGED, key, changed=" ".join(sorted(values)))
        return _shown(changed, self._current().now)

    def rotate(self, rotator: Principal, key: str, order: RotateKey) -> KeyWithSecret:
        """Give a key another secret. Raises `KeyNotFound`, `KeyEnded`, `ScopesExceeded`, `MakerLimited`."""
        keys, stored = self._lock(key, None)
        if not rotator.scopes.issuperset(stored.scopes):
            raise ScopesExceeded()
        if rotator.key != key:
            _refuse_limited(keys, rotator)
        secret = new_key(cast("Kind", stored.kind))
        digest, mark = _kept(secret)
        stored = keys.replace(stored, digest, mark, hint(secret), timedelta(hours=order.overlap_hours))
        record(self._current(), Action.KEY_ROTATED, key, overlap_hours=order.overlap_hours)
        return _with_secret(stored, secret, self._current().now)

    def revoke(self, key: str) -> None:
        """End a key, and with it the tokens that were got by it. Raises `KeyNotFound`."""
        keys = Keys(self._current())
        stored = keys.get(key, lock=True)
        if stored.revoked_at is None:
            keys.change(stored, revoked_at=clock_now())
            record(self._current(), Action.KEY_REVOKED, key)

    def _lock(self, key: str, if_match: str | None) -> tuple[Keys, KeyRecord]:
        uow = self._current()
        keys = Keys(uow)
        stored = keys.get(key, lock=True)
        if if_match not in (None, "*", str(stored.version)):
            raise KeyChanged()
        if stored.revoked_at is not None or (stored.expires_at is not None and stored.expires_at <= uow.now):
            raise KeyEnded()
        return keys, stored


def _refuse_limited(keys: Keys, maker: Principal) -> None:
    """Without this a limited key would make one without its limits."""
    if maker.key is not None and keys.get(maker.key).limited:
        raise MakerLimited()


def _kept(secret: str) -> tuple[bytes, bytes]:
    """What is stored of a secret: its hash under the newest pepper, and that pepper's mark."""
    newest = KeySettings.load().peppers[0]
    return key_hash(secret, newest), pepper_mark(newest)


def _columns(limits: SpendLimits | None) -> dict[str, int | None]:
    limits = limits or SpendLimits(daily=None, monthly=None)
    return {"daily_limit": limits.daily, "monthly_limit": limits.monthly}


def _shown(record: KeyRecord, now: datetime) -> Key:
    return Key(**_facts(record, now))


def _with_secret(record: KeyRecord, secret: str, now: datetime) -> KeyWithSecret:
    return KeyWithSecret(**_facts(record, now), secret=secret)


def _facts(record: KeyRecord, now: datetime) -> dict[str, Any]:
    same = {name: getattr(record, name) for name in Key.model_fields if hasattr(record, name)}
    limits = SpendLimits(daily=record.daily_limit, monthly=record.monthly_limit)
    replaced = None
    if record.previous_until is not None and record.previous_until > now:
        replaced = Replaced(hint=record.previous_hint or "", expires_at=record.previous_until)
    return {**same, "limits": limits, "replaced": replaced}
