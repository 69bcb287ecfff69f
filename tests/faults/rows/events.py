"""Events that come out of order, poison, or twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.harness.rows import Row
from tests.faults.harness.run import Run
from tests.faults.rows.tasks import let_states_move


class OutOfOrder(Row):
    number = 14
    name = "events out of order"
    fault = "the object's event comes before its job is committed, or another one after the job has ended"
    expects = "the early one is put off, the late one changes nothing: states move only forward"
    guard = "the look at the job's state when its object arrives, and the trigger that knows the states"
    guards = ("arrival-state",)
    breaks = ("I1",)

    def strike(self, run: Run) -> None:
        self.early = None
        if run.seed % 2 or run.control:
            self._late(run)
        else:
            self._early(run)
        run.struck += 1

    def _early(self, run: Run) -> None:
        order = run.arm("accept.before", "wait")
        promised = run.background(run.create)
        order.await_fired()
        ((name, generation),) = run.objects("uploads")
        self.early = run.cloud.queues.deliver_upload(name, generation, 1000)
        order.release()
        promised.result()

    def _late(self, run: Run) -> None:
        run.order(run.picture())
        run.settle()
        ((name, generation),) = run.objects("uploads")
        run.cloud.queues.deliver_upload(name, generation + 1, 1000)

    def expect(self, run: Run) -> Iterator[str]:
        if self.early is not None and self.early < 500:
            yield f"I1 the event of an unknown job was answered {self.early}"

    @contextmanager
    def unguarded(self, run: Run) -> Iterator[None]:
        let_states_move(run)
        with super().unguarded(run):
            yield


class Poison(Row):
    number = 23
    name = "a message that no worker survives"
    fault = "handling the upload fails every time, or the step kills every worker that takes it"
    expects = "a dead letter or the last attempt; the job has failed and its hold is released"
    guard = "what is done with a dead letter"
    guards = ("dead-letter",)
    breaks = ("I1",)
    ends = ("failed",)

    def strike(self, run: Run) -> None:
        self.deadly = run.seed % 2 == 1 and not run.control
        if self.deadly:
            order = run.arm("step.before", "kill", times=100)
            run.create()
        else:
            order = run.arm("arrived.before", "raise", times=100)
            run.order(run.picture())
        run.strike(order)

    def expect(self, run: Run) -> Iterator[str]:
        errors = run.sql("select state, error->>'slug' from jobs where account_id = :a", a=run.account)
        wanted = "step-failed" if self.deadly else "upload-not-processed"
        if errors != [["failed", wanted]]:
            yield f"I1 the poisoned job ended as {errors}"
        letters = run.value("select count(*) from dead_letters where account_id = :a")
        if letters != (0 if self.deadly else 1):
            yield f"I1 there are {letters} dead letters"


class FinalizedTwice(Row):
    number = 25
    name = "an object's event twice, and an older generation's late"
    fault = "a file is replaced in the inbox; each event comes several times, the older ones last"
    expects = "one job for each generation, and the newer one's result stays"
    guard = "the inbox of events, and one job for each generation of an object"
    guards = ("inbox",)
    breaks = ("I1",)
    ends = ("completed", "failed")

    def strike(self, run: Run) -> None:
        bucket = run.cloud.buckets.bucket(run.cloud.cloud.connection["buckets"]["uploads"])
        name = f"inbox/{run.account}/en-es/{run.rng.getrandbits(32):x}.png"
        self.generations = []
        for _ in range(2):
            blob = bucket.blob(name)
            data = run.picture()
            blob.upload_from_string(data, "image/png")
            self.generations.append(int(blob.generation))
        for generation in reversed(self.generations):
            deliveries = run.together(
                4, lambda _, g=generation: run.cloud.queues.deliver_upload(name, g, len(data))
            )
            run.struck += sum(status in {200, 204} for status in deliveries)

    def expect(self, run: Run) -> Iterator[str]:
        made = run.sql(
            "select source_generation, count(*) from jobs where account_id = :a group by 1 order by 1",
            a=run.account,
        )
        if made != [[generation, 1] for generation in sorted(self.generations)]:
            yield f"I1 jobs by generation are {made} of {self.generations}"
        results = run.cloud.buckets.list_blobs(
            run.cloud.cloud.connection["buckets"]["results"], prefix=f"results/{run.account}/"
        )
        for blob in results:
            written = int((blob.metadata or {}).get("source-generation", 0))
            if blob.name.endswith("es.png") and written != max(self.generations):
                yield f"I4 {blob.name} is of the older generation"

    @contextmanager
    def unguarded(self, run: Run) -> Iterator[None]:
        run.without_sql(
            "drop index jobs_once_per_object",
            "create unique index jobs_once_per_object on jobs (source_object, source_generation) "
            "where origin = 'inbox'",
        )
        with super().unguarded(run):
            yield
