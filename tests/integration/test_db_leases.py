"""Leases, deadlines and idempotency keys: who may go on, on the database's clock."""

import threading
from datetime import timedelta

import pytest

from shared.core.errors import ImangorError
from shared.db.deadlines import Action, Deadline, clear_deadline, set_deadline, take_due
from shared.db.idempotency import (
    LIFETIME,
    LOCK,
    Finished,
    IdempotencyKeys,
    KeyInProgress,
    KeyReused,
    Reserved,
)
from shared.db.leases import Lease, LeaseHeld, LeaseLost, acquire, confirm, release

SECOND = timedelta(seconds=1)


@pytest.fixture
def account(database):
    return database.account()


def take(database, account, name="job_1/recognise/", seconds=60.0):
    with database.uow(account) as uow:
        return acquire(uow, name, seconds)


def use(database, account, lease):
    with database.uow(account) as uow:
        confirm(uow, lease)


def test_a_lease_is_exclusive_and_tells_when_it_will_be_free(database, account):
    lease = take(database, account)
    with pytest.raises(LeaseHeld) as caught:
        take(database, account)
    assert caught.value.when == database.value("select expires_at from leases")
    use(database, account, lease)
    assert take(database, account, "job_1/render/es").token > lease.token


def test_a_lease_expires_by_the_databases_clock(database, account):
    late = take(database, account, seconds=60)
    database.move_clock(timedelta(seconds=30))
    with pytest.raises(LeaseHeld):
        take(database, account)
    database.move_clock(timedelta(seconds=61))
    # Nobody has taken it over: the work may still be recorded.
    use(database, account, late)
    fresh = take(database, account)
    assert fresh.token > late.token
    with pytest.raises(LeaseLost):
        use(database, account, late)
    use(database, account, fresh)


def test_an_old_worker_cannot_release_the_lease_of_its_successor(database, account):
    late = take(database, account, seconds=60)
    database.move_clock(timedelta(seconds=61))
    take(database, account)
    with database.uow(account) as uow:
        release(uow, late)
    with pytest.raises(LeaseHeld):
        take(database, account)


def test_a_released_lease_is_free_at_once_and_tokens_grow(database, account):
    tokens = []
    for _ in range(3):
        lease = take(database, account)
        tokens.append(lease.token)
        with database.uow(account) as uow:
            release(uow, lease)
    assert tokens == sorted(set(tokens))


def test_a_lease_whose_claim_was_rolled_back_is_free(database, account):
    def claim_and_fail():
        with database.uow(account) as uow:
            acquire(uow, "x", 60)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        claim_and_fail()
    take(database, account, "x")


def test_of_many_workers_one_gets_the_lease(database, account, together):
    results = together(*[lambda: take(database, account)] * 16)
    assert sum(isinstance(result, Lease) for result in results) == 1
    assert sum(isinstance(result, LeaseHeld) for result in results) == 15


def test_nobody_takes_over_while_the_work_is_being_recorded(database, account):
    lease, found = take(database, account, seconds=60), []
    database.move_clock(timedelta(seconds=61))
    thread = threading.Thread(target=lambda: found.append(take(database, account)))
    with database.uow(account) as uow:
        confirm(uow, lease)
        thread.start()
        thread.join(0.2)
        assert found == []
    thread.join(5)
    assert found[0].token > lease.token


def due(database, limit=10, again=timedelta(minutes=5)):
    with database.uow(system=True) as uow:
        return take_due(uow, limit, again)


def test_a_job_has_one_deadline_and_the_last_one_counts(database, account):
    job = database.job(account)
    with database.uow(account) as uow:
        set_deadline(uow, job, Action.EXPIRE_UPLOAD, timedelta(hours=24))
        set_deadline(uow, job, Action.RESCUE, timedelta(minutes=30))
    assert due(database) == []
    database.move_clock(timedelta(minutes=31))
    assert due(database) == [Deadline(job, account, Action.RESCUE)]
    assert due(database) == []
    database.move_clock(timedelta(minutes=37))
    assert due(database) == [Deadline(job, account, Action.RESCUE)]
    with database.uow(account) as uow:
        clear_deadline(uow, job)
    database.move_clock(timedelta(days=2))
    assert due(database) == []


def test_concurrent_sweepers_share_the_due_deadlines(database, account, together):
    jobs = [database.job(account) for _ in range(12)]
    with database.uow(account) as uow:
        for job in jobs:
            set_deadline(uow, job, Action.ERASE, timedelta())
    database.move_clock(SECOND)
    taken = [deadline.job for found in together(*[lambda: due(database, 4)] * 3) for deadline in found]
    assert len(taken) == len(set(taken))
    taken += [deadline.job for deadline in due(database, 20)]
    assert sorted(taken) == sorted(jobs)


