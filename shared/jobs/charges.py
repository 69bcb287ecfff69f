"""What a job's targets cost, by the prices that the job was accepted with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from shared.db.unit_of_work import UnitOfWork
from shared.jobs.repository import JobRecord
from shared.ledger import prices
from shared.ledger.service import Ledger

UNREAD_PAGES: Final = 1
"""The pages that a picture counts as before it was read."""


def hold_credits(uow: UnitOfWork, job: JobRecord, targets: Sequence[str]) -> None:
    """Set the credits of each target aside; raises `InsufficientCredits`."""
    credits = prices.version(job.price_version).cost("picture", UNREAD_PAGES)
    Ledger(uow).hold(job.id, targets, credits)
