"""What is forgotten of sessions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from shared.db.unit_of_work import UnitOfWork

KEPT: Final = timedelta(days=30)
"""After the end of a session."""


def forget_sessions(open_uow: Callable[[None], UnitOfWork]) -> None:
    """Delete what ended long ago, of everybody; `open_uow` opens a unit of work as the system."""
    with open_uow(None) as uow:
        ended = "least(expires_at, revoked_at) < clock_now() - cast(:kept as interval)"
        uow.sql(f"delete from sessions where {ended}", kept=KEPT)  # noqa: S608 - our own text
