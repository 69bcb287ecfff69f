"""Faults while a job is accepted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.harness.rows import Row
from tests.faults.harness.run import Run


def overdraw(run: Run) -> None:
    """Let credits be taken from an account's first lot whether or not it has them."""
    for table, constraint in (("balances", "balance_covers"), ("credit_lots", "lot_covers")):
        run.without_sql(
            f"alter table {table} drop constraint {constraint}",
            f"alter table {table} add constraint {constraint} check (available >= 0)",
        )
    taking = run.sql("select pg_get_functiondef('take_credits'::regproc)")[0][0]
    run.without_sql(
        """create or replace function take_credits(taker ledger_transactions, wanted bigint, into_book text)
        returns void language sql security definer set search_path = public, pg_temp as $$
          insert into ledger_entries (transaction_id, account_id, lot, book, amount)
          select taker.id, taker.account_id, first.id, e.book, e.amount
          from (select min(id) as id from credit_lots where account_id = taker.account_id) first,
            (values ('available', -wanted), (into_book, wanted)) as e (book, amount)
        $$""",
        taking,
    )


class KilledBeforeAccepting(Row):
    number = 1
    name = "kill -9 before the job is committed"
    fault = "the function `jobs` is killed after its work, before the COMMIT"
    expects = "no job and no hold; the client's retry makes one job"
    guard = "job, hold and outbox row in one transaction"
    guards = ("one-transaction",)
    breaks = ("I1", "I2")

    def strike(self, run: Run) -> None:
        order = run.arm("accept.before", "kill")
        data, key = run.picture(), run.new_key()
        run.post(data, key)
        run.strike(order)
        held = "select count(*) from ledger_transactions where account_id = :a and kind = 'hold'"
        self.left = (len(run.jobs()), run.value(held))
        run.create(data, key=key)

    def expect(self, run: Run) -> Iterator[str]:
        if self.left != (0, 0):
            yield f"I1 the killed attempt left jobs and holds: {self.left}"


class KilledAfterAccepting(Row):
    number = 2
    name = "kill -9 after the commit, before the answer"
    fault = "the function `jobs` is killed when the job is committed and nobody knows"
    expects = "the same key gives the same job"
    guard = "the finished record of the key, committed with the work"
    guards = ("finished-record",)
    breaks = ("I1",)

    def strike(self, run: Run) -> None:
        order = run.arm("accept.after", "kill")
        data, key = run.picture(), run.new_key()
        run.post(data, key)
        run.strike(order)
        run.create(data, key=key)


class OtherBody(Row):
    number = 11
    name = "one key, another body"
    fault = "the client sends another picture under a key that it has used"
    expects = "422 and no second hold"
    guard = "the fingerprint of the request beside its key"
    guards = ("fingerprint",)
    breaks = ("I1",)

    def strike(self, run: Run) -> None:
        key = run.new_key()
        run.create(key=key)
        reply = run.post(run.picture(), key)
        self.status = None if reply is None else reply.status_code
        run.struck += 1

    def expect(self, run: Run) -> Iterator[str]:
        if self.status != 422:
            yield f"I1 another body under the same key was answered {self.status}"


class SameKeyAtOnce(Row):
    number = 12
    name = "fifty requests with one key at once"
    fault = "fifty deliveries of one request at the same moment"
    expects = "one job; the others are told that it is in progress, or given the same answer"
    guard = "the reservation of the key"
    guards = ("reservation",)
    breaks = ("I1",)
    ends = ("expired",)

    def strike(self, run: Run) -> None:
        headers = {"Idempotency-Key": (key := run.new_key())}
        order = {"targets": ["es"], "source_language": "en"}
        replies = run.together(run.crowd, lambda _: run.call("POST", "/v1/jobs", json=order, headers=headers))
        made = {reply.json()["id"] for reply in replies if reply is not None and reply.status_code == 201}
        run.accepted[key] = made
        run.struck += len(replies)


class CreditForOne(Row):
    number = 13
    name = "fifty requests with credit for one"
    fault = "fifty different jobs at the same moment, and credit for one"
    expects = "one job; the balance is never negative"
    guard = "the constraint that the balance covers what is held"
    breaks = ("I1", "I2")
    credits = 1
    ends = ("expired",)

    def strike(self, run: Run) -> None:
        bodies = {"targets": ["es"], "source_language": "en"}
        replies = run.together(run.crowd, lambda _: run.call("POST", "/v1/jobs", json=bodies))
        self.statuses = sorted({0 if reply is None else reply.status_code for reply in replies})
        for number, reply in enumerate(replies):
            if reply is not None and reply.status_code == 201:
                run.accepted[str(number)] = {reply.json()["id"]}
        run.struck += len(replies)

    @contextmanager
    def unguarded(self, run: Run) -> Iterator[None]:
        overdraw(run)
        yield

    def expect(self, run: Run) -> Iterator[str]:
        if len(run.accepted) != 1:
            yield f"I2 credit for one job was accepted for {len(run.accepted)}: {self.statuses}"
