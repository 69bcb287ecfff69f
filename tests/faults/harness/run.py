"""One run of a row: an account of its own, a client that behaves, and time that can pass."""

from __future__ import annotations

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from threading import Barrier
from typing import Any

import requests

from local.testing import until
from tests.faults.harness import pictures
from tests.faults.harness.clock import DatabaseClock
from tests.faults.harness.cloud import FaultCloud, Order
from tests.faults.harness.settle import objects, settle

_PATIENCE = 60
_LOCK = 121
"""Seconds after which the key of an attempt that died is free again (`shared/db/idempotency.py`)."""
_TRIES = 15


class NeverTold(AssertionError):
    """A client that tried again and again was never told what became of its request."""


class Refused(Exception):
    """The API refuses a request for good: its status and the problem's slug."""

    def __init__(self, status: int, slug: str) -> None:
        super().__init__(f"{status} {slug}")
        self.status, self.slug = status, slug


@dataclass
class Run:
    """What a row works with. `accepted` are the jobs that the client was promised, by its keys."""

    cloud: FaultCloud
    seed: int
    credits: int = 1000
    accepted: dict[str, set[str]] = field(default_factory=dict)
    calls_before: Counter[str] = field(default_factory=Counter)
    struck: int = 0
    control: bool = False
    repairs: list[str] = field(default_factory=list)
    passes: int = 60

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        seeded = self.cloud.open_account(self.credits)
        self.account, self.key = seeded.account, seeded.api_key
        self.clock = DatabaseClock(self.sql)
        self.calls_before = self.calls()

    # What the harness sees.

    def sql(self, statement: str, **parameters: Any) -> list[list[Any]]:
        """What the superuser reads or does."""
        return self.cloud.sql(statement, **parameters)

    def value(self, statement: str, **parameters: Any) -> Any:
        """The one value of one row, `:a` being the account."""
        return self.sql(statement, a=self.account, **parameters)[0][0]

    def jobs(self) -> dict[str, str]:
        """State of each job of the account."""
        found = self.sql("select id, state from jobs where account_id = :a", a=self.account)
        return dict(map(tuple, found))

    def objects(self, bucket: str) -> list[tuple[str, int]]:
        """Names and generations of the account's objects in a bucket."""
        return objects(self, bucket)

    def calls(self) -> Counter[str]:
        """Calls of providers so far, as they passed the harness's proxies."""
        return Counter(self.cloud.vision.calls) + Counter(self.cloud.translation.calls)

    def bought(self, method: str) -> int:
        """Calls of one method since the run began."""
        return self.calls()[method] - self.calls_before[method]

    # Faults.

    def arm(self, point: str, action: str, match: str | None = None, **how: Any) -> Order:
        """Order a fault at a point, for this account unless `match` says for what."""
        return self.cloud.arm(point, action, self.account if match is None else match, **how)

    def strike(self, order: Order, times: int = 1) -> None:
        """Wait until an order has been carried out; only then does the run count."""
        order.await_fired(times)
        self.struck += 1

    # The client.

    def call(self, method: str, path: str, **how: Any) -> requests.Response | None:
        """One request to the API; None where no answer comes."""
        headers = {"X-Api-Key": self.key, **how.pop("headers", {})}
        timeout = how.pop("timeout", _PATIENCE)
        url = self.cloud.cloud.gateway + path
        try:
            return requests.request(method, url, headers=headers, timeout=timeout, **how)
        except requests.RequestException:
            return None

    @property
    def crowd(self) -> int:
        """How many come at once: fifty; in a control, where all of them may get in, fewer."""
        return 10 if self.control else 50

    @cached_property
    def text(self) -> str:
        """What this run's pictures say."""
        return self.rng.choice(pictures.WORDS)

    def picture(self, *, known: bool = True, size: tuple[int, int] = (96, 40)) -> bytes:
        """A new picture. `known` remembers its recognition as bought, so that Vision is not needed."""
        data = pictures.draw(self.rng, self.text, size)
        if known:
            key, result = pictures.bought(data, self.text, "en")
            self.sql(
                "insert into provider_results (account_id, key, result) values (:a, :k, cast(:r as jsonb))",
                a=self.account,
                k=key,
                r=result,
            )
        return data

    def post(self, data: bytes, key: str | None, targets: str = "es") -> requests.Response | None:
        """Send a picture as a new job, once."""
        fields = {"targets": targets, "source_language": "en"}
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.call("POST", "/v1/jobs", data=fields, files={"file": ("a.png", data)}, headers=headers)

    def order(self, data: bytes, key: str | None = None) -> str:
        """Order a job and upload its picture by the signed request; gives the job."""
        key = key or self.new_key()
        body = {"targets": ["es"], "source_language": "en"}
        reply = self.call("POST", "/v1/jobs", json=body, headers={"Idempotency-Key": key})
        if reply is None or reply.status_code != 201:
            raise NeverTold(f"an order was answered {reply and reply.status_code}")
        job = reply.json()
        self.accepted[key] = {str(job["id"])}
        put = job["upload"]["put"]
        answer = requests.put(put["url"], data=data, headers=put["headers"], timeout=_PATIENCE)
        if answer.status_code != 200:
            raise NeverTold(f"a signed upload was answered {answer.status_code}")
        return str(job["id"])

    def create(self, data: bytes | None = None, targets: str = "es", key: str | None = None) -> str:
        """Have a picture translated as a good client does: again with the same key until it is known."""
        data = self.picture() if data is None else data
        key = key or self.new_key()
        for attempt in range(_TRIES):
            reply = self.post(data, key, targets)
            if reply is not None and reply.status_code == 201:
                job = str(reply.json()["id"])
                self.accepted.setdefault(key, set()).add(job)
                return job
            self._consider(reply, attempt)
        raise NeverTold("the client was never told what became of its request")

    def new_key(self) -> str:
        """An idempotency key that nobody has used."""
        return f"key-{self.rng.getrandbits(64):x}"

    def _consider(self, reply: requests.Response | None, attempt: int) -> None:
        """Whether it is worth to try again, and when."""
        if reply is not None and reply.status_code == 409 and "in-progress" in reply.json()["type"]:
            self.clock.pass_by(_LOCK)
        elif reply is not None and reply.status_code < 500:
            raise Refused(reply.status_code, reply.json()["type"].rsplit("/", 1)[-1])
        else:
            time.sleep(0.05 * (attempt + 1))

    def together(self, count: int, call: Any) -> list[Any]:
        """Call `call(index)` so often at the same moment."""
        gate = Barrier(count)

        def one(index: int) -> Any:
            gate.wait()
            return call(index)

        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(one, range(count)))

    def background(self, call: Any, *arguments: Any) -> Any:
        """Begin a call in a thread; gives its future."""
        pool = ThreadPoolExecutor(1)
        future = pool.submit(call, *arguments)
        pool.shutdown(wait=False)
        return future

    def without_sql(self, remove: str, restore: str) -> None:
        """Take away a guard that the database is. It comes back when the run's rows are gone."""
        self.sql(remove)
        self.repairs.append(restore)

    def wipe(self) -> None:
        """Delete every row of the account: what a missing guard let in would keep it from coming back."""
        tables = self.sql(
            "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid "
            "where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attname = 'account_id'"
        )
        self.sql("set session_replication_role = replica")
        for (table,) in tables:
            self.sql(f"delete from {table} where account_id = :a", a=self.account)  # noqa: S608 - our own
        self.sql("set session_replication_role = default")
        for statement in self.repairs:
            self.sql(statement)

    # Time.

    def settle(self) -> None:
        """Let everything run, and time pass where something waits for it, until nothing is left to do."""
        settle(self)

    def until_job(self, job: str, *states: str) -> None:
        """Wait until a job is in one of these states."""
        until(lambda: self.jobs().get(job) in states, _PATIENCE)

    def sent_tasks(self, step: str) -> list[dict[str, Any]]:
        """Bodies of the account's tasks of one step that were written so far."""
        query = "select payload from outbox where account_id = :a and kind = 'task' and payload->>'step' = :s"
        return [row[0] for row in self.sql(f"{query} order by id", a=self.account, s=step)]
