"""Accounts and their plans, as far as it matters who calls; new accounts and keys."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select

from shared.db.models import accounts, api_keys, platform_admins
from shared.db.unit_of_work import UnitOfWork


def account_of(uow: UnitOfWork) -> Row[Any] | None:
    """Plan and default languages of the unit of work's account; None as for `plan_of`."""
    columns = (accounts.c.plan, accounts.c.default_source, accounts.c.default_targets)
    return uow.execute(select(*columns).where(accounts.c.deleted_at.is_(None))).one_or_none()


def plan_of(uow: UnitOfWork) -> str | None:
    """The plan of the unit of work's account; None for one that is not there or was closed."""
    return uow.execute(select(accounts.c.plan).where(accounts.c.deleted_at.is_(None))).scalar_one_or_none()


def was_closed(uow: UnitOfWork) -> bool:
    """Whether the unit of work's account was there and was closed."""
    closed = select(accounts.c.id).where(accounts.c.deleted_at.is_not(None))
    return uow.execute(closed).first() is not None


def is_platforms_own(uow: UnitOfWork) -> bool:
    """Whether the unit of work's account is of the platform's own people."""
    return uow.execute(select(platform_admins.c.account_id)).first() is not None


def insert_account(uow: UnitOfWork, account: str, name: str) -> None:
    """Open an account."""
    uow.execute(insert(accounts).values(id=account, name=name))


def insert_key(
    uow: UnitOfWork, key_id: str, name: str, hint: str, digest: bytes, scopes: list[str], **more: Any
) -> None:
    """Store a key of the unit of work's account by its hash; `more` are further columns."""
    values = {
        "id": key_id,
        "account_id": uow.account,
        "name": name,
        "hint": hint,
        "hash": digest,
        "scopes": scopes,
        **more,
    }
    uow.execute(insert(api_keys).values(**values))
