"""The account's own row: its settings and limits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from shared.accounts.schemas import Location
from shared.auth.known_keys import forget_key
from shared.auth.people import forget_members
from shared.db.models import accounts, api_keys
from shared.db.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class AccountRecord:
    """A row of `accounts`."""

    id: str
    name: str
    plan: str
    location: Location
    daily_limit: int | None
    monthly_limit: int | None
    retention_days: int
    default_source: str | None
    default_targets: list[str]
    version: int
    created_at: datetime


_COLUMNS = tuple(accounts.c[name] for name in AccountRecord.__dataclass_fields__)


class AccountRepository:
    """Reads and changes the account of the unit of work."""

    def __init__(self, uow: UnitOfWork):
        self._uow = uow

    def get(self, *, lock: bool = False) -> AccountRecord:
        """The account; with `lock`, nobody else changes it until this transaction ends; jobs still come."""
        statement = select(*_COLUMNS).where(accounts.c.id == self._uow.account)
        row = self._uow.execute(statement.with_for_update(key_share=True) if lock else statement).one()
        return AccountRecord(**row._mapping)

    def change(self, **values: Any) -> None:
        """Change settings. Principals that are cached know the old defaults and are forgotten."""
        more = {"version": accounts.c.version + 1}
        self._uow.execute(update(accounts).where(accounts.c.id == self._uow.account).values(**values, **more))
        for row in self._uow.execute(select(api_keys.c.id, api_keys.c.hash, api_keys.c.previous_hash)):
            forget_key(self._uow, row)
        forget_members(self._uow)

    def limit_key(self, key: str, daily: int | None, monthly: int | None) -> None:
        """Set a key's limits."""
        values = {"daily_limit": daily, "monthly_limit": monthly}
        self._uow.execute(update(api_keys).where(api_keys.c.id == key).values(**values))

    def key_kind(self, key: str) -> str | None:
        """Whether a key is `live` or `test`, if there is such a key."""
        return self._uow.execute(select(api_keys.c.kind).where(api_keys.c.id == key)).scalar()

    def key_limits(self, key: str) -> tuple[int | None, int | None] | None:
        """A key's limits, of a day and of a month."""
        columns = (api_keys.c.daily_limit, api_keys.c.monthly_limit)
        row = self._uow.execute(select(*columns).where(api_keys.c.id == key)).first()
        return None if row is None else (row.daily_limit, row.monthly_limit)

    def spent(self, key: str | None = None) -> tuple[int, int]:
        """What was spent today and in this month (UTC), by everybody or by one key."""
        row = self._uow.sql(_SPENT, account=self._uow.account, key=key).one()
        return int(row.today), int(row.month)


_SPENT = """
select coalesce(sum(credits) filter (where spending.day = today.day), 0) as today,
  coalesce(sum(credits), 0) as month
from spending, (select (clock_now() at time zone 'UTC')::date as day) today
where account_id = :account and (cast(:key as text) is null or spender = :key)
  and spending.day between date_trunc('month', today.day)::date and today.day
"""


def retention(uow: UnitOfWork) -> timedelta:
    """How long the account's files are kept after a job's end."""
    days: int = uow.execute(
        select(accounts.c.retention_days).where(accounts.c.id == uow.account)
    ).scalar_one()
    return timedelta(days=days)
