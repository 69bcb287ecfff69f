"""What `sweep` does for the ledger: take credits whose time is over, and prove the books once a day."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from shared.core.again import again
from shared.core.metrics import Metric, count
from shared.db.unit_of_work import UnitOfWork
from shared.ledger.proof import prove
from shared.ledger.service import Ledger

_log = logging.getLogger(__name__)

BATCH: Final = 100
# The system role sees of lots those whose time is over, and of balances those that are to be proven.
_LAPSED: Final = """
select account_id from credit_lots where available > 0 and expires_at <= clock_now()
group by account_id order by min(expires_at) limit :limit
"""
_UNPROVEN: Final = """
select account_id from balances where proved_at < clock_now() - interval '1 day'
order by proved_at limit :limit
"""
_PROVEN: Final = "update balances set proved_at = clock_now() where account_id = :account"


class LedgerUpkeep:
    """Runs as the system role; acts on an account only in its own unit of work."""

    def __init__(self, open_uow: Callable[[str | None], UnitOfWork]):
        self._open_uow = open_uow

    def expire(self) -> None:
        """Take what is left of the grants whose time is over."""
        for account in self._accounts(_LAPSED):
            self._alone(account, lambda uow: Ledger(uow).expire())

    def prove(self) -> None:
        """Prove the books that were not proven for a day; what is wrong with them is logged as an error."""
        for account in self._accounts(_UNPROVEN):
            self._alone(account, _prove)

    def _accounts(self, query: str) -> list[str]:
        with self._open_uow(None) as uow:
            return [row.account_id for row in uow.sql(query, limit=BATCH)]

    def _alone(self, account: str, act: Callable[[UnitOfWork], object]) -> None:
        def work() -> None:
            with self._open_uow(account) as uow:
                act(uow)

        try:
            again(work)
        except Exception:
            # One account's trouble must not keep the others waiting; the next round comes to it again.
            _log.exception("an account's ledger could not be kept", extra={"fields": {"account": account}})


def _prove(uow: UnitOfWork) -> None:
    proof = prove(uow)
    uow.sql(_PROVEN, account=uow.account)
    if not proof.proven:
        count(Metric.BOOKS_WRONG, len(proof.findings))
        facts = {"account": uow.account, "findings": [f"{each.what} {each.which}" for each in proof.findings]}
        _log.error("an account's books do not follow from its entries", extra={"fields": facts})
