"""The state machine as the database keeps it."""
# ruff: noqa: PT012 - leaving the block is what raises

from itertools import product

import pytest
from sqlalchemy.exc import DBAPIError

from shared.db.errors import IllegalTransition
from shared.jobs.repository import JobRepository
from shared.jobs.states import JOB_MOVES, TARGET_MOVES, JobState, TargetState


def job_in(database, account, state):
    return database.job(account, state=state)


def target_in(database, account, state):
    job = database.job(account)
    insert = "insert into job_targets (job_id, account_id, language, state) values (:j, :a, 'es', :s)"
    database.run(insert, j=job, a=account, s=state)
    return job


def test_a_job_moves_only_along_its_ways(database):
    account = database.account()
    for here, there in product(JobState, JobState):
        job = job_in(database, account, here)
        allowed = here is there or there in JOB_MOVES.get(here, set())
        assert moves(lambda j=job, s=there: change(database, account, j, s)) is allowed, (here, there)
        found = database.value("select state from jobs where id = :j", j=job)
        assert found == (there if allowed else here)


def test_a_target_moves_only_along_its_ways(database):
    account = database.account()
    for here, there in product(TargetState, TargetState):
        job = target_in(database, account, here)
        allowed = here is there or there in TARGET_MOVES.get(here, set())
        assert moves(lambda j=job, s=there: change_target(database, account, j, s)) is allowed, (here, there)
        found = database.value("select state from job_targets where job_id = :j", j=job)
        assert found == (there if allowed else here)


def moves(change):
    try:
        change()
    except IllegalTransition:
        return False
    return True


def change(database, account, job, state):
    with database.uow(account) as uow:
        JobRepository(uow).change(job, state=state)


def change_target(database, account, job, state):
    with database.uow(account) as uow:
        JobRepository(uow).change_targets(job, ["es"], state=state)


def test_one_illegal_move_undoes_everything_beside_it(database):
    account = database.account()
    waiting, ended = database.job(account), database.job(account, state="failed")
    with pytest.raises(IllegalTransition), database.uow(account) as uow:
        JobRepository(uow).change(waiting, state=JobState.QUEUED)
        JobRepository(uow).change(ended, state=JobState.QUEUED)
    assert database.value("select state from jobs where id = :j", j=waiting) == "awaiting_upload"


def test_an_ended_job_may_still_change_what_is_not_its_state(database):
    account = database.account()
    job = database.job(account, state="completed")
    with database.uow(account) as uow:
        JobRepository(uow).change(job, name="renamed")
    assert database.value("select name from jobs where id = :j", j=job) == "renamed"


def test_there_are_no_states_but_the_known_ones(database):
    account = database.account()
    with pytest.raises(DBAPIError, match="jobs_state_check"):
        job_in(database, account, "lost")
    with pytest.raises(DBAPIError, match="job_targets_state_check"):
        target_in(database, account, "lost")
