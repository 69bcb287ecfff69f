"""Credits: what callers read, payments bring and platform admins give."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shared.wiring.request import Request

if TYPE_CHECKING:
    from shared.ledger.credits import Credits
    from shared.ledger.payments import Payments
    from shared.ledger.treasury import Treasury


class LedgerServices(Request):
    """What moves and reads credits."""

    @cached_property
    def credits(self) -> Credits:
        """Credits as callers read them."""
        from shared.ledger.credits import Credits

        return Credits(lambda: self.uow, self.open_for_caller)

    @property
    def payments(self) -> Payments:
        """What a payment provider tells, in the open unit of work."""
        from shared.ledger.payments import Payments

        return Payments(self.uow)

    @cached_property
    def treasury(self) -> Treasury:
        """Every account's credits, as platform admins use them."""
        from shared.ledger.treasury import Treasury

        return Treasury(self.open)
