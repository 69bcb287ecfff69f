"""Closing an account: from then on nobody gets in and nothing is added; then what is under way ends."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from shared.audit.actions import Action
from shared.audit.log import record
from shared.auth.known_keys import forget_key
from shared.auth.people import forget_members
from shared.db.models import api_keys
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.repository import job_cache_key
from shared.ledger.service import Ledger
from shared.privacy.record import Erasures, OpenUnitOfWork

JOBS: Final = 50
_STOP_WEBHOOKS: Final = """
update webhook_endpoints set state = 'disabled', reason = 'requested', deleted_at = clock_now()
where account_id = :account and deleted_at is null
"""
_OPEN_JOBS: Final = """
select id from jobs where account_id = :account and state in ('awaiting_upload', 'queued', 'processing')
order by id limit :limit for update
"""
_OPEN_TARGETS: Final = """
update job_targets set state = 'cancelled', finished_at = clock_now()
where job_id = :job and state in ('pending', 'processing', 'in_review') returning language
"""
_CANCEL: Final = """
update jobs set state = 'cancelled', version = version + 1, updated_at = clock_now(),
  finished_at = clock_now() where id = :job
"""


def close(uow: UnitOfWork, erasure: str, sealed: bytes | None) -> None:
    """Close the unit of work's account; keys and sign-ins work no more when it commits.

    `sealed` is whom to tell when everything is done.
    """
    uow.sql("update accounts set deleted_at = clock_now() where id = :id", id=uow.account)
    for row in uow.execute(select(api_keys.c.id, api_keys.c.hash, api_keys.c.previous_hash)):
        forget_key(uow, row)
    forget_members(uow)
    uow.sql(_STOP_WEBHOOKS, account=uow.account)
    Erasures(uow).change(erasure, closed_at=uow.now, sealed=sealed)
    record(uow, Action.ACCOUNT_CLOSED, erasure)


def stop_jobs(open_uow: OpenUnitOfWork) -> None:
    """Cancel every job that has not ended, without telling anybody, and give back what is held for it.

    A worker that is at one finds it ended when it would record its work, and records nothing.
    """
    stopped = JOBS
    while stopped == JOBS:
        with open_uow() as uow:
            jobs = uow.sql(_OPEN_JOBS, account=uow.account, limit=JOBS).scalars().all()
            for job in jobs:
                targets = uow.sql(_OPEN_TARGETS, job=job).scalars().all()
                Ledger(uow).release(job, list(targets))
                uow.sql(_CANCEL, job=job)
                uow.stale(job_cache_key(str(uow.account), job))
            stopped = len(jobs)


def void_credits(uow: UnitOfWork, erasure: str) -> None:
    """Take back what credits are left, once, so that the books owe the account nothing."""
    ledger = Ledger(uow)
    ledger.expire()
    left = uow.sql("select available from balances where account_id = :a", a=uow.account).scalar()
    if left:
        ledger.adjust(-left, f"erasure:{erasure}", reason="erased", actor="system")
