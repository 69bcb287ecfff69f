"""Workers that are killed, and tasks that come too often or too late."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from local.testing import until
from tests.faults.harness.rows import Row
from tests.faults.harness.run import Run


def let_states_move(run: Run) -> None:
    """Take away the trigger by which states move only along their graph."""
    for table in ("jobs", "job_targets"):
        run.without_sql(
            f"alter table {table} disable trigger guard_state",
            f"alter table {table} enable trigger guard_state",
        )


class KilledBeforeEnqueuing(Row):
    number = 3
    name = "kill -9 after the commit, before the task is enqueued"
    fault = "the function that committed the work is killed before it sends the outbox"
    expects = "`sweep` sends what was left"
    guard = "the sweeper's resending"
    guards = ("resend",)
    breaks = ("I1",)

    def strike(self, run: Run) -> None:
        order = run.arm("deliver.before", "kill")
        data, key = run.picture(), run.new_key()
        run.post(data, key)
        run.strike(order)
        run.clock.pass_by(61)
        run.cloud.queues.sweep()
        self.unsent = run.value(
            "select count(*) from outbox where account_id = :a and sent_at is null and due_at < clock_now() "
            "- interval '60 seconds'"
        )
        run.create(data, key=key)

    def expect(self, run: Run) -> Iterator[str]:
        if self.unsent:
            yield f"I1 {self.unsent} effects were left unsent"


class KilledAfterEnqueuing(Row):
    number = 4
    name = "kill -9 after the task is enqueued, before the outbox knows"
    fault = "the sender is killed before it marks the row, and the queue has forgotten the task's name"
    expects = "the task comes twice and has one effect"
    guard = "the claim's look at what is done, and the lease"
    guards = ("done-once", "lease", "memory")
    breaks = ("I1", "I6")

    def strike(self, run: Run) -> None:
        run.cloud.queues.pause()
        run.create()
        order = run.arm("mark.before", "kill")
        run.cloud.queues.deliver_task("process_image", run.sent_tasks("recognise")[0])
        run.strike(order)
        forgets = run.arm("queue.forgets", "tell", match="render")
        run.clock.pass_by(61)
        run.cloud.queues.sweep()
        run.strike(forgets)
        run.arm("translate.before", "delay", seconds=0.4, times=4)
        run.cloud.queues.resume()

    def expect(self, run: Run) -> Iterator[str]:
        if run.bought("TranslateText") > 1:
            yield f"I6 one text was translated {run.bought('TranslateText')} times"


class KilledAfterVision(Row):
    number = 5
    name = "kill -9 after Vision, before the checkpoint"
    fault = "the worker is killed with the bought recognition in its hands, or just after it kept it"
    expects = "the job ends; at most one more call, and none once the answer was kept"
    guard = "answers are kept as soon as they are bought"
    guards = ("memory",)
    breaks = ("I6",)

    def strike(self, run: Run) -> None:
        self.kept = run.control or run.seed % 2 == 1
        order = run.arm("read.after" if self.kept else "vision.after", "kill")
        run.create(run.picture(known=False))
        run.strike(order)

    def expect(self, run: Run) -> Iterator[str]:
        calls, limit = run.bought("BatchAnnotateImages"), 1 if self.kept else 2
        if calls > limit:
            yield f"I6 Vision was called {calls} times"


class KilledAfterUpload(Row):
    number = 6
    name = "kill -9 after the result is written, before the commit"
    fault = "the worker is killed when the object is there and no row knows it"
    expects = "the next attempt writes the same object again"
    guard = "the name of a result follows from its job and language"
    guards = ("result-name",)
    breaks = ("I4",)

    def strike(self, run: Run) -> None:
        order = run.arm("upload.after", "kill", match=f"results/{run.account}/")
        run.create()
        run.strike(order)


class KilledAfterCapture(Row):
    number = 7
    name = "kill -9 after the capture, before the answer"
    fault = "the worker is killed when the target is done and paid, and the queue delivers again"
    expects = "no second capture and no second ending"
    guard = "the claim's look at what is done, the states' trigger, settlements' index, the balance's check"
    guards = ("done-once",)
    breaks = ("I1", "I2")

    def strike(self, run: Run) -> None:
        order = run.arm("record.after", "kill", match="render")
        run.create()
        run.strike(order)

    @contextmanager
    def unguarded(self, run: Run) -> Iterator[None]:
        let_states_move(run)
        run.without_sql(
            "drop index ledger_settle_once",
            "create unique index ledger_settle_once on ledger_transactions (job_id, target) "
            "where kind in ('capture', 'release')",
        )
        for table in ("balances", "credit_lots"):
            run.without_sql(
                f"alter table {table} drop constraint {table}_held_check",
                f"alter table {table} add constraint {table}_held_check check (held >= 0)",
            )
        with super().unguarded(run):
            yield


class TenAtOnce(Row):
    number = 9
    name = "a task delivered ten times at once"
    fault = "ten deliveries of one task at the same moment"
    expects = "one effect, one purchase"
    guard = "the lease"
    guards = ("lease", "done-once")
    breaks = ("I1", "I6")

    def strike(self, run: Run) -> None:
        run.cloud.queues.pause()
        job = run.create(targets="es")
        body = run.sent_tasks("recognise")[0]
        run.cloud.queues.deliver_task("process_image", body)
        render = run.sent_tasks("render")[0]
        slow = run.arm("translate.before", "delay", seconds=0.4, times=10)
        run.together(10, lambda _: run.cloud.queues.deliver_task("process_image", render))
        slow.await_fired()
        run.struck += 10
        run.cloud.queues.resume()
        run.until_job(job, "completed", "failed")

    def expect(self, run: Run) -> Iterator[str]:
        if run.bought("TranslateText") > 1:
            yield f"I6 one text was translated {run.bought('TranslateText')} times"


class AfterADay(Row):
    number = 10
    name = "a task delivered again after 25 hours"
    fault = "both tasks of a finished job come again when every name in the queue is forgotten"
    expects = "one effect: the database knows, not a time to live"
    guard = "the claim's look at what is done, and the trigger that knows the states"
    guards = ("done-once",)
    breaks = ("I1",)

    @contextmanager
    def unguarded(self, run: Run) -> Iterator[None]:
        let_states_move(run)
        with super().unguarded(run):
            yield

    def strike(self, run: Run) -> None:
        run.create()
        run.settle()
        run.clock.pass_by(25 * 3600)
        for step in ("recognise", "render"):
            run.cloud.queues.deliver_task("process_image", run.sent_tasks(step)[0])
            run.struck += 1


class LateWorker(Row):
    number = 20
    name = "a worker wakes after its lease"
    fault = "a worker is frozen before it records; its lease runs out and another does the step"
    expects = "the late worker's result is refused"
    guard = "the fencing token"
    guards = ("fencing",)
    breaks = ("I1",)

    def strike(self, run: Run) -> None:
        order = run.arm("record.before", "wait", match=" es")
        # The second language waits, so that the job is still under way when the first worker wakes.
        other = run.arm("step.before", "wait", match=" ca")
        run.create(targets="es,ca")
        order.await_fired()
        other.await_fired()
        body = next(body for body in run.sent_tasks("render") if body["target"] == "es")
        run.clock.pass_by(3600)
        run.cloud.queues.deliver_task("process_image", body)
        order.release()
        run.strike(order)
        # The sleeper has answered when no request but the other language's is being served.
        deadline = time.monotonic() + 30
        while self._served(run) > 1 and time.monotonic() < deadline:
            time.sleep(0.02)
        other.release()

    def _served(self, run: Run) -> int:
        functions = run.cloud.cloud.status()["functions"]
        return sum(f["running"] for f in functions if f["name"] == "process_image")


class Terminated(Row):
    number = 21
    name = "SIGTERM in the middle of a job, then SIGKILL"
    fault = "the instance is told to stop while it works; its work ends in time, or it is killed"
    expects = "the job is done: at once, or by another worker when the lease is over"
    guard = "a lease that ran out passes to the next worker"
    guards = ("takeover",)
    breaks = ("I1",)
    passes = 15

    def strike(self, run: Run) -> None:
        order = run.arm("translate.before", "wait")
        run.create()
        order.await_fired()
        master = run.cloud.cloud.pid("process_image")
        os.kill(master, signal.SIGTERM)
        time.sleep(0.3)
        if run.control or run.seed % 2 == 1:
            os.killpg(master, signal.SIGKILL)
        order.release()
        run.strike(order)
        until(lambda: run.cloud.cloud.pid("process_image") != master, 60)


class Cancelled(Row):
    number = 29
    name = "cancel races finish"
    fault = "the client cancels while the worker is about to record the last target"
    expects = "one terminal state, and each hold settled once"
    guard = "the record's look at what has ended, and the trigger that knows the states"
    guards = ("done-once",)
    breaks = ("I1", "I2")
    ends = ("completed", "cancelled")

    def strike(self, run: Run) -> None:
        order = run.arm("record.before", "wait", match="render")
        job = run.create()
        order.await_fired()
        first = run.control or run.rng.random() < 0.5
        if not first:
            order.release()
            time.sleep(run.rng.random() * 0.05)
        run.call("POST", f"/v1/jobs/{job}/cancel")
        order.release()
        run.strike(order)

    @contextmanager
    def unguarded(self, run: Run) -> Iterator[None]:
        let_states_move(run)
        with super().unguarded(run):
            yield
