"""The credits of all accounts, as the platform's admins grant, correct and prove them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from shared.audit.actions import Action
from shared.audit.log import record
from shared.auth.principal import Principal
from shared.db.unit_of_work import UnitOfWork
from shared.ledger.errors import AdjustmentExceedsBalance, InsufficientCredits
from shared.ledger.proof import prove
from shared.ledger.references import require_account, settled
from shared.ledger.schemas import CreateAdjustment, CreateGrant, Entry, Kind, Proof
from shared.ledger.service import Ledger

PREFIX: Final = "admin:"


class Treasury:
    """The operations, each in a unit of work of the account that it is about."""

    def __init__(self, open_uow: Callable[[str], UnitOfWork]):
        """`open_uow` opens a unit of work under an account."""
        self._open_uow = open_uow

    def grant(self, admin: Principal, account: str, reference: str, order: CreateGrant) -> Entry:
        """Give credits, once for each reference; raises `AccountNotFound` and `ReferenceReused`."""
        once, expires_at = PREFIX + reference, order.expires_at
        with self._open_uow(account) as uow:
            require_account(uow)
            told = {"reason": order.reason, "actor": admin.id}
            if Ledger(uow).grant(order.credits, once, expires_at=expires_at, **told):
                record(uow, Action.CREDITS_GRANTED, once, credits=order.credits)
            return settled(uow, once, Kind.GRANT, order.credits, expires_at=expires_at)

    def adjust(self, admin: Principal, account: str, reference: str, order: CreateAdjustment) -> Entry:
        """Correct a balance, once for each reference.

        Raises `AccountNotFound`, `ReferenceReused`, and `AdjustmentExceedsBalance`.
        """
        once = PREFIX + reference
        with self._open_uow(account) as uow:
            require_account(uow)
            try:
                if Ledger(uow).adjust(order.credits, once, reason=order.reason, actor=admin.id):
                    record(uow, Action.CREDITS_ADJUSTED, once, credits=order.credits)
            except InsufficientCredits as error:
                raise AdjustmentExceedsBalance() from error
            return settled(uow, once, Kind.ADJUSTMENT, order.credits)

    def proof(self, account: str) -> Proof:
        """Whether the books of an account are right; raises `AccountNotFound`."""
        with self._open_uow(account) as uow:
            require_account(uow)
            return prove(uow)
