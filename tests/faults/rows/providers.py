"""Providers that refuse, fail, or do not answer."""

from __future__ import annotations

from collections.abc import Iterator

import grpc

from tests.faults.harness.rows import Row
from tests.faults.harness.run import Run

ATTEMPTS, CALLS = 6, 4
"""Deliveries of a step, and calls of one delivery: the first and three retries."""


class Refusing(Row):
    number = 22
    name = "a provider answers 429 or 503, or not at all"
    fault = "Translation refuses two calls, refuses for good, or hangs"
    expects = "patience first; then the job fails, its hold is released, and calls stay within the bound"
    guard = "the release of what was held for a target that failed"
    guards = ("release",)
    breaks = ("I2",)
    ends = ("completed", "failed")

    def strike(self, run: Run) -> None:
        proxy = run.cloud.translation
        self.passing = run.seed % 3 == 0 and not run.control
        code = run.rng.choice([grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE])
        spoilt = proxy.spoilt
        if run.seed % 3 == 2:
            run.arm("provider.time", "tell", times=1000)
            code = None
        proxy.spoil(code, 2 if self.passing else 1_000_000)
        run.create()
        run.settle()
        run.struck += proxy.spoilt - spoilt

    def expect(self, run: Run) -> Iterator[str]:
        wanted = "completed" if self.passing else "failed"
        if set(run.jobs().values()) != {wanted}:
            yield f"I1 the job is {run.jobs()} and should be {wanted}"
        calls = run.bought("TranslateText")
        if calls > ATTEMPTS * CALLS:
            yield f"I6 Translation was called {calls} times"
