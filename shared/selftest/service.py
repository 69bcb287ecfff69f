"""Self-tests as operators ask for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from shared.audit.actions import Action
from shared.audit.log import record
from shared.core.config import SelfTestSettings
from shared.db.unit_of_work import UnitOfWork
from shared.selftest.errors import NotTestedYet, SelfTestFailed
from shared.selftest.runs import SelfTests
from shared.selftest.schemas import SelfTest, SelfTestState

MISSED: Final = 3
"""After so many times the minutes between two self-tests, the last one proves nothing any more."""


class SelfTestService:
    """The operations; `open_uow` opens a unit of work under no account."""

    def __init__(self, open_uow: Callable[[None], UnitOfWork], settings: SelfTestSettings):
        self._open_uow = open_uow
        self._minutes = settings.selftest_minutes

    def last(self) -> SelfTest:
        """The newest result, if it is good; raises `SelfTestFailed` with it otherwise, or `NotTestedYet`."""
        with self._open_uow(None) as uow:
            found, now = SelfTests(uow).last_ended(), uow.now
        if found is None or found.finished_at is None:
            raise NotTestedYet()
        minutes = (now - found.finished_at).total_seconds() / 60
        if found.state is SelfTestState.FAILED:
            told = f"It was {found.fault} at the stage {found.stage}, {minutes:.0f} min ago."
            raise SelfTestFailed(told, found)
        if self._minutes and minutes > MISSED * self._minutes:
            told = f"The last one ended {minutes:.0f} min ago; there should be one every {self._minutes} min."
            raise SelfTestFailed(told, found)
        return found

    def request(self) -> SelfTest:
        """Have another one; the answer is the one under way, or the newest where that was a moment ago."""
        with self._open_uow(None) as uow:
            tests = SelfTests(uow)
            begun = tests.request()
            newest = tests.newest()
            if newest is None:
                raise NotTestedYet()
            if begun:
                record(uow, Action.SELFTEST_REQUESTED, newest.id)
        return newest
