"""Moves from outside, once for each reference: what stands under it must be what was asked for."""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy import select

from shared.auth.errors import AccountNotFound
from shared.db.models import accounts, ledger_transactions
from shared.db.unit_of_work import UnitOfWork
from shared.ledger.entries import entry_of
from shared.ledger.errors import ReferenceReused
from shared.ledger.schemas import Entry, Kind

_log = logging.getLogger(__name__)
_T = ledger_transactions.c


def require_account(uow: UnitOfWork) -> None:
    """Raise `AccountNotFound` unless the unit of work's account is there."""
    if uow.execute(select(accounts.c.id).where(accounts.c.deleted_at.is_(None))).first() is None:
        raise AccountNotFound()


def number_of(uow: UnitOfWork, reference: str, kind: Kind) -> int | None:
    """The number of the account's transaction of this kind and reference."""
    query = select(_T.id).where(_T.account_id == uow.account, _T.reference == reference, _T.kind == kind)
    return uow.execute(query).scalar_one_or_none()


def settled(
    uow: UnitOfWork,
    reference: str,
    kind: Kind,
    credits: int,
    *,
    expires_at: datetime | None = None,
    lot: int | None = None,
) -> Entry:
    """The transaction of a reference, after a move was ordered; raises `ReferenceReused` for another one.

    `credits` are those that were asked for, `lot` is the grant that a refund is of.
    """
    columns = (_T.id, _T.kind, _T.amount, _T.shortfall, _T.expires_at, _T.lot)
    query = select(*columns).where(_T.account_id == uow.account, _T.reference == reference)
    row = uow.execute(query).first()
    asked = (kind.value, credits, expires_at)
    if (
        row is None
        or asked != (row.kind, row.amount + row.shortfall, row.expires_at)
        or lot not in {None, row.lot}
    ):
        _log.warning("a reference came again with other contents", extra={"fields": {"kind": kind.value}})
        raise ReferenceReused()
    return entry_of(uow, row.id)
