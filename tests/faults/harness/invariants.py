"""What must be true after every run, read from the database, the buckets and the providers' counters.

I1  an accepted job ends exactly once, and nobody has a job that was not asked for
I2  every ledger transaction sums to zero, the balance is the sum of the entries, each target's hold is
    settled once, and nothing is charged for a target that was not made
I3  every end of a job has its webhook event: told to the account's endpoints, or given up after the last try
I4  every object belongs to a row, and none is left when the retention has passed
I5  another customer sees nothing of this one
I6  providers are called no more often than the row allows

A violation is a text that begins with the invariant's name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pg8000.native

from local.services.database import LOCAL_USER, NAME
from local.testing import until
from shared.jobs.names import error_object
from shared.jobs.picture import EXTENSIONS
from tests.faults.harness.settle import ENDED, objects

if TYPE_CHECKING:
    from tests.faults.harness.run import Run

_BESIDE = ("scene.json", "receipt.json")
_RETENTION = timedelta(days=31)
_SECOND_ERASE = timedelta(hours=2)
Found = Iterator[str]


def violations(run: Run) -> list[str]:
    """Everything that is wrong after a run that has come to rest. Lets the retention pass at the end."""
    checks: tuple[Callable[[Run], Found], ...] = (
        jobs_end_once,
        steps_are_done_once,
        ledger_balances,
        charges_match_results,
        ends_are_told,
        objects_have_rows,
        strangers_see_nothing,
        nothing_outlives_retention,
    )
    return [violation for check in checks for violation in check(run)]


def jobs_end_once(run: Run) -> Found:
    """I1: states, events, and what the client was promised."""
    jobs = run.jobs()
    for key, promised in run.accepted.items():
        if len(promised) != 1:
            yield f"I1 the key {key} was answered with {len(promised)} jobs"
        for job in promised - jobs.keys():
            yield f"I1 {job} was accepted and is not there"
    told_of = {job for promised in run.accepted.values() for job in promised}
    uploaded = run.sql("select id from jobs where account_id = :a and origin = 'upload'", a=run.account)
    for job in {row[0] for row in uploaded} - told_of:
        yield f"I1 nobody was told of {job}"
    for job, state in jobs.items():
        if state not in ENDED:
            yield f"I1 {job} has not ended: {state}"
    told = run.sql(
        "select payload->>'job', count(*) from outbox where account_id = :a and kind = 'event' "
        "and payload->>'type' = any(:t) group by 1",
        a=run.account,
        t=[f"job.{state}" for state in ENDED],
    )
    ends = dict(map(tuple, told))
    for job, state in jobs.items():
        if state in ENDED and ends.get(job) != 1:
            yield f"I1 {job} was announced to have ended {ends.get(job, 0)} times"
    yield from _targets(run)


def _targets(run: Run) -> Found:
    found = run.sql(
        "select job_id, language, t.state, j.state from job_targets t join jobs j on j.id = job_id "
        "where j.account_id = :a",
        a=run.account,
    )
    for job, language, target, state in found:
        if state in ENDED and target not in {"done", "failed", "cancelled"}:
            yield f"I1 {job} is {state} and its target {language} is {target}"
        if state == "completed" and target != "done":
            yield f"I1 {job} is completed and its target {language} is {target}"
        if state in {"failed", "expired"} and target == "done":
            yield f"I1 {job} is {state} and its target {language} is done"


def steps_are_done_once(run: Run) -> Found:
    """I1: a step of a job is recorded as done at most once."""
    again = run.sql(
        "select job_id, step, target, count(*) from job_steps where account_id = :a and outcome = 'done' "
        "group by 1, 2, 3 having count(*) > 1",
        a=run.account,
    )
    for job, step, target, times in again:
        yield f"I1 {job} did {step} {target or ''} {times} times"


def ledger_balances(run: Run) -> Found:
    """I2: double entry, and the balance that is kept beside it."""
    for number, total in run.sql(
        "select transaction_id, sum(amount) from ledger_entries where account_id = :a group by 1 "
        "having sum(amount) <> 0",
        a=run.account,
    ):
        yield f"I2 transaction {number} sums to {total}"
    kept = run.sql("select available, held from balances where account_id = :a", a=run.account)
    summed = run.sql(
        "select coalesce(sum(amount) filter (where book = 'available'), 0), "
        "coalesce(sum(amount) filter (where book = 'held'), 0) from ledger_entries where account_id = :a",
        a=run.account,
    )[0]
    available, held = kept[0] if kept else (0, 0)
    if [int(available), int(held)] != [int(summed[0]), int(summed[1])]:
        yield f"I2 the balance is {available} and {held} held, the entries say {summed}"
    yield from _lots(run)
    if available < 0 or held < 0:
        yield f"I2 the balance is negative: {available} available, {held} held"
    if held > 0:
        yield f"I2 {held} credits are still held"


def _lots(run: Run) -> Found:
    wrong = run.sql(
        "select l.id from credit_lots l left join ledger_entries e on e.lot = l.id where l.account_id = :a "
        "group by l.id having l.available <> coalesce(sum(e.amount) filter (where e.book = 'available'), 0) "
        "or l.held <> coalesce(sum(e.amount) filter (where e.book = 'held'), 0)",
        a=run.account,
    )
    for (lot,) in wrong:
        yield f"I2 lot {lot} is not the sum of its entries"


def charges_match_results(run: Run) -> Found:
    """I2: each target was held once, settled once, and captured only where it was done."""
    moves = run.sql(
        "select t.job_id, t.language, t.state, "
        "(select count(*) from ledger_transactions l where l.job_id = t.job_id and l.target = t.language "
        " and l.kind = 'hold'), "
        "(select count(*) from ledger_transactions l where l.job_id = t.job_id and l.target = t.language "
        " and l.kind = 'capture'), "
        "(select count(*) from ledger_transactions l where l.job_id = t.job_id and l.target = t.language "
        " and l.kind = 'release') from job_targets t where t.account_id = :a",
        a=run.account,
    )
    for job, language, state, holds, captures, releases in moves:
        what = f"{job} {language} ({state})"
        if holds != 1:
            yield f"I2 {what} was held for {holds} times"
        if captures + releases != 1:
            yield f"I2 {what} was settled by {captures} captures and {releases} releases"
        if (state == "done") != (captures == 1):
            yield f"I2 {what} was captured {captures} times"


def ends_are_told(run: Run) -> Found:
    """I3: each end has an event, and its deliveries have ended."""
    told = run.sql(
        "select e.data->>'job', count(distinct e.id), count(d.id) filter (where d.state = 'pending') "
        "from webhook_events e left join webhook_deliveries d on d.event_id = e.id "
        "where e.account_id = :a and e.type like 'job.%' group by 1",
        a=run.account,
    )
    events = {job: (number, pending) for job, number, pending in told}
    for job in run.jobs():
        number, pending = events.get(job, (0, 0))
        if number != 1 or pending:
            yield f"I3 the end of {job} has {number} events, of whose deliveries {pending} are pending"


def objects_have_rows(run: Run) -> Found:
    """I4: one result for each target, what stands beside them, and sources of jobs.

    A target that was cancelled while its result was being written has that result until the retention ends.
    """
    named = run.sql(
        "select results_prefix || language from job_targets t join jobs j on j.id = job_id "
        "where j.account_id = :a",
        a=run.account,
    )
    known = {f"{row[0]}.{extension}" for row in named for extension in EXTENSIONS.values()}
    sources = set()
    places = "select results_prefix, source_object, source_generation from jobs where account_id = :a"
    for prefix, source, generation in run.sql(places, a=run.account):
        known |= {*(prefix + name for name in _BESIDE), error_object(prefix)}
        sources.add((source, generation))
    for name, _ in objects(run, "results"):
        if name not in known:
            yield f"I4 no row knows the result {name}"
    for name, generation in objects(run, "uploads"):
        if not {(name, generation), (name, None)} & sources:
            yield f"I4 no job knows the source {name}#{generation}"


def strangers_see_nothing(run: Run) -> Found:
    """I5: over the API, and under the other account in every table."""
    stranger = run.cloud.stranger
    cloud = run.cloud.cloud
    for job in list(run.jobs())[:1]:
        status = cloud.request("GET", f"/v1/jobs/{job}", key=stranger.api_key).status_code
        if status != 404:
            yield f"I5 a stranger reads {job}: {status}"
    listed = cloud.request("GET", "/v1/jobs", key=stranger.api_key).json().get("jobs")
    if listed != []:
        yield f"I5 a stranger's list of jobs is {listed}"
    for table, rows in _seen_as(run, stranger.account):
        yield f"I5 a stranger sees {rows} rows of {table}"


def _seen_as(run: Run, account: str) -> Iterator[tuple[str, int]]:
    port = int(run.cloud.cloud.connection["postgres"].rsplit(":", 1)[1])
    connection = pg8000.native.Connection(LOCAL_USER, host="127.0.0.1", port=port, database=NAME)
    try:
        connection.run("select set_config('app.account', :a, false)", a=account)
        tables = connection.run(
            "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid "
            "where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' "
            "and a.attname = 'account_id' and has_table_privilege(c.oid, 'select')"
        )
        for (table,) in tables:
            query = f"select count(*) from {pg8000.native.identifier(table)} where account_id = :a"  # noqa: S608
            rows: Any = connection.run(query, a=run.account)[0][0]
            if rows:
                yield table, rows
    finally:
        connection.close()


def nothing_outlives_retention(run: Run) -> Found:
    """I4: when the retention has passed and `sweep` was there, both buckets hold nothing of the account."""
    for pause in (_RETENTION, _SECOND_ERASE):
        run.clock.pass_by(pause.total_seconds())
        run.cloud.queues.sweep()
        until(lambda: _nothing_due(run) or (run.cloud.queues.sweep() and False), 60)
    for bucket in ("uploads", "results"):
        for name, _ in objects(run, bucket):
            yield f"I4 {name} outlives the retention in {bucket}"


def _nothing_due(run: Run) -> bool:
    erasures = "kind = 'erase' and sent_at is null and due_at <= clock_now()"
    left = run.value(f"select count(*) from outbox where account_id = :a and {erasures}")  # noqa: S608
    due = run.value("select count(*) from deadlines where account_id = :a and due_at <= clock_now()")
    return not left and not due
