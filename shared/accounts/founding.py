"""Accounts that nobody could ask for yet: the first of a deployment, its platform admin, a developer's."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, insert, text

from shared.audit.actions import Action
from shared.audit.log import record
from shared.auth.api_keys import hint, key_hash, new_key, pepper_mark
from shared.auth.principal import ADMIN, SCOPES
from shared.auth.repository import insert_account, insert_key
from shared.core.ids import new_id
from shared.db.migrate import APP, OWNER
from shared.db.models import platform_admins
from shared.db.unit_of_work import UnitOfWork
from shared.ledger.service import Ledger


@dataclass(frozen=True)
class Founding:
    """What to open; an admin's account is one of the platform's own."""

    name: str
    credits: int = 0
    scopes: tuple[str, ...] = SCOPES
    admin: bool = False


@dataclass(frozen=True)
class Founded:
    """An account's id and its one API key, which is stored only as a hash."""

    account: str
    api_key: str


def found(engine: Engine, pepper: str, order: Founding) -> Founded:
    """Open an account with one key, and credits if it is to have some; all of it or nothing.

    `engine` logs in as the user that migrates, who may take on the tables' roles; no function may. What a
    function would write is written under a function's policies; who is an admin, as the tables' owner.
    """
    account, key = new_id("acc"), new_key("live")
    scopes = [*order.scopes, *([ADMIN] if order.admin and ADMIN not in order.scopes else [])]
    with UnitOfWork(lambda: engine, account) as uow:
        _become(uow, APP)
        insert_account(uow, account, order.name)
        newest = pepper.split()[0]
        known, ident = {"kind": "live", "pepper": pepper_mark(newest)}, new_id("key")
        insert_key(uow, ident, "first", hint(key), key_hash(key, newest), scopes, **known)
        record(uow, Action.ACCOUNT_OPENED, account)
        record(uow, Action.KEY_CREATED, ident, scopes=" ".join(scopes))
        if order.credits:
            Ledger(uow).grant(order.credits, "founding")
        if order.admin:
            _become(uow, OWNER)
            uow.execute(insert(platform_admins).values(account_id=account))
            _become(uow, APP)
        # After the audit log's entries, which come last in a transaction.
        uow.before_commit(lambda: _leave(uow, APP))
    return Founded(account, key)


def _become(uow: UnitOfWork, role: str) -> None:
    """Take a role on until the transaction's end."""
    uow.execute(text("reset role"))
    uow.execute(text(f"grant {role} to current_user"))
    uow.execute(text(f"set local role {role}"))


def _leave(uow: UnitOfWork, role: str) -> None:
    """Be no member of a role after the transaction."""
    uow.execute(text("reset role"))
    uow.execute(text(f"revoke {role} from current_user"))
