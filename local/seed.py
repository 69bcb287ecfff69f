"""Accounts for development and tests, opened through the same code that stores keys and credits."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import create_engine

from shared.auth.api_keys import hint, key_hash, new_key
from shared.auth.principal import ADMIN, SCOPES
from shared.auth.repository import insert_account, insert_key
from shared.core.ids import new_id
from shared.db.unit_of_work import UnitOfWork
from shared.ledger.service import Ledger

PLENTY = 1_000_000


@dataclass(frozen=True)
class SeededAccount:
    """An account's id and its one API key, which is shown only here."""

    account: str
    api_key: str


def seed(url: str, pepper: str) -> SeededAccount:
    """Open the developer's account. `url` is of a user that no policy stops."""
    return open_account(url, pepper, "Developer")


def appoint(url: str, pepper: str) -> SeededAccount:
    """Open the account of the platform's admin, whose key has no other scope. `url` is as for `seed`."""
    opened = open_account(url, pepper, "Operator", 0, (ADMIN,))
    engine = create_engine(url)
    with UnitOfWork(lambda: engine, opened.account) as uow:
        uow.sql("insert into platform_admins (account_id) values (:account)", account=opened.account)
    engine.dispose()
    return opened


def open_account(
    url: str, pepper: str, name: str, credits: int = PLENTY, scopes: tuple[str, ...] = SCOPES
) -> SeededAccount:
    """Open an account with `credits` and a key that has `scopes`."""
    engine = create_engine(url)
    account, key = new_id("acc"), new_key("test")
    with UnitOfWork(lambda: engine, account) as uow:
        insert_account(uow, account, name)
        insert_key(uow, new_id("key"), "seeded", hint(key), key_hash(key, pepper), list(scopes))
        if credits:
            Ledger(uow).grant(credits, "seed")
    engine.dispose()
    return SeededAccount(account, key)
