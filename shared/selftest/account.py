"""The account of self-tests: nobody has a key of it, and its credits are given as they are spent."""

from __future__ import annotations

from typing import Final

from sqlalchemy import update

from shared.audit.actions import Action
from shared.audit.log import record
from shared.auth.principal import Principal
from shared.auth.repository import insert_account, plan_of
from shared.db.models import accounts
from shared.db.unit_of_work import UnitOfWork
from shared.ledger import prices
from shared.ledger.service import Ledger

ACCOUNT: Final = "acc_000000000000000000se1ftest"
SENDER: Final = Principal("selftest", ACCOUNT, frozenset())
RETENTION_DAYS: Final = 1
_AVAILABLE: Final = "select coalesce(sum(available), 0) from balances"


def provide(uow: UnitOfWork, test: str) -> None:
    """Open the account where it is not there, and let it have what the card costs."""
    if plan_of(uow) is None:
        insert_account(uow, ACCOUNT, "Self-test")
        uow.execute(update(accounts).where(accounts.c.id == ACCOUNT).values(retention_days=RETENTION_DAYS))
        record(uow, Action.ACCOUNT_OPENED, ACCOUNT)
    needed = prices.current().cost("picture", 1)
    if uow.sql(_AVAILABLE).scalar_one() < needed:
        Ledger(uow).grant(needed, f"selftest:{test}", reason="selftest")
