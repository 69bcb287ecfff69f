"""API keys in the database."""

from __future__ import annotations

from sqlalchemy import insert, or_, select

from shared.auth.principal import Principal
from shared.db.models import accounts, api_keys, clock_now
from shared.db.unit_of_work import UnitOfWork


def find_principal(uow: UnitOfWork, digest: bytes) -> Principal | None:
    """The caller whose live key has this hash. The unit of work must present the same hash."""
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
    plan = plan_of(uow)
    return None if plan is None else Principal(row.id, row.account_id, frozenset(row.scopes), plan)


def plan_of(uow: UnitOfWork) -> str | None:
    """The plan of the unit of work's account; None for one that is not there or was closed."""
    return uow.execute(select(accounts.c.plan).where(accounts.c.deleted_at.is_(None))).scalar_one_or_none()


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
