"""Credits in double entry: granted, held for a job's target, then captured or released, each at most once.

A transaction moves an amount between books of one account: `issued` (what the operator gave out),
`available`, `held`, `spent`, `expired`. Every entry also names its lot, the grant that the credits came with;
what expires soonest is used first, and what is given back goes back to its lot. The caller orders a move by
a row of `ledger_transactions`; the database locks the balance, chooses the lots, writes the entries, and
refuses what the credits do not cover and a second settlement of a target. Here are only the orders.

Locks: a caller that moves credits of an existing job holds the job's row; the balance row comes after it and
is the ledger's only lock, so moves of one account wait for each other and never deadlock.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.exc import DBAPIError

from shared.core.errors import ImangorError
from shared.db.errors import diagnostics, violated
from shared.db.unit_of_work import UnitOfWork
from shared.ledger.errors import (
    CaptureExceedsHold,
    InsufficientCredits,
    NothingHeld,
    RefundExceedsPurchase,
    SpendLimitReached,
)

_ONCE = """
insert into ledger_transactions (account_id, kind, amount, reference, {columns})
values (:account, :kind, :amount, :reference, {values}) on conflict do nothing returning id
"""
_HOLD = """
insert into ledger_transactions (account_id, kind, job_id, target, amount)
select :account, 'hold', :job, unnest(cast(:targets as text[])), :amount
"""
_SETTLE = """
insert into ledger_transactions (account_id, kind, job_id, target, amount, reason)
select :account, :kind, job_id, target, cast(:amount as bigint), :reason from ledger_transactions
where kind = 'hold' and job_id = :job and target = any(cast(:targets as text[])) order by target
on conflict do nothing
"""
_REFUSALS: Final[dict[str, type[ImangorError]]] = {
    "IM003": CaptureExceedsHold,
    "IM004": NothingHeld,
    "IM005": RefundExceedsPurchase,
}


class Ledger:
    """The moves, in the caller's unit of work and under its account."""

    def __init__(self, uow: UnitOfWork):
        self._uow = uow

    def grant(
        self,
        amount: int,
        reference: str,
        *,
        expires_at: datetime | None = None,
        reason: str | None = None,
        actor: str | None = None,
    ) -> bool:
        """Give `amount` credits, which expire at `expires_at` if that is given.

        False, and nothing is changed, when the account's ledger has the `reference` already.
        """
        return self._once("grant", amount, reference, expires_at=expires_at, reason=reason, actor=actor)

    def hold(self, job: str, targets: Sequence[str], amount: int) -> None:
        """Set `amount` aside for each target; raises `InsufficientCredits`, and then nothing is held."""
        needed = amount * len(targets)
        self._run(_HOLD, needed, job=job, targets=list(targets), amount=amount)

    def extend(self, job: str, target: str, amount: int, reference: str) -> bool:
        """Hold `amount` more for a target that is held, once for each `reference` of the target.

        False, and nothing is changed, when that was done before. Raises `InsufficientCredits`, and
        `NothingHeld` for a target that was settled or never held.
        """
        once = f"extension:{job}:{target}:{reference}"
        return self._once("extension", amount, once, job_id=job, target=target)

    def capture(self, job: str, target: str, amount: int | None = None, reason: str | None = None) -> None:
        """Spend `amount` of what is held for the target, all without one, and give the rest back.

        Nothing happens when the target was settled before or never held. Raises `CaptureExceedsHold`.
        """
        self._settle("capture", job, [target], amount, reason)

    def release(self, job: str, targets: Sequence[str]) -> None:
        """Give back what is held for the targets. Nothing happens for those settled before."""
        self._settle("release", job, targets, None, None)

    def adjust(self, amount: int, reference: str, *, reason: str, actor: str) -> bool:
        """Correct the balance by `amount`, which may be negative; what is held is not touched.

        False, and nothing is changed, when the account's ledger has the `reference` already. Raises
        `InsufficientCredits` for more than is available.
        """
        return self._once("adjustment", amount, reference, reason=reason, actor=actor)

    def refund(self, amount: int, reference: str, grant: int, *, actor: str | None = None) -> bool:
        """Take back `amount` of what was bought by a `grant`, its lot first, then what expires soonest.

        Never takes more than is available: what is missing stands in the transaction as its shortfall and is
        not collected later. False when the reference is there already; raises `RefundExceedsPurchase`.
        """
        return self._once("refund", amount, reference, lot=grant, actor=actor)

    def expire(self) -> int:
        """Take what is left of the grants whose time is over; the credits that expired."""
        statement = "select expire_lots(:account)"
        return int(self._uow.sql(statement, account=self._uow.account).scalar_one())

    def _once(self, kind: str, amount: int, reference: str, **columns: object) -> bool:
        """Insert a transaction unless its reference is there; tell whether it was inserted."""
        values = ", ".join(f":{name}" for name in columns)
        statement = _ONCE.format(columns=", ".join(columns), values=values)
        done = self._run(statement, abs(amount), kind=kind, amount=amount, reference=reference, **columns)
        return done.first() is not None

    def _settle(
        self, kind: str, job: str, targets: Sequence[str], amount: int | None, reason: str | None
    ) -> None:
        order = {"kind": kind, "job": job, "targets": list(targets), "amount": amount, "reason": reason}
        self._run(_SETTLE, 0, **order)

    def _run(self, statement: str, needed: int, **parameters: object) -> Any:
        try:
            return self._uow.sql(statement, account=self._uow.account, **parameters)
        except DBAPIError as error:
            if violated(error, "balance_covers"):
                raise InsufficientCredits(f"This needs {needed} credits; fewer are available.") from error
            if diagnostics(error).get("C") == "IM020":
                raise SpendLimitReached(**json.loads(diagnostics(error)["D"])) from error
            refusal = _REFUSALS.get(diagnostics(error).get("C", ""))
            if refusal is not None:
                raise refusal() from error
            raise
