"""Every job that ended has its webhook event, whatever ended it: no event that is lost loses it."""

from datetime import timedelta

import pytest

from shared.cache.redis import RedisCache
from shared.core.config import RedisSettings
from shared.jobs.arrivals import Arrivals
from shared.jobs.endings import complete_target, fail_target
from shared.jobs.errors import StepFailed
from shared.jobs.messages import Arrival
from shared.jobs.rejected import DeadLetters
from shared.jobs.repository import JobRepository
from shared.jobs.states import JobState, TargetState
from shared.jobs.upkeep import Upkeep
from shared.webhooks.endpoints import Endpoints

NO_CACHE = RedisCache(RedisSettings())

EVENTS = """
select type, data->>'job' as job, data->'targets' as targets, data->>'error' as error from webhook_events
"""


def announced(desk):
    return [tuple(row) for row in desk.database.rows(EVENTS)]


def target(language, state, error=None):
    return {"language": language, "state": state, "error": error}


def upload(desk, job):
    return Arrival(f"uploads/{desk.account}/{job}/source", 7, 100)


@pytest.mark.parametrize("ending", ["cancel", "delete"])
def test_a_job_that_its_owner_ends_is_announced_with_its_end(desk, ending):
    job = desk.create("es").id
    desk.call(ending, job)
    assert announced(desk) == [("job.cancelled", job, [target("es", "cancelled")], None)]


def test_a_job_is_announced_when_its_last_language_ends(desk):
    job = desk.create("es", "fr").id
    with desk.uow() as uow:
        Arrivals(uow, desk.languages, lambda name, generation: True).arrived(upload(desk, job))
    with desk.uow() as uow:
        record = JobRepository(uow).get(job, lock=True)
        JobRepository(uow).change(job, state=JobState.PROCESSING)
        JobRepository(uow).change_targets(job, ["es", "fr"], state=TargetState.PROCESSING)
        complete_target(uow, record, "es", {"result_object": "es"})
    assert announced(desk) == []
    with desk.uow() as uow:
        fail_target(uow, JobRepository(uow).get(job, lock=True), "fr", StepFailed())
    targets = [target("es", "done"), target("fr", "failed", StepFailed.slug)]
    assert announced(desk) == [("job.partly_completed", job, targets, None)]


def test_the_sweep_announces_what_it_ends_to_the_accounts_endpoints(desk):
    job = desk.create("es").id
    with desk.uow() as uow:
        endpoint = {"id": "whe_1", "url": "https://hooks.test", "types": [], "description": ""}
        Endpoints(uow).add(endpoint)
    desk.database.move_clock(timedelta(hours=25))
    desk.take_sent()
    Upkeep(
        lambda account: desk.uow(account, system=True), desk.sent.extend, RedisCache(RedisSettings())
    ).sweep()
    assert announced(desk) == [("job.expired", job, [target("es", "cancelled")], None)]
    assert [sent[:2] for sent in desk.take_sent()] == [("task", "deliver_webhook"), ("event", "on-job-event")]


def test_a_job_that_is_born_failed_is_announced(desk):
    with desk.uow() as uow:
        arrival = Arrival(f"inbox/{desk.account}/nonsense/sign.jpg", 7, 100)
        Arrivals(uow, desk.languages, lambda name, generation: True).arrived(arrival)
    ((kind, _, targets, error),) = announced(desk)
    assert (kind, targets, error) == ("job.failed", [], "inbox-path-invalid")


def test_a_job_whose_upload_was_given_up_is_announced(desk):
    job = desk.create("es").id
    with desk.uow(None, system=True) as uow:
        attributes = {"objectId": upload(desk, job).name, "objectGeneration": "7"}
        DeadLetters(uow, lambda identity: None).keep("1", attributes, "")
    problem = "upload-not-processed"
    assert announced(desk) == [("job.failed", job, [target("es", "failed", problem)], problem)]
