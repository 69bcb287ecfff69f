"""What the sweep does as time goes by, as the system's user."""

from datetime import timedelta

import pytest

from shared.cache.redis import RedisCache
from shared.core.config import RedisSettings
from shared.db.idempotency import IdempotencyKeys
from shared.db.inbox import Inbox
from shared.db.leases import acquire
from shared.db.outbox import CLAIM
from shared.jobs import upkeep
from shared.jobs.arrivals import Arrivals
from shared.jobs.dispatch import RESCUE_AFTER
from shared.jobs.endings import complete_target, end_job
from shared.jobs.messages import Arrival
from shared.jobs.repository import JobRepository
from shared.jobs.service import UPLOAD_WINDOW
from shared.jobs.states import JobState, TargetState
from shared.jobs.upkeep import GIVE_UP_AFTER, Upkeep
from shared.scenes.repository import SceneRepository
from shared.scenes.schemas import Scene, Source
from shared.translation.memory import keep

NO_CACHE = RedisCache(RedisSettings())

RETENTION = timedelta(days=30)
MINUTE = timedelta(minutes=1)
SCENE = Scene(
    source=Source(sha256="0" * 64, media_type="image/png", width=8, height=8), engine="test", blocks=[]
)


def still_there(name, generation):
    return True


def sweep(desk, after=None):
    if after is not None:
        desk.database.move_clock(after)
    Upkeep(
        lambda account: desk.uow(account, system=True), desk.sent.extend, RedisCache(RedisSettings())
    ).sweep()


def start(desk, *targets):
    """A job whose file has come."""
    job = desk.create(*targets).id
    with desk.uow() as uow:
        arrival = Arrival(f"uploads/{desk.account}/{job}/source", 7, 100)
        Arrivals(uow, desk.languages, still_there).arrived(arrival)
    sent(desk)
    return job


def sent(desk):
    """What was sent; marks it as such, so that no sweep sends it again."""
    desk.database.run("update outbox set sent_at = clock_now() where due_at <= clock_now()")
    return desk.take_sent()


def process(desk, job, done=()):
    with desk.uow() as uow:
        repository = JobRepository(uow)
        repository.change(job, state=JobState.PROCESSING)
        SceneRepository(uow).add(job, SCENE)
        for language in done:
            repository.change_targets(job, [language], state=TargetState.PROCESSING)
            complete_target(uow, repository.get(job), language, {})
    sent(desk)


def fail(desk, job):
    with desk.uow() as uow:
        end_job(uow, JobRepository(uow).get(job, lock=True), JobState.FAILED)
    sent(desk)


def test_what_an_outage_left_is_sent_in_one_round(desk):
    desk.database.run(
        "insert into outbox (account_id, kind, destination, payload, due_at, claimed_until)"
        " select :a, 'task', 'process_image', '{}', clock_now(), clock_now() - interval '1 second'"
        " from generate_series(1, :n)",
        a=desk.account, n=2 * upkeep.BATCH + 1,
    )  # fmt: skip
    sweep(desk)
    assert len(sent(desk)) == 2 * upkeep.BATCH + 1


def test_an_upload_that_never_comes_expires(desk):
    job = desk.create("es", "fr").id
    sweep(desk, UPLOAD_WINDOW - MINUTE)
    assert desk.job(job).state is JobState.AWAITING_UPLOAD
    sweep(desk, UPLOAD_WINDOW + MINUTE)
    expired = desk.job(job)
    assert expired.state is JobState.EXPIRED
    assert {target.state for target in expired.targets} == {TargetState.CANCELLED}
    assert desk.balance == (10, 0)
    assert sent(desk) == [("event", "on-job-event", {"job": job, "type": "job.expired"})]
    sweep(desk, UPLOAD_WINDOW + 10 * MINUTE)
    assert sent(desk) == []


