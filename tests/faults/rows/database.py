"""PostgreSQL that stops, loses connections, or undoes work."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

from local.testing import until
from tests.faults.harness.rows import Row
from tests.faults.harness.run import Run

EFFECTS = 3
PHASES = (
    "translate.before",
    "accept.before",
    "accept.after",
    "arrived.before",
    "step.before",
    "record.before",
    "deliver.before",
    "publish.before",
    "record.after",
)


class Stopped(Row):
    number = 15
    name = "PostgreSQL stops at once and starts again"
    fault = "the server is stopped without warning at one of nine places and refuses for a while"
    expects = "the job is done, once"
    guard = "work that met a dead database is tried again"
    guards = ("retry",)
    breaks = ("I1", "I2")

    def strike(self, run: Run) -> None:
        phase = PHASES[0] if run.control else PHASES[run.seed % len(PHASES)]
        order = run.arm(phase, "wait", match="" if phase == "publish.before" else None)
        promised = run.background(run.create)
        order.await_fired()
        cloud = run.cloud
        pid, refused = cloud.cloud.pid("postgres"), cloud.postgres.struck
        os.kill(pid, signal.SIGQUIT)
        cloud.postgres.set("refuse")
        order.release()
        deadline = time.monotonic() + 2
        while cloud.postgres.struck == refused and time.monotonic() < deadline:
            time.sleep(0.01)
        until(lambda: cloud.cloud.pid("postgres") not in {None, pid}, 60)
        cloud.postgres.set("pass")
        promised.result()
        run.strike(order)


class ResetAtCommit(Row):
    number = 16
    name = "the connection is reset during COMMIT"
    fault = "the COMMIT of an accepted job never arrives, or its answer does not"
    expects = "the client cannot know; its key finds out"
    guard = "the finished record of the key, committed with the work"
    guards = ("finished-record",)
    breaks = ("I1",)

    def strike(self, run: Run) -> None:
        arrives = run.control or run.seed % 2 == 0
        cut = run.cloud.postgres.cut_at_commit("INSERT INTO jobs ", committed=arrives)
        run.create()
        if cut.fired.wait(10):
            run.struck += 1


class Deadlock(Row):
    number = 17
    name = "a deadlock with the ledger"
    fault = "another transaction holds the balance and waits for the job: PostgreSQL undoes ours"
    expects = "the work is done again, a bounded number of times"
    guard = "work that was undone is done again at once"
    guards = ("again",)
    breaks = ("I1",)
    ends = ("completed", "cancelled")

    def strike(self, run: Run) -> None:
        run.cloud.queues.pause()
        job = run.create()
        by_client = run.control or run.seed % 2 == 0
        rival = run.cloud.cloud.database()
        try:
            # The one who waits first finds the deadlock, and is undone.
            rival.run("set deadlock_timeout = '60s'")
            rival.run("begin")
            rival.run("select from balances where account_id = :a for update", a=run.account)
            if by_client:
                ours = run.background(run.call, "POST", f"/v1/jobs/{job}/cancel")
            else:
                ours = run.background(self._translate, run)
            until(lambda: self._waiting(run), 60)
            rival.run("select from jobs where id = :j for update", j=job)
            rival.run("commit")
            run.struck += 1
        finally:
            rival.close()
        reply = ours.result()
        run.cloud.queues.resume()
        self.status = reply.status_code if by_client and reply is not None else 200

    def _waiting(self, run: Run) -> bool:
        query = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and usename like 'fn_%'"
        return bool(run.sql(query)[0][0])

    def _translate(self, run: Run) -> None:
        run.cloud.queues.deliver_task("process_image", run.sent_tasks("recognise")[0])
        run.cloud.queues.deliver_task("process_image", run.sent_tasks("render")[0])

    def expect(self, run: Run) -> Iterator[str]:
        if self.status != 200:
            yield f"I1 cancelling was answered {self.status} because of a deadlock"


class TwoSweepers(Row):
    number = 28
    name = "two sweepers at once"
    fault = "three effects were not sent, and two sweepers claim them at the same moment"
    expects = "each effect is sent, by one of them"
    guard = "rows are claimed FOR UPDATE SKIP LOCKED"
    guards = ("claim-lock",)
    breaks = ("I1",)

    def strike(self, run: Run) -> None:
        lost = run.arm("deliver.before", "raise", times=EFFECTS)
        for _ in range(EFFECTS):
            run.create()
        lost.await_fired(EFFECTS)
        run.clock.pass_by(61)
        first = run.arm("claim.after", "wait", match="")
        sweepers = [run.background(run.cloud.queues.sweep)]
        first.await_fired()
        sweepers.append(run.background(run.cloud.queues.sweep))
        deadline = time.monotonic() + 1.0
        while not sweepers[1].done() and time.monotonic() < deadline:
            time.sleep(0.01)
        first.release()
        self.statuses = [sweeper.result() for sweeper in sweepers]
        self.claims = run.sql(
            "select attempts, sent_at is not null from outbox where account_id = :a and kind = 'task' "
            "and payload->>'step' = 'recognise'",
            a=run.account,
        )
        run.strike(first)

    def expect(self, run: Run) -> Iterator[str]:
        if self.claims != [[1, True]] * EFFECTS:
            yield f"I1 the effects were claimed and sent so: {self.claims}, {self.statuses}"
