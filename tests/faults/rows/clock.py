"""Workers whose clocks are wrong."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.harness.rows import Row
from tests.faults.harness.run import Run


class Skewed(Row):
    number = 27
    name = "a worker's clock is ten minutes off"
    fault = "every function's own clock is ten minutes ahead, or behind"
    expects = "leases go by the database's time, and signed requests still work"
    guard = "leases compare with the database's clock"
    guards = ("database-clock",)
    breaks = ("I1", "I6")

    def strike(self, run: Run) -> None:
        ahead = run.control or run.seed % 2 == 0
        frozen = run.arm("translate.before", "wait")
        with run.cloud.without("clock-behind") if not ahead else run.cloud.without():
            run.order(run.picture())
            frozen.await_fired()
        with run.cloud.without("clock-ahead" if ahead else "clock-behind"):
            self.status = run.cloud.queues.deliver_task("process_image", run.sent_tasks("render")[0])
        frozen.release()
        run.strike(frozen)

    def expect(self, run: Run) -> Iterator[str]:
        if self.status != 200:
            yield f"I1 a worker with a wrong clock answered {self.status}"
        if run.bought("TranslateText") > 1:
            yield f"I6 one text was translated {run.bought('TranslateText')} times"
