"""Many callers at once: one key makes one job, and credit for one job makes one job."""

import pytest

from shared.cache.redis import RedisCache
from shared.core.config import RedisSettings
from shared.core.errors import KeyInProgress
from shared.db.idempotency import Finished, IdempotencyKeys
from shared.jobs.schemas import CreateJob
from shared.jobs.service import JobService
from shared.ledger.errors import InsufficientCredits
from shared.ledger.service import Ledger

MANY = 50
ORDER = CreateJob.model_validate({"targets": ["es"]})


def accept(desk, key):
    """One request, as the edge's steps make it: reserve, then work and record in one transaction."""
    uow = desk.uow()
    keys = IdempotencyKeys("key_1", desk.uow, lambda: uow)
    outcome = keys.reserve("create_job", key, "f")
    if isinstance(outcome, Finished):
        return outcome.body.decode()
    service = JobService(lambda: uow, desk.uow, desk.uploads, desk.languages, RedisCache(RedisSettings()))
    try:
        with uow:
            job = service.create(desk.principal, ORDER)
            keys.finish(outcome, 201, {}, job.id.encode())
    except BaseException:
        keys.abandon(outcome)
        raise
    return job.id


def test_fifty_with_one_key_make_one_job(desk, together):
    results = together(*[lambda: accept(desk, "the key")] * MANY)
    made = {result for result in results if isinstance(result, str)}
    assert len(made) == 1
    assert all(isinstance(result, str | KeyInProgress) for result in results)
    assert desk.database.value("select count(*) from jobs") == 1
    assert desk.balance == (9, 1)
    assert accept(desk, "the key") in made


def test_fifty_with_credit_for_one_make_one_job(database, desk, together):
    poor = desk.__class__(database, 1)
    results = together(*[lambda n=n: accept(poor, f"key {n}") for n in range(MANY)])
    assert sum(isinstance(result, str) for result in results) == 1
    assert sum(isinstance(result, InsufficientCredits) for result in results) == MANY - 1
    assert poor.balance == (0, 1)
    assert database.value("select count(*) from jobs where account_id = :a", a=poor.account) == 1


def test_who_was_refused_for_credits_may_come_again_with_the_same_key(database, desk):
    poor = desk.__class__(database, 0)
    with pytest.raises(InsufficientCredits):
        accept(poor, "k")
    with poor.uow() as uow:
        Ledger(uow).grant(1, "paid")
    assert accept(poor, "k").startswith("job_")


def test_a_job_by_key_is_two_commits_of_one_and_two_statements(desk):
    with desk.database.statements() as seen:
        accept(desk, "k")
    work = [statement for statement in seen if "set_config" not in statement]
    assert len(seen) - len(work) == 2
    # The key; all of the job with the finished key; the hold.
    assert len(work) == 3
    assert "idempotency_keys" in work[0]
    assert all(table in work[1] for table in ("jobs", "job_targets", "deadlines", "idempotency_keys"))
    assert "ledger_transactions" in work[2]
