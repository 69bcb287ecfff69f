"""The breaker: an inbox that fills itself is shut before it has cost much.

Somebody who copies results back into an inbox has built a loop, and a loop of functions runs until the money
is gone. So the files that come are counted, under one name and in the whole inbox of an account, accepted and
rejected ones alike; beyond a limit each is rejected. It opens by itself when fewer have come within the last
hour, or minute: a loop that goes on keeps it shut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shared.core.config import BreakerSettings
from shared.core.errors import ImangorError
from shared.db.unit_of_work import UnitOfWork

Scope = Literal["object", "inbox"]
Window = Literal["minute", "hour"]

_CAME = """
select
  (select count(*) from (select from jobs where origin = 'inbox' and source_object = :name
    and created_at > clock_now() - interval '1 hour' limit :object_hour) a) >= :object_hour as object,
  (select count(*) from (select from jobs where origin = 'inbox' and account_id = :account
    and created_at > clock_now() - interval '1 minute' limit :inbox_minute) b) >= :inbox_minute as minute,
  (select count(*) from (select from jobs where origin = 'inbox' and account_id = :account
    and created_at > clock_now() - interval '1 hour' limit :inbox_hour) c) >= :inbox_hour as hour
"""


class BreakerTripped(ImangorError):
    """Too many files came within a short time; this one was not taken."""

    slug, status, title = "breaker-tripped", 429, "Too many files"

    def __init__(self, scope: Scope, period: Window, limit: int) -> None:
        """`scope` is what the files were counted in."""
        where = "under this name" if scope == "object" else "in this inbox"
        super().__init__(f"More than {limit} files came {where} within one {period}; stop what copies them.")
        self.scope, self.period, self.limit = scope, period, limit


@dataclass(frozen=True)
class Breaker:
    """Counts what came into the inbox of the unit of work's account."""

    uow: UnitOfWork
    limits: BreakerSettings

    def check(self, name: str) -> None:
        """Raise `BreakerTripped` where one more file under this object's name is too many.

        Files that come at the same moment do not see each other, so a few more than the limit may pass.
        """
        limits = self.limits
        numbers = {
            "object_hour": limits.breaker_object_hour,
            "inbox_minute": limits.breaker_inbox_minute,
            "inbox_hour": limits.breaker_inbox_hour,
        }
        came = self.uow.sql(_CAME, name=name, account=self.uow.account, **numbers).one()
        if came.object:
            raise BreakerTripped("object", "hour", limits.breaker_object_hour)
        if came.minute:
            raise BreakerTripped("inbox", "minute", limits.breaker_inbox_minute)
        if came.hour:
            raise BreakerTripped("inbox", "hour", limits.breaker_inbox_hour)
