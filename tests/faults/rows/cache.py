"""Redis that forgets, hangs, or is away."""

from __future__ import annotations

import time
from collections.abc import Iterator

import redis

from tests.faults.harness.rows import Row
from tests.faults.harness.run import Run

PATIENCE = 5.0
"""Seconds within which a request is answered while Redis hangs; without Redis it takes a few hundredths."""


TRIED_AGAIN = 20.0
"""Seconds within which Redis is asked again: after a failure, such as an earlier run's, it is left alone."""


class Flushed(Row):
    number = 18
    name = "FLUSHALL"
    fault = "Redis forgets everything between a request and its repetition, and while the job is done"
    expects = "nothing that matters was there"
    guard = "keys are kept in PostgreSQL; in the control they are in Redis"
    guards = ("keys-in-redis",)
    breaks = ("I1",)

    def strike(self, run: Run) -> None:
        host, _, port = run.cloud.cloud.connection["redis"].rpartition(":")
        client = redis.Redis(host=host, port=int(port))
        key, data = run.new_key(), run.picture()
        run.create(data, key=key)
        run.struck += bool(client.flushall())
        run.create(data, key=key)
        for _ in range(3):
            time.sleep(run.rng.random() * 0.1)
            run.struck += bool(client.flushall())
        client.close()


class Hanging(Row):
    number = 19
    name = "Redis hangs or is down"
    fault = "Redis takes requests and answers none, or refuses connections"
    expects = "requests are answered without it, within the timeouts"
    guard = "the timeout of Redis's client"
    guards = ("redis-timeout",)
    breaks = ("I1",)

    def strike(self, run: Run) -> None:
        proxy = run.cloud.redis
        struck = proxy.struck
        job = run.create()
        proxy.set("hang" if run.control or run.seed % 2 == 0 else "refuse")
        self.waited = []
        deadline = time.monotonic() + TRIED_AGAIN
        while len(self.waited) < 2 or (proxy.struck == struck and time.monotonic() < deadline):
            began = time.monotonic()
            run.call("GET", f"/v1/jobs/{job}", timeout=PATIENCE + 1)
            self.waited.append(time.monotonic() - began)
            time.sleep(0.05)
        run.struck += proxy.struck - struck
        proxy.set("pass")

    def expect(self, run: Run) -> Iterator[str]:
        if min(self.waited) > PATIENCE:
            yield f"I1 requests took {self.waited} s while Redis hung"
