"""API keys in the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, or_, select

from shared.auth.principal import ADMIN, Principal
from shared.db.models import accounts, api_keys, clock_now, platform_admins
from shared.db.unit_of_work import UnitOfWork


def find_principal(uow: UnitOfWork, digest: bytes) -> Principal | None:
    """The caller whose live key has this hash. The unit of work must present the same hash.

    A key has the scope `admin` only while its account is one of the platform's admins.
    """
    alive = (
        api_keys.c.hash == digest,
        api_keys.c.revoked_at.is_(None),
        or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > clock_now()),
    )
    columns = (api_keys.c.id, api_keys.c.account_id, api_keys.c.scopes)
    row = uow.execute(select(*columns).where(*alive)).first()
    if row is None:
        return None
    uow.act_for(row.account_id)
    account, scopes = account_of(uow), frozenset(row.scopes)
    if ADMIN in scopes and not is_platforms_own(uow):
        scopes -= {ADMIN}
    if account is None:
        return None
    defaults = (account.default_source, tuple(account.default_targets))
    return Principal(row.id, row.account_id, scopes, account.plan, *defaults, key=row.id)


def account_of(uow: UnitOfWork) -> Row[Any] | None:
    """Plan and default languages of the unit of work's account; None as for `plan_of`."""
    columns = (accounts.c.plan, accounts.c.default_source, accounts.c.default_targets)
    return uow.execute(select(*columns).where(accounts.c.deleted_at.is_(None))).one_or_none()


def plan_of(uow: UnitOfWork) -> str | None:
    """The plan of the unit of work's account; None for one that is not there or was closed."""
    return uow.execute(select(accounts.c.plan).where(accounts.c.deleted_at.is_(None))).scalar_one_or_none()


def is_platforms_own(uow: UnitOfWork) -> bool:
    """Whether the unit of work's account is of the platform's own people."""
    return uow.execute(select(platform_admins.c.account_id)).first() is not None


def insert_account(uow: UnitOfWork, account: str, name: str) -> None:
    """Open an account."""
    uow.execute(insert(accounts).values(id=account, name=name))


def insert_key(uow: UnitOfWork, key_id: str, name: str, hint: str, digest: bytes, scopes: list[str]) -> None:
    """Store a key of the unit of work's account by its hash."""
    values = {
        "id": key_id,
        "account_id": uow.account,
        "name": name,
        "hint": hint,
        "hash": digest,
        "scopes": scopes,
    }
    uow.execute(insert(api_keys).values(**values))
