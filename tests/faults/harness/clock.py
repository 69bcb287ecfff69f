"""The database's clock, which decides on leases and deadlines: moved, so that nothing must sleep."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

_DEFINITION = """create or replace function clock_now() returns timestamptz language sql stable
  as $$ select statement_timestamp() + interval '{seconds} seconds' $$"""

Sql = Callable[..., list[list[Any]]]


class DatabaseClock:
    """How far the database's clock is ahead of the time."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._ahead = 0.0

    def now(self) -> datetime:
        """What the database takes for the time."""
        return self._sql("select clock_now()")[0][0]

    def pass_by(self, seconds: float) -> None:
        """Let so many seconds pass at once."""
        self._ahead += max(0.0, seconds)
        self._sql(_DEFINITION.format(seconds=self._ahead))

    def pass_until(self, moment: datetime) -> None:
        """Let the time pass until a second after `moment`; nothing when that is over."""
        left = (moment - self.now()).total_seconds()
        if left > -1:
            self.pass_by(left + 1)

    def set_right(self) -> None:
        """Show the time again."""
        self._ahead = 0.0
        self._sql(_DEFINITION.format(seconds=0))