class Caller:
    """One principal with its keys; `work` does what the reservation is for."""

    def __init__(self, database, account, principal="key_1"):
        self.database, self.account = database, account
        self.uow = None
        self.keys = IdempotencyKeys(principal, lambda: database.uow(account), lambda: self.uow)

    def reserve(self, key="k", fingerprint="f", operation="create_job"):
        return self.keys.reserve(operation, key, fingerprint)

    def finish(self, reservation, body=b"{}"):
        with self.database.uow(self.account) as self.uow:
            self.keys.finish(reservation, 201, {"Location": "/v1/jobs/1"}, body)


@pytest.fixture
def caller(database, account):
    return Caller(database, account)


def test_a_key_is_reserved_finished_and_replayed(caller):
    caller.finish(caller.reserve(), b'{"id": "\xc3\xa4"}')
    for _ in range(2):
        assert caller.reserve() == Finished(201, {"Location": "/v1/jobs/1"}, b'{"id": "\xc3\xa4"}')


def test_a_key_belongs_to_one_request(caller):
    reservation = caller.reserve()
    with pytest.raises(KeyReused):
        caller.reserve(fingerprint="another")
    with pytest.raises(KeyInProgress):
        caller.reserve()
    caller.finish(reservation)
    with pytest.raises(KeyReused):
        caller.reserve(fingerprint="another")


def test_keys_of_other_principals_and_operations_are_other_keys(caller, database, account):
    caller.finish(caller.reserve())
    assert isinstance(caller.reserve(operation="retry_job"), Reserved)
    assert isinstance(Caller(database, account, "key_2").reserve(), Reserved)


def test_an_attempt_that_died_frees_the_key_when_its_lock_runs_out(caller, database):
    died = caller.reserve()
    database.move_clock(LOCK - SECOND)
    with pytest.raises(KeyInProgress):
        caller.reserve()
    database.move_clock(LOCK + SECOND)
    with pytest.raises(KeyReused):
        caller.reserve(fingerprint="another")
    second = caller.reserve()
    assert second.token != died.token
    with pytest.raises(KeyInProgress):
        caller.finish(died)
    caller.finish(second, b"second")
    assert caller.reserve().body == b"second"


def test_a_late_attempt_does_not_commit_its_work(caller, database):
    died = caller.reserve()
    database.move_clock(LOCK + SECOND)
    caller.reserve()

    def late():
        with database.uow(caller.account) as caller.uow:
            caller.uow.sql("update accounts set name = 'changed'")
            caller.keys.finish(died, 201, {}, b"")

    with pytest.raises(KeyInProgress):
        late()
    assert database.value("select name from accounts") == "Somebody"


def test_a_reply_is_forgotten_when_it_expires(caller, database):
    caller.finish(caller.reserve())
    database.move_clock(LIFETIME - SECOND * 10)
    assert isinstance(caller.reserve(), Finished)
    database.move_clock(LIFETIME + SECOND)
    fresh = caller.reserve(fingerprint="another")
    assert isinstance(fresh, Reserved)
    caller.finish(fresh, b"new")
    assert caller.reserve(fingerprint="another").body == b"new"


def test_a_failed_attempt_gives_the_key_back(caller):
    first = caller.reserve()
    caller.keys.abandon(first)
    second = caller.reserve(fingerprint="another")
    assert isinstance(second, Reserved)
    caller.keys.abandon(first)
    with pytest.raises(KeyInProgress):
        caller.reserve(fingerprint="another")
    caller.finish(second)
    caller.keys.abandon(second)
    assert isinstance(caller.reserve(fingerprint="another"), Finished)


def test_giving_a_key_back_never_hides_why_the_request_failed(caller, database):
    reservation = caller.reserve()
    database.run("alter role fn_app connection limit 0")
    try:
        database.server.engine("fn_app").dispose()
        caller.keys.abandon(reservation)
    finally:
        database.run("alter role fn_app connection limit -1")
    with pytest.raises(KeyInProgress):
        caller.reserve()


def test_of_many_concurrent_attempts_one_wins(caller, together):
    results = together(*[caller.reserve] * 16)
    assert sum(isinstance(result, Reserved) for result in results) == 1
    assert sum(isinstance(result, KeyInProgress) for result in results) == 15
    assert not [r for r in results if not isinstance(r, (Reserved, ImangorError))]


def test_of_many_attempts_after_a_death_one_takes_over(caller, database, together):
    caller.reserve()
    database.move_clock(LOCK + SECOND)
    results = together(*[caller.reserve] * 8)
    assert sum(isinstance(result, Reserved) for result in results) == 1
