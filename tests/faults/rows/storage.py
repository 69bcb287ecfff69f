"""Cloud Storage that fails, and objects that are gone."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.harness.rows import Row
from tests.faults.harness.run import Run


class Failing(Row):
    number = 24
    name = "storage answers 503, or the source is gone"
    fault = "reading the source or writing the result fails once, or the source is deleted before it is read"
    expects = "what passes is tried again; what is gone ends the job and releases its hold"
    guard = "storage's failures are tried again"
    guards = ("retry", "storage-retry")
    breaks = ("I1",)
    ends = ("completed", "failed")

    def strike(self, run: Run) -> None:
        self.gone = run.seed % 3 == 0 and not run.control
        proxy = run.cloud.storage
        spoilt = proxy.spoilt
        if self.gone:
            run.cloud.queues.pause()
            run.create()
            bucket = run.cloud.cloud.connection["buckets"]["uploads"]
            for name, _ in run.objects("uploads"):
                run.cloud.buckets.bucket(bucket).blob(name).delete()
                run.struck += 1
            run.cloud.queues.resume()
        else:
            reading = run.control or run.seed % 3 == 1
            # The worker's download, and not the look of `on_upload` whether the object is there.
            proxy.spoil(rf"^GET .*{run.account}.*alt=media" if reading else r"^POST .*imangor-results", 1)
            run.create()
            run.settle()
            run.struck += proxy.spoilt - spoilt

    def expect(self, run: Run) -> Iterator[str]:
        states = run.sql("select state, error->>'slug' from jobs where account_id = :a", a=run.account)
        wanted = ["failed", "source-gone"] if self.gone else ["completed", None]
        if states != [wanted]:
            yield f"I1 the job ended as {states} and should have as {wanted}"
