"""API keys in the database, as far as they prove somebody."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, and_, or_, select, update

from shared.auth.principal import ADMIN, Principal
from shared.auth.repository import account_of, is_platforms_own
from shared.cache.redis import cache_key
from shared.db.models import api_keys, clock_now
from shared.db.unit_of_work import UnitOfWork

_k = api_keys.c
_COLUMNS: Final = (
    _k.id, _k.account_id, _k.scopes, _k.rate_limit, _k.expires_at, _k.revoked_at,
    _k.hash, _k.pepper, _k.previous_hash, _k.previous_pepper, _k.previous_until,
)  # fmt: skip
_ALIVE: Final = and_(_k.revoked_at.is_(None), or_(_k.expires_at.is_(None), _k.expires_at > clock_now()))


@dataclass(frozen=True)
class KnownKey:
    """A key that is good, and for how many seconds more it is if nobody revokes it."""

    principal: Principal
    seconds: float = math.inf


@dataclass(frozen=True)
class EndedKey:
    """A key whose secret was good: it was `revoked`, has `expired`, or its secret was `replaced`."""

    id: str
    account: str
    reason: str


def find_key(
    uow: UnitOfWork, digests: Sequence[bytes], mark: bytes | None = None
) -> KnownKey | EndedKey | None:
    """The key that has, or had, one of these hashes, which the unit of work must present, too.

    The first of `digests` is the hash under the newest pepper, whose mark is `mark`: a key that is found by
    another one, or of whose hash it is not known, is from then on kept by the first. After a rotation the
    secret that was replaced is good until its overlap ends.
    """
    which = or_(_k.hash.in_(digests), _k.previous_hash.in_(digests))
    row = uow.execute(select(*_COLUMNS).where(which)).first()
    if row is None:
        return None
    current = bytes(row.hash) in digests
    reason = _ended(row, current, uow.now)
    if reason is not None:
        return EndedKey(row.id, row.account_id, reason)
    known = _known(uow, row, row.expires_at if current else row.previous_until)
    if known is not None and mark is not None:
        _keep_newest(uow, row, "" if current else "previous_", digests[0], mark)
    return known


def find_key_by_id(uow: UnitOfWork, key: str) -> KnownKey | None:
    """The live key of the unit of work's account that has this id."""
    row = uow.execute(select(*_COLUMNS).where(_k.id == key, _ALIVE)).first()
    return None if row is None else _known(uow, row, row.expires_at)


def account_of_key(uow: UnitOfWork, key: str) -> str | None:
    """The account of whatever key has this id; nothing else of it is told."""
    found: str | None = uow.sql("select account_of_key(:key)", key=key).scalar()
    return found


def forget_key(uow: UnitOfWork, row: Any) -> None:
    """After commit, look up anew what a row of `api_keys` proves: by its hashes, and by its id."""
    for digest in (row.hash, row.previous_hash):
        if digest is not None:
            uow.stale(hashed_cache_key(bytes(digest)))
    uow.stale(id_cache_key(uow.account or "", row.id))


def hashed_cache_key(digest: bytes) -> str:
    """Where the cache holds what a key with this hash proves."""
    return cache_key(digest.hex(), "key")


def id_cache_key(account: str, key: str) -> str:
    """Where the cache holds what tokens of an account's key prove."""
    return cache_key(account, "keys", key)


def _ended(row: Row[Any], current: bool, now: datetime) -> str | None:
    """Why a key's secret, its current one or the one before, is not good any more."""
    if row.revoked_at is not None:
        return "revoked"
    if row.expires_at is not None and row.expires_at <= now:
        return "expired"
    return None if current or row.previous_until > now else "replaced"


def _known(uow: UnitOfWork, row: Row[Any], end: datetime | None) -> KnownKey | None:
    """A key has the scope `admin` only while its account is one of the platform's admins."""
    uow.act_for(row.account_id)
    account, scopes = account_of(uow), frozenset(row.scopes)
    if account is None:
        return None
    if ADMIN in scopes and not is_platforms_own(uow):
        scopes -= {ADMIN}
    defaults = (account.default_source, tuple(account.default_targets))
    more = {"key": row.id, "rate": row.rate_limit}
    principal = Principal(row.id, row.account_id, scopes, account.plan, *defaults, **more)
    ends = [at for at in (end, row.expires_at) if at is not None]
    return KnownKey(principal, min(((at - uow.now).total_seconds() for at in ends), default=math.inf))


def _keep_newest(uow: UnitOfWork, row: Row[Any], which: str, newest: bytes, mark: bytes) -> None:
    """Keep a secret by its hash under the newest pepper: one write for a key and pepper.

    The row is found by its hash as it was read, so a rotation at the same time is not undone.
    """
    stored, pepper = getattr(row, f"{which}hash"), getattr(row, f"{which}pepper")
    if bytes(stored) == newest and pepper is not None and bytes(pepper) == mark:
        return
    same = and_(_k.id == row.id, _k[f"{which}hash"] == stored)
    uow.execute(update(api_keys).where(same).values({f"{which}hash": newest, f"{which}pepper": mark}))
