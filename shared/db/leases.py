"""Leases with fencing tokens, on the database's clock (Kleppmann, "How to do distributed locking").

A worker may be paused for longer than its lease. Its token then no longer stands in the row, and the
transaction that would record its work refuses.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from shared.core.errors import ImangorError, RetryLater
from shared.db.models import clock_now, leases
from shared.db.unit_of_work import UnitOfWork


class LeaseHeld(RetryLater):
    """Another worker is doing this."""


class LeaseLost(ImangorError):
    """The lease ran out and somebody else took over; this worker's result is not wanted."""

    slug, status, title = "lease-lost", 409, "Lease lost"


@dataclass(frozen=True)
class Lease:
    """The right to do `name` until it expires, proven by `token`. `claims` counts all who had it so far."""

    name: str
    token: int
    claims: int = 1


def acquire(uow: UnitOfWork, name: str, seconds: float) -> Lease:
    """Take the lease, or raise `LeaseHeld` with the time at which it will be free."""
    expires = clock_now() + timedelta(seconds=seconds)
    fresh = {"token": text("nextval('lease_tokens')"), "expires_at": expires}
    again = {**fresh, "claims": leases.c.claims + 1}
    statement = (
        insert(leases)
        .values(name=name, account_id=uow.account, **fresh)
        .on_conflict_do_update(index_elements=["name"], set_=again, where=leases.c.expires_at <= clock_now())
        .returning(leases.c.token, leases.c.claims)
    )
    taken = uow.execute(statement).first()
    if taken is None:
        raise LeaseHeld(uow.execute(select(leases.c.expires_at).where(leases.c.name == name)).scalar_one())
    return Lease(name, taken.token, taken.claims)


def confirm(uow: UnitOfWork, lease: Lease) -> None:
    """Lock the lease's row for the rest of the transaction; raise `LeaseLost` if it is not ours any more."""
    held = (leases.c.name == lease.name) & (leases.c.token == lease.token)
    if (
        uow.execute(
            select(func.count()).select_from(select(leases.c.name).where(held).with_for_update().subquery())
        ).scalar_one()
        == 0
    ):
        raise LeaseLost()


def release(uow: UnitOfWork, lease: Lease) -> None:
    """Let the next worker have it at once."""
    held = (leases.c.name == lease.name) & (leases.c.token == lease.token)
    uow.execute(update(leases).where(held).values(expires_at=clock_now()))
