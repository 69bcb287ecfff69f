"""What accepting a job costs over hand-written SQL: python -m bench.accept [--rounds N] [--check].

Starts the local cloud's PostgreSQL, with fsync on, and in turns accepts a job by the service (the key in a
transaction of its own, then the job with its hold and the finished key) and by plain pg8000, which does the
same two commits with the same rows under the same role. Prints milliseconds; `--check` fails where the ratio
of the medians is above its bar. Writes build/bench/accept.json.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pg8000.native

from local.services import database, ports, postgres
from local.state import State
from local.testing import new_folder
from shared.auth.principal import Principal
from shared.core.clock import utc_now
from shared.core.ids import new_id
from shared.db.engine import engine
from shared.db.idempotency import LIFETIME, LOCK, IdempotencyKeys, Reserved
from shared.db.unit_of_work import BIND, UnitOfWork
from shared.edge.reply import render
from shared.jobs.schemas import CreateJob, JobUpload
from shared.jobs.service import UPLOAD_WINDOW, JobService
from shared.ledger.service import Ledger
from shared.translation.languages import Language

BAR: Final = 1.5
TARGETS: Final = ["es", "fr"]
REPORT: Final = Path(__file__).resolve().parent.parent / "build" / "bench" / "accept.json"
UPLOAD: Final = {"url": "https://storage.test/source", "headers": {"x-goog-if-generation-match": "0"}}

_RESERVE = """
insert into idempotency_keys as k
  (account_id, principal, operation, key, fingerprint, token, locked_until, expires_at, status)
values (:account, :principal, 'create_job', :key, :fingerprint, gen_random_uuid(),
  clock_now() + cast(:lock as interval), clock_now() + cast(:lifetime as interval), null)
on conflict (principal, operation, key) do update set
  fingerprint = excluded.fingerprint, token = excluded.token, locked_until = excluded.locked_until,
  expires_at = excluded.expires_at, status = null
where (k.status is null and k.locked_until < clock_now() and k.fingerprint = excluded.fingerprint)
  or k.expires_at < clock_now()
returning token
"""
_ACCEPT = """
with job as (
  insert into jobs (id, account_id, created_by, origin, state, priority, name, source_language,
    source_object, results_prefix, price_version, version, created_at, updated_at)
  select :job, :account, :principal, 'upload', 'awaiting_upload', 'interactive', '', null,
    :source, :results, 1, 1, cast(:now as timestamptz), cast(:now as timestamptz)
  from accounts where deleted_at is null),
targets as (
  insert into job_targets (job_id, account_id, language)
  select :job, :account, unnest(cast(:targets as text[]))),
deadline as (
  insert into deadlines (job_id, account_id, action, due_at)
  values (:job, :account, 'expire_upload', clock_now() + cast(:window as interval))
  on conflict (job_id) do update set action = excluded.action, due_at = excluded.due_at)
update idempotency_keys set status = 201, headers = cast(:headers as jsonb), body = :body
where principal = :principal and operation = 'create_job' and key = :key and token = :token returning key
"""
_HOLD = """
insert into ledger_transactions (account_id, kind, job_id, target, amount)
select :account, 'hold', :job, unnest(cast(:targets as text[])), 1
"""


class Signed:
    """Uploads that are signed already: signing is no part of what is measured."""

    def sign(self, name: str, window: object) -> JobUpload:
        """The same for every job."""
        ways = {"put": UPLOAD | {"method": "PUT"}, "resumable": UPLOAD | {"method": "POST"}}
        return JobUpload.model_validate(ways | {"expires_at": utc_now()})


class Known:
    """Languages that need no look-up."""

    def require(self, source: str | None, targets: list[str]) -> None:
        """Every language is known."""

    def all(self) -> list[Language]:
        """Nobody asks."""
        return []


def by_service(account: str) -> Callable[[], None]:
    """Accept one job as the edge's steps do, from the reservation to the commit."""
    principal = Principal("key_bench", account, frozenset({"jobs:write"}))
    order = CreateJob.model_validate({"targets": TARGETS})

    def accept() -> None:
        uow = UnitOfWork(engine, account)
        keys = IdempotencyKeys(principal.id, lambda: UnitOfWork(engine, account), lambda: uow)
        service: Any = JobService
        jobs = service(lambda: uow, lambda: uow, Signed(), Known(), None)
        reserved = keys.reserve("create_job", new_id("key"), "0" * 64)
        assert isinstance(reserved, Reserved)  # noqa: S101 - the key is new
        with uow:
            job = jobs.create(principal, order)
            reply = render(job, 201)
            keys.finish(reserved, reply.status, reply.headers, bytes(reply.body))  # type: ignore[arg-type]

    return accept


