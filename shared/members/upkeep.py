"""What is forgotten of invitations and e-mails, since addresses are personal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from shared.db.unit_of_work import UnitOfWork

KEPT: Final = timedelta(days=30)
"""After the end of an invitation, or of an e-mail that holds nothing any more."""


def forget_ended(open_uow: Callable[[None], UnitOfWork]) -> None:
    """Delete what ended long ago, of all accounts; `open_uow` opens a unit of work as the system."""
    with open_uow(None) as uow:
        uow.sql("delete from invitations where expires_at < clock_now() - cast(:kept as interval)", kept=KEPT)
        uow.sql("delete from emails where finished_at < clock_now() - cast(:kept as interval)", kept=KEPT)
