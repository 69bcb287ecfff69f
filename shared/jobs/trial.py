"""The trial: whether a visitor's picture is taken, by what it is and by how many came before it today.

Two counts must both have room, and days are those of UTC. Of one network in Redis: this keeps one visitor
from having it all, and without Redis nobody gets anything. Of all visitors in the database, in the
transaction that accepts the job: this is what the operator gives away, and it is exact. What the account of
the trial may spend holds besides.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from shared.audit.actions import Action
from shared.cache.day_quota import DayQuota
from shared.cache.errors import CacheUnavailable
from shared.core.addresses import network_of
from shared.core.config import Misconfigured, TrialSettings
from shared.core.credentials import Credentials
from shared.core.errors import TransientError
from shared.core.metrics import Metric, count
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.errors import BeyondTrial, TrialDayUsedUp, TrialUsedUp
from shared.jobs.uploads import check_picture

if TYPE_CHECKING:
    from shared.jobs.schemas import CreateJob
    from shared.jobs.service import File

NETWORK: Final = {4: 24, 6: 56}
"""Bits of an address that all of one household or office share, roughly."""

_QUOTA, _TOLD = "trial", "trial-told"
_LOOK: Final = """
select coalesce((select pictures from trial_days
  where account_id = a.id and day = (clock_now() at time zone 'UTC')::date), 0) as pictures
from accounts a where a.id = :account and a.deleted_at is null
"""
# The row's lock makes those who reach for the day's last picture wait for each other.
_TAKE: Final = """
insert into trial_days as t (account_id, day, pictures)
  values (:account, (clock_now() at time zone 'UTC')::date, 1)
on conflict (account_id, day) do update set pictures = t.pictures + 1 where t.pictures < :most
returning pictures
"""


class Trial:
    """What a visitor who calls now may have."""

    def __init__(
        self,
        current: Callable[[], UnitOfWork],
        open_uow: Callable[[], UnitOfWork],
        quota: DayQuota,
        credentials: Credentials,
        tell: Callable[[Action, str], None],
    ):
        """`current` gives the request's unit of work, `open_uow` a new one for the trial's account. `tell`
        records a security event, and what it is about.
        """
        self._current = current
        self._open_uow = open_uow
        self._quota = quota
        self._network = network_of(credentials.address, NETWORK) or credentials.address
        self._tell = tell
        self._settings = TrialSettings.load()

    def admit(self, order: CreateJob, file: File | None) -> None:
        """Take one picture of both counts, to be given back when the request's work is undone.

        Raises `BeyondTrial`, what is wrong with the picture, `TrialUsedUp`, `TrialDayUsedUp`, and
        `TransientError` where it cannot be counted.
        """
        self._check(order, file)
        now = self._look()
        self._take_of_network(now)
        uow = self._current()
        uow.before_commit(lambda: self._take_of_day(uow))
        uow.after_commit(lambda: count(Metric.TRIAL, outcome="accepted"))

    def _check(self, order: CreateJob, file: File | None) -> None:
        most, pixels = self._settings.trial_bytes, self._settings.trial_pixels
        if file is None or order.quote or order.formats or len(order.targets) > 1:
            raise BeyondTrial("A trial takes a picture that comes with the call, into one language.")
        data = file.data()
        if len(data) > most:
            raise BeyondTrial(f"A trial takes pictures of at most {most} bytes.")
        sizes = check_picture(data).sizes
        if len(sizes) > 1 or sizes[0][0] * sizes[0][1] > pixels:
            raise BeyondTrial(f"A trial takes pictures of one page and at most {pixels} pixels.")

    def _look(self) -> datetime:
        """The time, where the day has room: so that nothing is stored for those who come too late."""
        with self._open_uow() as uow:
            now = uow.now
            row = uow.sql(_LOOK, account=uow.account).one_or_none()
        if row is None:
            raise Misconfigured("TRIAL_ACCOUNT names no open account.")
        if row.pictures >= self._settings.trial_pictures:
            self._tell_of_day(now)
            raise TrialDayUsedUp(retry_after=_left(now))
        return now

    def _take_of_network(self, now: datetime) -> None:
        most, day = self._settings.trial_network_pictures, now.astimezone(UTC).date()
        try:
            taken = self._quota.take(_QUOTA, self._network, most, day)
        except CacheUnavailable:
            raise TransientError("The trial cannot be counted now.") from None
        if not taken:
            count(Metric.TRIAL, outcome="network")
            self._once(now, self._network, "network")
            raise TrialUsedUp(f"Your network had its {most} pictures of today.", retry_after=_left(now))
        self._current().after_rollback(lambda: self._give_back(now))

    def _give_back(self, now: datetime) -> None:
        with suppress(CacheUnavailable):
            self._quota.give_back(_QUOTA, self._network, now.astimezone(UTC).date())

    def _take_of_day(self, uow: UnitOfWork) -> None:
        most, now = self._settings.trial_pictures, uow.now
        if uow.sql(_TAKE, account=uow.account, most=most).first() is None:
            # Not before the transaction has ended: telling needs a connection, too, and with as many callers
            # as connections all would wait for another.
            uow.after_rollback(lambda: self._tell_of_day(now))
            raise TrialDayUsedUp(retry_after=_left(now))

    def _tell_of_day(self, now: datetime) -> None:
        count(Metric.TRIAL, outcome="day")
        self._once(now, "everybody", "day")

    def _once(self, now: datetime, whom: str, what: str) -> None:
        """Tell of it for the first time on this day."""
        with suppress(CacheUnavailable):
            if self._quota.take(_TOLD, whom, 1, now.astimezone(UTC).date()):
                self._tell(Action.TRIAL_USED_UP, what)


def _left(now: datetime) -> float:
    """Seconds until the next day begins."""
    today = now.astimezone(UTC)
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return (midnight - today).total_seconds()