def test_a_job_without_progress_gets_its_tasks_again(desk):
    job = start(desk, "es", "fr")
    sweep(desk, RESCUE_AFTER - MINUTE)
    assert sent(desk) == []
    sweep(desk, RESCUE_AFTER + MINUTE)
    assert [body["step"] for _, _, body in sent(desk)] == ["recognise"]
    sweep(desk)
    assert sent(desk) == []
    process(desk, job, done=["es"])
    sweep(desk, 3 * RESCUE_AFTER)
    assert [(body["step"], body["target"]) for _, _, body in sent(desk)] == [("render", "fr")]


def test_a_job_without_progress_for_a_day_is_given_up(desk):
    job = start(desk, "es", "fr")
    sweep(desk, GIVE_UP_AFTER + MINUTE)
    given_up = desk.job(job)
    assert (given_up.state, given_up.error.slug) == (JobState.FAILED, "job-stuck")
    assert desk.balance == (10, 0)


def test_what_a_job_given_up_has_done_stays_done(desk):
    job = start(desk, "es", "fr")
    process(desk, job, done=["es"])
    sweep(desk, GIVE_UP_AFTER + MINUTE)
    given_up = desk.job(job)
    assert given_up.state is JobState.PARTLY_COMPLETED
    assert {t.language: t.state for t in given_up.targets} == {
        "es": TargetState.DONE,
        "fr": TargetState.FAILED,
    }
    assert desk.balance == (9, 0)


def test_the_time_spent_waiting_for_the_upload_does_not_count(desk):
    desk.database.move_clock(timedelta())
    job = desk.create("es").id
    desk.database.move_clock(UPLOAD_WINDOW - MINUTE)
    with desk.uow() as uow:
        Arrivals(uow, desk.languages, still_there).arrived(
            Arrival(f"uploads/{desk.account}/{job}/source", 7, 100)
        )
    sent(desk)
    for after in (RESCUE_AFTER, 2 * RESCUE_AFTER, 3 * RESCUE_AFTER):
        sweep(desk, UPLOAD_WINDOW + after + MINUTE)
        assert [body["step"] for _, _, body in sent(desk)] == ["recognise"]


def erasures(desk):
    return [body for kind, _, body in sent(desk) if kind == "erase"]


def test_the_media_of_an_ended_job_are_erased_after_their_time(desk):
    job = start(desk, "es")
    process(desk, job, done=["es"])
    assert desk.job(job).state is JobState.COMPLETED
    sweep(desk, RETENTION - MINUTE)
    assert erasures(desk) == []
    sweep(desk, RETENTION + MINUTE)
    (body,) = erasures(desk)
    assert body["source"] == f"uploads/{desk.account}/{job}/source"
    assert (body["job"], body["results"][0]) == (job, f"results/{desk.account}/{job}/")
    assert desk.database.rows("select job_id from scenes") == []
    assert desk.job(job).state is JobState.COMPLETED
    # Once more, for what a late worker wrote meanwhile; and never again.
    sweep(desk, RETENTION + timedelta(hours=1) + CLAIM + 2 * MINUTE)
    assert len(erasures(desk)) == 1
    sweep(desk, 2 * RETENTION)
    assert erasures(desk) == []


def test_what_a_job_bought_is_forgotten_with_its_media_and_nothing_else(desk):
    kept, gone = start(desk, "es"), start(desk, "es")
    for job in (kept, gone):
        with desk.uow() as uow:
            keep(uow, {job.encode(): {"words": "private"}}, job)
    desk.call("delete", gone)
    with desk.uow() as uow:
        keep(uow, {b"late": {"words": "private"}}, gone)
    assert desk.database.rows("select bought_by from provider_results") == [(kept,)]
    assert desk.database.rows("select job_id from scenes where job_id = :j", j=gone) == []


def test_a_source_that_a_retry_shares_is_erased_with_the_last_job_that_has_it(desk):
    parent = start(desk, "es")
    fail(desk, parent)
    desk.database.move_clock(timedelta(days=5))
    child = desk.call("retry", desk.principal, parent).id
    sent(desk)
    fail(desk, child)
    sweep(desk, RETENTION + MINUTE)
    (body,) = erasures(desk)
    assert "source" not in body
    sweep(desk, RETENTION + timedelta(days=5) + MINUTE)
    bodies = erasures(desk)
    assert [b["source"] for b in bodies if "source" in b] == [f"uploads/{desk.account}/{parent}/source"]


