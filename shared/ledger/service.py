"""Credits in double entry: granted, held for a job's target, then captured or released, each at most once.

A transaction moves an amount between two books of one account: `issued` (what the operator gave out),
`available`, `held`, `spent`. The database keeps the balance, refuses a negative one, and refuses a second
settlement of the same target; here are only the moves.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.exc import DBAPIError

from shared.db.errors import violated
from shared.db.unit_of_work import UnitOfWork
from shared.ledger.errors import InsufficientCredits

_GRANT = """
with t as (
  insert into ledger_transactions (account_id, kind, reference) values (:account, 'grant', :reference)
  on conflict do nothing returning id)
insert into ledger_entries (transaction_id, account_id, book, amount)
select t.id, :account, e.book, e.amount
from t, (values ('issued', -cast(:amount as bigint)), ('available', :amount)) as e (book, amount)
"""
_HOLD = """
with t as (
  insert into ledger_transactions (account_id, kind, job_id, target)
  select :account, 'hold', :job, unnest(cast(:targets as text[])) returning id)
insert into ledger_entries (transaction_id, account_id, book, amount)
select t.id, :account, e.book, e.amount
from t, (values ('available', -cast(:amount as bigint)), ('held', :amount)) as e (book, amount)
"""
_SETTLE = """
with held as (
  select t.target, e.amount from ledger_transactions t
  join ledger_entries e on e.transaction_id = t.id and e.book = 'held'
  where t.kind = 'hold' and t.job_id = :job and t.target = any(cast(:targets as text[]))),
t as (
  insert into ledger_transactions (account_id, kind, job_id, target)
  select :account, :kind, :job, target from held on conflict do nothing returning id, target)
insert into ledger_entries (transaction_id, account_id, book, amount)
select t.id, :account, e.book, e.sign * held.amount
from t join held using (target), (values ('held', -1), (cast(:book as text), 1)) as e (book, sign)
"""


class Ledger:
    """The moves, in the caller's unit of work and under its account."""

    def __init__(self, uow: UnitOfWork):
        self._uow = uow

    def grant(self, amount: int, reference: str) -> None:
        """Give `amount` credits; the same `reference` a second time changes nothing."""
        self._uow.sql(_GRANT, account=self._uow.account, amount=amount, reference=reference)

    def hold(self, job: str, targets: Sequence[str], amount: int) -> None:
        """Set `amount` aside for each target; raises `InsufficientCredits`, and then nothing is held."""
        try:
            self._uow.sql(_HOLD, account=self._uow.account, job=job, targets=list(targets), amount=amount)
        except DBAPIError as error:
            if violated(error, "balance_covers"):
                needed = amount * len(targets)
                raise InsufficientCredits(
                    f"This job needs {needed} credits; the balance is lower."
                ) from error
            raise

    def capture(self, job: str, target: str) -> None:
        """Spend what is held for the target. Nothing happens when it was settled before."""
        self._settle("capture", "spent", job, [target])

    def release(self, job: str, targets: Sequence[str]) -> None:
        """Give back what is held for the targets. Nothing happens for those settled before."""
        self._settle("release", "available", job, targets)

    def _settle(self, kind: str, book: str, job: str, targets: Sequence[str]) -> None:
        self._uow.sql(
            _SETTLE, account=self._uow.account, kind=kind, book=book, job=job, targets=list(targets)
        )
