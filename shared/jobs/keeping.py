"""How long a job's media are kept after its end."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from shared.accounts.repository import retention
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.repository import JobRecord

TRIAL: Final = "trial"
"""The origin of a visitor's job."""
VISITORS: Final = timedelta(hours=24)
"""What is kept for visitors is kept no longer than this."""


def kept(uow: UnitOfWork, job: JobRecord) -> timedelta:
    """As long as the job's account says, and a visitor's for a day at most."""
    ours = retention(uow)
    return min(ours, VISITORS) if job.origin == TRIAL else ours