def test_a_rescue_that_comes_too_late_does_not_keep_the_media_for_ever(desk):
    """The job ends between the sweeper's taking of its deadline and its acting on it."""
    job = start(desk, "es")
    desk.database.move_clock(RESCUE_AFTER + MINUTE)
    ended = []

    def open_uow(account):
        if account is not None and not ended:
            ended.append(account)
            desk.call("cancel", job)
        return desk.uow(account, system=True)

    Upkeep(open_uow, desk.sent.extend, NO_CACHE).sweep()
    assert desk.job(job).state is JobState.CANCELLED
    sent(desk)
    sweep(desk, RETENTION + RESCUE_AFTER + 2 * MINUTE)
    assert [body["source"] for body in erasures(desk)] == [f"uploads/{desk.account}/{job}/source"]


def test_one_jobs_trouble_does_not_keep_the_others_waiting(desk, caplog, monkeypatch):
    jobs = [desk.create("es").id for _ in range(3)]

    def expire(uow, job):
        if job.id == jobs[1]:
            raise RuntimeError
        end_job(uow, job, JobState.EXPIRED)

    actions = upkeep._ACTIONS | {upkeep.Action.EXPIRE_UPLOAD: expire}
    monkeypatch.setattr(upkeep, "_ACTIONS", actions)
    sweep(desk, UPLOAD_WINDOW + MINUTE)
    states = [desk.job(job).state for job in jobs]
    assert states == [JobState.EXPIRED, JobState.AWAITING_UPLOAD, JobState.EXPIRED]
    assert "a deadline could not be kept" in caplog.text
    monkeypatch.undo()
    sweep(desk, UPLOAD_WINDOW + 7 * MINUTE)
    assert desk.job(jobs[1]).state is JobState.EXPIRED


def test_what_a_crash_left_in_the_outbox_is_sent(desk):
    with desk.database.uow(desk.account) as uow:
        uow.outbox.task("process_image", {"job": "job_1"})
    sweep(desk)
    assert desk.take_sent() == []
    sweep(desk, CLAIM + MINUTE)
    assert desk.take_sent() == [("task", "process_image", {"job": "job_1"})]


def test_two_sweepers_at_once_do_each_thing_once(desk, together):
    for _ in range(6):
        desk.create("es")
    desk.database.move_clock(UPLOAD_WINDOW + MINUTE)
    assert together(*[lambda: sweep(desk)] * 3) == [None] * 3
    assert len(desk.take_sent()) == 6
    assert desk.balance == (10, 0)


def test_what_is_old_is_forgotten_and_what_is_young_is_not(desk):
    def fill(name):
        with desk.uow() as uow:
            Inbox(uow).first_time("s", name)
            uow.outbox.event("t", {"n": name})
            acquire(uow, name, 60)
        IdempotencyKeys("key_1", desk.uow, desk.uow).reserve("o", name, "f")

    fill("old")
    desk.database.run("update outbox set sent_at = clock_now()")
    desk.database.move_clock(timedelta(days=31))
    fill("young")
    desk.database.run("update outbox set sent_at = clock_now() where sent_at is null")
    sweep(desk)
    for table in ("inbox", "outbox", "leases", "idempotency_keys"):
        assert desk.database.value(f"select count(*) from {table}") == 1, table  # noqa: S608 - our own names


@pytest.mark.parametrize("after", [timedelta(), timedelta(days=40)])
def test_an_effect_that_was_never_sent_is_never_forgotten(desk, after):
    with desk.database.uow(desk.account) as uow:
        uow.outbox.task("process_image", {"job": "job_1"})
    sweep(desk, after)
    assert desk.database.value("select count(*) from outbox") == 1
