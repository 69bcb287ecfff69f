"""Self-tests in the database, of which one at most is under way."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Row, select, update
from sqlalchemy.sql.elements import ColumnElement

from shared.core.ids import new_id
from shared.core.metrics import Metric, count
from shared.db.models import clock_now, selftests
from shared.db.unit_of_work import UnitOfWork
from shared.selftest.schemas import Fault, SelfTest, SelfTestState
from shared.selftest.scoring import Quality
from shared.selftest.stages import Stage, Times

PAUSE: Final = "1 minute"
"""From one request to the next that begins another self-test: each costs money."""
_REQUEST: Final = """
insert into selftests (id) select :id
where not exists (select from selftests where requested_at > clock_now() - cast(:pause as interval))
on conflict do nothing returning id
"""
FORGET: Final = "delete from selftests where finished_at < clock_now() - interval '30 days'"


class SelfTests:
    """Those of the deployment. The app's role reads them, the system's changes them, too."""

    def __init__(self, uow: UnitOfWork):
        self._uow = uow

    def request(self, pause: str = PAUSE) -> bool:
        """Have another one; False where one is under way or was asked for within the pause."""
        return self._uow.sql(_REQUEST, id=new_id("tst"), pause=pause).first() is not None

    def newest(self) -> SelfTest | None:
        """The one that was asked for last."""
        return self._one(order=selftests.c.requested_at)

    def under_way(self) -> SelfTest | None:
        """The one that has not ended."""
        return self._one(selftests.c.finished_at.is_(None), order=selftests.c.requested_at)

    def last_ended(self) -> SelfTest | None:
        """The newest that ended."""
        return self._one(selftests.c.finished_at.is_not(None), order=selftests.c.finished_at)

    def start(self, test: str) -> bool:
        """Begin one that was asked for; False where somebody else did."""
        state = SelfTestState.RUNNING.value
        statement = (
            update(selftests)
            .where(selftests.c.id == test, selftests.c.state == SelfTestState.REQUESTED.value)
            .values(state=state, started_at=clock_now())
        )
        return bool(self._uow.execute(statement).rowcount)

    def note(self, test: str, **values: Any) -> None:
        """Keep what is known of one that is under way."""
        running = (selftests.c.id == test, selftests.c.finished_at.is_(None))
        self._uow.execute(update(selftests).where(*running).values(**values))

    def end(
        self,
        test: str,
        times: Times,
        fault: Fault | None = None,
        stage: Stage | None = None,
        error: str | None = None,
        quality: Quality | None = None,
    ) -> bool:
        """End one, and tell whether it was under way; with a `fault` it has failed."""
        values: dict[str, Any] = {
            "state": SelfTestState.FAILED.value if fault else SelfTestState.PASSED.value,
            "finished_at": clock_now(),
            "fault": fault.value if fault else None,
            "stage": stage.value if stage else None,
            "error": error,
            "quality": quality.model_dump() if quality else None,
            "milliseconds": {each.value: value for each, value in times.items()},
        }
        running = (selftests.c.id == test, selftests.c.finished_at.is_(None))
        ended = bool(self._uow.execute(update(selftests).where(*running).values(**values)).rowcount)
        if ended:
            self._uow.after_commit(lambda: _measure(times, fault, stage, quality))
        return ended

    def _one(self, *where: ColumnElement[bool], order: Any) -> SelfTest | None:
        row = self._uow.execute(select(selftests).where(*where).order_by(order.desc()).limit(1)).first()
        return None if row is None else _read(row)


def _measure(times: Times, fault: Fault | None, stage: Stage | None, quality: Quality | None) -> None:
    """Tell the metrics how a self-test ended."""
    count(Metric.SELFTESTS, outcome=fault or "passed", stage=stage or "")
    for name, share in (quality.model_dump() if quality else {}).items():
        count(Metric.SELFTEST_QUALITY, share, part=name)
    for each, milliseconds in times.items():
        count(Metric.SELFTEST_SECONDS, milliseconds / 1000, stage=each)


def _read(row: Row[Any]) -> SelfTest:
    values = dict(row._mapping)
    values["job"] = values.pop("job_id")
    took = values["milliseconds"]
    values["milliseconds"] = {stage: took[stage] for stage in Stage if stage in took}
    return SelfTest.model_validate(values)