def by_hand(account: str, url: str) -> Callable[[], None]:
    """Accept one job by plain pg8000."""
    address, _, database = url.removeprefix("postgresql+pg8000://").partition("/")
    user, _, place = address.partition("@")
    host, _, port = place.partition(":")
    connection = pg8000.native.Connection(user, host=host, port=int(port), database=database)
    facts = {"account": account, "principal": "key_bench", "targets": TARGETS}

    def begin() -> Any:
        connection.run("begin transaction")
        return connection.run(BIND, account=account, key_hash="", user="", identity="")[0][-1]

    def accept() -> None:
        key, job = new_id("key"), new_id("job")
        begin()
        times = {"lock": f"{LOCK.total_seconds()} s", "lifetime": f"{LIFETIME.total_seconds()} s"}
        token = connection.run(_RESERVE, key=key, fingerprint="0" * 64, **times, **facts)[0][0]
        connection.run("commit")
        now = begin()
        names = {"source": f"uploads/{account}/{job}/source", "results": f"results/{account}/{job}/"}
        reply = {"id": job, "state": "awaiting_upload", "targets": TARGETS, "created_at": str(now)}
        record = {"headers": "{}", "body": json.dumps(reply | {"upload": [UPLOAD, UPLOAD]}).encode()}
        window = f"{UPLOAD_WINDOW.total_seconds()} s"
        told = {"key": key, "token": token, "job": job, "now": now, "window": window}
        connection.run(_ACCEPT, **told, **names, **record, **facts)
        connection.run(_HOLD, job=job, account=account, targets=TARGETS)
        connection.run("commit")

    return accept


def measure(ways: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each call, taken in turns after a few to warm up."""
    for way in ways.values():
        for _ in range(20):
            way()
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds):
        # Who goes first pays for what the other left dirty, so they take turns in that, too.
        for name in sorted(ways, reverse=bool(turn % 2)):
            start = time.perf_counter()
            ways[name]()
            times[name].append((time.perf_counter() - start) * 1000)
    return times


def report(times: dict[str, list[float]]) -> dict[str, Any]:
    """Minimum, median and their ratios."""
    found: dict[str, Any] = {
        name: {"min_ms": round(min(each), 3), "median_ms": round(statistics.median(each), 3)}
        for name, each in times.items()
    }
    ours, floor = found["service"], found["by_hand"]
    ratio = {"median": ours["median_ms"] / floor["median_ms"], "min": ours["min_ms"] / floor["min_ms"]}
    return {**found, "rounds": len(times["service"]), "bar": BAR} | {
        "ratio": {name: round(value, 3) for name, value in ratio.items()}
    }


@contextmanager
def durable() -> Iterator[tuple[str, str]]:
    """The local cloud's own server with what makes commits durable; gives an account and the URL."""
    state, port = State(new_folder()), ports.free()
    state.prepare()
    service = postgres.service(state, port)
    argv = [
        part.replace("fsync=off", "fsync=on").replace("page_writes=off", "page_writes=on")
        for part in service.argv
    ]
    owner: dict[str, Any] = {}
    if service.owner is not None:
        owner = {"user": service.owner.uid, "group": service.owner.gid, "extra_groups": []}
    server = subprocess.Popen(
        argv, env=service.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **owner
    )
    try:
        database.prepare(state, port, {"fn_jobs": "imangor_app"})
        url = f"postgresql+pg8000://fn_jobs@127.0.0.1:{port}/imangor"
        os.environ |= {"DATABASE_URL": url, "CONCURRENCY": "1"}
        account = database.account(state)["account"]
        with UnitOfWork(engine, account) as uow:
            Ledger(uow).grant(10_000_000, new_id("bench"))
        yield account, url
    finally:
        engine().dispose()
        # By the interrupt, which does not wait for those who are still connected.
        server.send_signal(service.stop_signal)
        server.wait(30)
        shutil.rmtree(state.folder, ignore_errors=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m bench.accept", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--check", action="store_true", help="fail above the bar")
    options = parser.parse_args(arguments)
    with durable() as (account, url):
        ways = {"service": by_service(account), "by_hand": by_hand(account, url)}
        found = report(measure(ways, options.rounds))
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    for name in ("by_hand", "service"):
        print(f"{name:<10} min {found[name]['min_ms']:6.2f} ms   median {found[name]['median_ms']:6.2f} ms")
    print(
        f"ratio      min {found['ratio']['min']:6.2f}      median {found['ratio']['median']:6.2f}   of {BAR}"
    )
    return 1 if options.check and found["ratio"]["median"] > BAR else 0


if __name__ == "__main__":
    sys.exit(main())
