"""What a payment provider's adapter tells: credits were bought, or money was given back."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shared.audit.actions import Action
from shared.audit.log import record
from shared.db.unit_of_work import UnitOfWork
from shared.ledger.errors import PurchaseNotFound
from shared.ledger.references import number_of, require_account, settled
from shared.ledger.schemas import Entry, Kind, PaymentData, PaymentEvent
from shared.ledger.service import Ledger

PREFIX: Final = "payment:"
"""Of the references of payments, which are unique among all accounts."""
ACTOR: Final = "payments"


class Payments:
    """Books payments, each once, however often and at the same time it is told."""

    def __init__(self, uow: UnitOfWork):
        self._uow = uow

    def receive(self, event: PaymentEvent) -> Entry:
        """Book a message whose signature was checked; told again, it gives what was booked.

        A refund takes back what is left of its purchase, then other credits, and never more than is
        available: what is missing stands as its shortfall. Raises `AccountNotFound`, `PurchaseNotFound`,
        `RefundExceedsPurchase`, and `ReferenceReused` for a known reference with other contents.
        """
        self._uow.act_for(event.data.account)
        require_account(self._uow)
        return self._refund(event.data) if event.type == "refund" else self._purchase(event.data)

    def _purchase(self, bought: PaymentData) -> Entry:
        reference = PREFIX + bought.reference
        expires_at = bought.expires_at
        if Ledger(self._uow).grant(bought.credits, reference, expires_at=expires_at, actor=ACTOR):
            self._record(Action.CREDITS_BOUGHT, reference, bought.credits)
        return settled(self._uow, reference, Kind.GRANT, bought.credits, expires_at=expires_at)

    def _refund(self, refunded: PaymentData) -> Entry:
        reference = PREFIX + refunded.reference
        grant = number_of(self._uow, f"{PREFIX}{refunded.purchase}", Kind.GRANT)
        if grant is None:
            raise PurchaseNotFound()
        if Ledger(self._uow).refund(refunded.credits, reference, grant, actor=ACTOR):
            self._record(Action.CREDITS_REFUNDED, reference, refunded.credits)
        return settled(self._uow, reference, Kind.REFUND, refunded.credits, lot=grant)

    def _record(self, action: Action, reference: str, credits: int) -> None:
        """The message is the payment provider's, and proven to be."""
        who = replace(self._uow.actor, kind="system", id=ACTOR)
        record(self._uow, action, reference, who=who, credits=credits)
