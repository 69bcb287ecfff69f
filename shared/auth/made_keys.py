"""API keys by who made them. A key is its account's: it stays when its maker goes, until somebody ends it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

from sqlalchemy import Row, update

from shared.audit.actions import Action
from shared.audit.log import record
from shared.auth.known_keys import forget_key
from shared.db.models import api_keys, clock_now
from shared.db.unit_of_work import UnitOfWork

# A key that may make keys may have made some, too. The system's role sees the keys of all accounts.
_MADE: Final = """
with recursive made as (
  select id from api_keys where created_by = :maker and account_id = :account
  union select k.id from api_keys k join made on k.created_by = made.id and k.account_id = :account
)
select id, scopes, hash, previous_hash from api_keys
where id in (select id from made) and revoked_at is null
  and (expires_at is null or expires_at > clock_now())
order by created_at, id
"""


def keys_made_by(uow: UnitOfWork, maker: str, beyond: Collection[str] = ()) -> list[Row[Any]]:
    """The good keys of the account that somebody made, or keys that they made: those that may do more than
    `beyond`.
    """
    return [
        row for row in uow.sql(_MADE, maker=maker, account=uow.account) if not set(row.scopes) <= set(beyond)
    ]


def revoke_keys(uow: UnitOfWork, keys: Iterable[Row[Any]], reason: str) -> None:
    """End keys, and with them the tokens that were got by them."""
    for row in keys:
        change = update(api_keys).where(api_keys.c.id == row.id, api_keys.c.revoked_at.is_(None))
        uow.execute(change.values(revoked_at=clock_now(), version=api_keys.c.version + 1))
        forget_key(uow, row)
        record(uow, Action.KEY_REVOKED, row.id, reason=reason)
