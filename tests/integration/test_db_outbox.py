"""Outbox and inbox: effects leave once after commit, and events come in once, whoever crashes when."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from shared.core import tracing
from shared.core.ids import new_id
from shared.db.inbox import Inbox
from shared.db.outbox import CLAIM, claim_unsent, mark_sent, oldest_unsent_seconds

LATER = CLAIM + timedelta(seconds=1)


class Stop(Exception):
    pass


@pytest.fixture
def account(database):
    return database.account()


def unsent(database):
    return database.rows(
        "select id, kind, destination, payload from outbox where sent_at is null order by id"
    )


def sweep(database, limit=10):
    with database.uow(system=True) as uow:
        return claim_unsent(uow, limit)


def test_effects_are_written_with_the_change_and_handed_over_after_commit(database, account):
    seen = []

    def deliver(effects):
        assert len(unsent(database)) == 3
        seen.extend(effects)

    with database.uow(account, deliver=deliver) as uow:
        uow.outbox.task("process_image", {"job": "job_1"})
        uow.outbox.event("on-job-event", {"type": "job.completed"})
        uow.outbox.erase({"source": "uploads/x"})
        assert unsent(database) == []
        assert seen == []
    assert [(e.account, e.kind, e.destination, e.payload, e.due_at) for e in seen] == [
        (account, "task", "process_image", {"job": "job_1"}, None),
        (account, "event", "on-job-event", {"type": "job.completed"}, None),
        (account, "erase", "", {"source": "uploads/x"}, None),
    ]
    assert [tuple(row) for row in unsent(database)] == [
        (e.id, e.kind, e.destination, e.payload) for e in seen
    ]


def test_nothing_is_written_or_delivered_on_rollback(database, account):
    seen = []

    def work():
        with database.uow(account, deliver=seen.extend) as uow:
            uow.outbox.task("process_image", {})
            raise Stop

    with pytest.raises(Stop):
        work()
    assert unsent(database) == []
    assert seen == []


def test_effects_that_a_hook_adds_are_not_lost(database, account):
    seen = []
    with database.uow(account, deliver=seen.extend) as uow:
        uow.outbox.task("first", {})
        uow.before_commit(lambda: uow.outbox.task("second", {}))
    assert [effect.destination for effect in seen] == ["first", "second"]
    assert [row.destination for row in unsent(database)] == ["first", "second"]


def test_a_sweeper_leaves_alone_what_is_being_sent(database, account):
    with database.uow(account) as uow:
        uow.outbox.task("process_image", {"job": "job_1"})
    assert sweep(database) == []
    database.move_clock(LATER)
    (effect,) = sweep(database)
    assert (effect.account, effect.payload) == (account, {"job": "job_1"})
    assert sweep(database) == []
    database.move_clock(LATER * 2)
    assert sweep(database) == [effect]
    assert database.value("select attempts from outbox") == 2


def test_an_effect_belongs_to_the_trace_that_wrote_it_whoever_sends_it(database, account):
    with tracing.serving("request", tracing.Kind.SERVER, None) as span, database.uow(account) as uow:
        uow.outbox.task("process_image", {})
    database.move_clock(LATER)
    with tracing.serving("sweep", tracing.Kind.CONSUMER, None):
        (effect,) = sweep(database)
    assert effect.trace == span.traceparent


def test_what_is_marked_as_sent_never_comes_back(database, account):
    sent = []
    with database.uow(account, deliver=sent.extend) as uow:
        uow.outbox.task("process_image", {})
        uow.outbox.event("on-job-event", {})
    with database.uow(account) as uow:
        mark_sent(uow, [sent[0].id])
    database.move_clock(LATER)
    assert [effect.id for effect in sweep(database)] == [sent[1].id]


def test_another_account_cannot_mark_an_effect_as_sent(database, account):
    sent = []
    with database.uow(account, deliver=sent.extend) as uow:
        uow.outbox.task("process_image", {})
    with database.uow(database.account()) as uow:
        mark_sent(uow, [sent[0].id])
    assert len(unsent(database)) == 1


@pytest.mark.parametrize("absolute", [False, True])
def test_a_future_task_goes_to_the_queue_at_once_with_its_time(database, account, absolute):
    ahead, seen = timedelta(hours=2), []
    expected = datetime.now(UTC) + ahead
    with database.uow(account, deliver=seen.extend) as uow:
        uow.outbox.task("process_image", {}, due=expected if absolute else ahead)
    (effect,) = seen
    assert abs(effect.due_at - expected) < timedelta(seconds=30)


def test_a_future_erasure_is_claimed_when_it_is_due_and_not_before(database, account):
    seen = []
    with database.uow(account, deliver=seen.extend) as uow:
        uow.outbox.erase({"source": "now"})
        uow.outbox.erase({"source": "later"}, due=timedelta(hours=1))
    assert [effect.payload["source"] for effect in seen] == ["now"]
    with database.uow(account) as uow:
        mark_sent(uow, [seen[0].id])
    database.move_clock(timedelta(minutes=59))
    assert sweep(database) == []
    database.move_clock(timedelta(hours=1) + LATER)
    (effect,) = sweep(database)
    assert (effect.payload["source"], effect.due_at) == ("later", None)


def test_concurrent_sweepers_take_each_row_once(database, account, together):
    with database.uow(account) as uow:
        for n in range(60):
            uow.outbox.task("process_image", {"n": n})
    database.move_clock(LATER)
    taken = together(*[lambda: sweep(database, 20)] * 4)
    ids = [effect.id for effects in taken for effect in effects]
    assert len(ids) == len(set(ids))
    ids += [effect.id for effect in sweep(database, 100)]
    assert sorted(ids) == [row.id for row in unsent(database)]


def test_a_sweeper_does_not_wait_for_another_and_skips_its_rows(database, account):
    with database.uow(account) as uow:
        for n in range(4):
            uow.outbox.task("process_image", {"n": n})
    database.move_clock(LATER)
    with database.uow(system=True) as one, database.uow(system=True) as two:
        two.sql("set local lock_timeout = '500ms'")
        first, second = claim_unsent(one, 2), claim_unsent(two, 3)
    assert [effect.payload["n"] for effect in first] == [0, 1]
    assert [effect.payload["n"] for effect in second] == [2, 3]


def test_the_age_of_the_oldest_unsent_row_is_known(database, account):
    with database.uow(system=True) as uow:
        assert oldest_unsent_seconds(uow) == 0
    with database.uow(account) as uow:
        uow.outbox.task("process_image", {})
        uow.outbox.task("process_image", {}, due=timedelta(days=1))
    database.move_clock(timedelta(minutes=5))
    with database.uow(system=True) as uow:
        assert 300 <= oldest_unsent_seconds(uow) < 330


def test_an_event_is_new_once(database):
    for expected in (True, False, False):
        with database.uow() as uow:
            assert Inbox(uow).first_time("//storage/uploads", "a#1") is expected
    with database.uow() as uow:
        assert Inbox(uow).first_time("//storage/uploads", "a#2")
        assert Inbox(uow).first_time("//storage/results", "a#1")


def test_an_event_whose_work_was_rolled_back_is_new_again(database):
    def work():
        with database.uow() as uow:
            assert Inbox(uow).first_time("s", "1")
            raise Stop

    for _ in range(2):
        with pytest.raises(Stop):
            work()
    with database.uow() as uow:
        assert Inbox(uow).first_time("s", "1")


@pytest.mark.parametrize("succeeds", [True, False])
def test_a_concurrent_duplicate_waits_for_the_first_to_end(database, succeeds):
    answers = []

    def second():
        with database.uow() as uow:
            answers.append(Inbox(uow).first_time("s", "1"))

    thread = threading.Thread(target=second)

    def first():
        with database.uow() as uow:
            assert Inbox(uow).first_time("s", "1")
            thread.start()
            thread.join(0.2)
            assert answers == []
            if not succeeds:
                raise Stop

    if succeeds:
        first()
    else:
        with pytest.raises(Stop):
            first()
    thread.join(5)
    assert answers == [not succeeds]


def test_identities_hold_nothing_that_can_be_read(database):
    name = f"inbox/{new_id('acc')}/en-es/passport.jpg"
    with database.uow() as uow:
        Inbox(uow).first_time("s", name)
    identity = bytes(database.value("select identity from inbox"))
    assert len(identity) == 32
    assert b"passport" not in identity
