"""One attempt at a step, recorded under its lease; and late, doubled and dying workers."""

# ruff: noqa: PT012 - leaving the block is what raises

import threading
from datetime import timedelta

import pytest

from shared.core.errors import TransientError
from shared.core.ids import new_id
from shared.db.errors import DatabaseConflict
from shared.db.leases import LeaseHeld, LeaseLost, acquire
from shared.jobs.arrivals import Arrivals
from shared.jobs.endings import complete_target, fail_target
from shared.jobs.errors import StepFailed
from shared.jobs.messages import Arrival, ProcessImage, Try
from shared.jobs.picture import PictureWorker
from shared.jobs.repository import JobRepository
from shared.jobs.states import JobState, TargetState
from shared.jobs.steps import claimed
from shared.providers.call import Call
from shared.scenes.repository import SceneRepository
from shared.scenes.schemas import Scene, Source

LEASE = 60
SCENE = Scene(
    source=Source(sha256="0" * 64, media_type="image/png", width=8, height=8), engine="test", blocks=[]
)
CALL = Call("vision", "document_text", 1, 250, 0)


def still_there(name, generation):
    return True


@pytest.fixture
def job(desk):
    """A job with two targets whose file has come."""
    job = desk.create("es", "fr").id
    with desk.uow() as uow:
        Arrivals(uow, desk.languages, still_there).arrived(
            Arrival(f"uploads/{desk.account}/{job}/source", 7, 100)
        )
    desk.take_sent()
    return job


def task(desk, job, target=None):
    step = "recognise" if target is None else "render"
    return ProcessImage(account=desk.account, job=job, step=step, target=target)


def claim(desk, job, target=None, attempt=0, limit=6):
    return claimed(desk.uow, task(desk, job, target), Try(attempt, limit, LEASE))


def recognise(desk, job):
    with claim(desk, job) as run:
        if run is not None:
            run.record(lambda uow, record: SceneRepository(uow).add(record.id, SCENE))
    return run


def render(desk, job, target):
    with claim(desk, job, target) as run:
        if run is not None:
            run.record(lambda uow, record: complete_target(uow, record, target, {"result_object": target}))
    return run


def steps(desk):
    return [
        tuple(row)
        for row in desk.database.rows("select step, target, attempt, outcome, error from job_steps")
    ]


def test_a_job_is_recognised_rendered_and_completed(desk, job):
    recognise(desk, job)
    assert desk.job(job).state is JobState.PROCESSING
    render(desk, job, "es")
    half = desk.job(job)
    assert (half.state, half.targets[0].state) == (JobState.PROCESSING, TargetState.DONE)
    assert desk.balance == (8, 1)
    render(desk, job, "fr")
    done = desk.job(job)
    assert done.state is JobState.COMPLETED
    assert done.finished_at is not None
    assert desk.balance == (8, 0)
    assert desk.take_sent() == [("event", "on-job-event", {"job": job, "type": "job.completed"})]
    assert steps(desk) == [
        ("recognise", None, 0, "done", None),
        ("render", "es", 0, "done", None),
        ("render", "fr", 0, "done", None),
    ]


def test_what_is_done_is_not_claimed_again(desk, job):
    recognise(desk, job)
    assert recognise(desk, job) is None
    render(desk, job, "es")
    assert render(desk, job, "es") is None
    assert len(steps(desk)) == 2


def test_what_does_not_exist_is_not_claimed(desk, job):
    assert render(desk, job, "de") is None
    assert recognise(desk, new_id("job")) is None
    other = desk.__class__(desk.database, 0)
    assert recognise(other, job) is None
    assert desk.job(job).state is JobState.QUEUED


@pytest.mark.parametrize("ending", ["cancel", "delete"])
def test_nothing_of_an_ended_job_is_claimed(desk, job, ending):
    desk.call(ending, job)
    assert recognise(desk, job) is None


def test_two_workers_never_do_the_same_step(desk, job):
    with claim(desk, job) as first:
        assert first is not None
        with pytest.raises(LeaseHeld), claim(desk, job):
            pass
        first.record(lambda uow, record: SceneRepository(uow).add(record.id, SCENE))
    with claim(desk, job, "es") as one, claim(desk, job, "fr") as two:
        assert None not in (one, two)


def test_a_started_target_is_seen_by_everybody_who_reads_the_job(desk, job):
    recognise(desk, job)
    before = desk.job(job)
    desk.forgotten.clear()
    with claim(desk, job, "es"):
        started = desk.job(job)
    assert started.targets[0].state is TargetState.PROCESSING
    assert started.version > before.version
    assert any(job in key for key in desk.forgotten)


def test_a_late_workers_result_is_refused_and_changes_nothing(desk, job):
    recognise(desk, job)
    with pytest.raises(LeaseLost), claim(desk, job, "es") as late:
        desk.database.move_clock(timedelta(seconds=LEASE + 1))
        with claim(desk, job, "es", attempt=1) as second:
            late.record(lambda uow, record: complete_target(uow, record, "es", {"result_object": "late"}))
    second.record(lambda uow, record: complete_target(uow, record, "es", {"result_object": "second"}))
    results = desk.database.rows("select result_object from job_targets where language = 'es'")
    assert [tuple(row) for row in results] == [("second",)]
    assert desk.balance == (8, 1)
    assert [row for row in steps(desk) if row[0] == "render"] == [("render", "es", 1, "done", None)]


@pytest.mark.parametrize("ending", ["cancel", "delete"])
def test_the_result_of_a_job_that_ended_meanwhile_is_refused(desk, job, ending):
    with pytest.raises(LeaseLost), claim(desk, job) as run:
        desk.call(ending, job)
        run.record(lambda uow, record: SceneRepository(uow).add(record.id, SCENE))
    assert desk.database.rows("select job_id from scenes") == []
    assert desk.balance == (10, 0)


def test_a_failed_attempt_is_on_the_receipt_and_frees_the_step_at_once(desk, job):
    with pytest.raises(TransientError), claim(desk, job) as run:
        run.calls.append(CALL)
        raise TransientError
    with pytest.raises(ZeroDivisionError), claim(desk, job, attempt=1):
        raise ZeroDivisionError
    assert recognise(desk, job) is not None
    assert steps(desk) == [
        ("recognise", None, 0, "failed", "temporarily-unavailable"),
        ("recognise", None, 1, "failed", "internal"),
        ("recognise", None, 0, "done", None),
    ]
    assert desk.database.rows("select calls from job_steps order by id")[0][0][0]["provider"] == "vision"


def test_a_failed_record_leaves_nothing_and_frees_the_step(desk, job):
    def write(uow, record):
        SceneRepository(uow).add(record.id, SCENE)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), claim(desk, job) as run:
        run.record(write)
    assert desk.database.rows("select job_id from scenes") == []
    assert steps(desk) == [("recognise", None, 0, "failed", "internal")]
    assert recognise(desk, job) is not None


def test_a_worker_that_died_is_replaced_when_its_lease_runs_out(desk, job):
    with desk.uow() as uow:
        acquire(uow, f"{job}/recognise/", LEASE)
    with pytest.raises(LeaseHeld):
        recognise(desk, job)
    desk.database.move_clock(timedelta(seconds=LEASE + 1))
    assert recognise(desk, job) is not None


def test_recording_does_not_meet_a_duplicate_task_in_a_deadlock(desk, job):
    """The duplicate holds the job and asks for the lease, while the worker records."""
    raised = []
    with claim(desk, job) as run:

        def record():
            try:
                run.record(lambda uow, record: SceneRepository(uow).add(record.id, SCENE))
            except Exception as error:
                raised.append(error)

        recording = threading.Thread(target=record)

        def duplicate():
            with desk.uow() as uow:
                JobRepository(uow).find(job, lock=True)
                recording.start()
                recording.join(0.3)
                acquire(uow, run.lease.name, LEASE)

        with pytest.raises(LeaseHeld):
            duplicate()
        recording.join(5)
    assert raised == []
    assert len(desk.database.rows("select job_id from scenes")) == 1


def test_both_targets_ending_at_once_end_the_job_once(desk, job, together):
    recognise(desk, job)
    assert None not in together(lambda: render(desk, job, "es"), lambda: render(desk, job, "fr"))
    assert desk.job(job).state is JobState.COMPLETED
    assert [kind for kind, _, _ in desk.take_sent()] == ["event"]
    assert desk.balance == (8, 0)


def test_a_duplicated_task_at_the_same_time_makes_one_result(desk, job, together):
    recognise(desk, job)
    results = together(*[lambda: render(desk, job, "es")] * 4)
    assert sum(row[0] == "render" for row in steps(desk)) == 1
    assert all(result is None or isinstance(result, LeaseHeld) or result.task.target for result in results)
    assert desk.balance == (8, 1)


@pytest.mark.parametrize(
    ("failing", "state", "balance"),
    [(["es"], JobState.PARTLY_COMPLETED, (9, 0)), (["es", "fr"], JobState.FAILED, (10, 0))],
)
def test_failed_targets_give_their_credits_back(desk, job, failing, state, balance):
    recognise(desk, job)
    for target in ("es", "fr"):
        if target not in failing:
            render(desk, job, target)
            continue
        with desk.uow() as uow:
            fail_target(uow, JobRepository(uow).get(job, lock=True), target, StepFailed())
    ended = desk.job(job)
    assert ended.state is state
    assert (ended.error is not None) is (state is JobState.FAILED)
    assert {t.language for t in ended.targets if t.error} == set(failing)
    assert desk.balance == balance
    assert desk.take_sent() == [("event", "on-job-event", {"job": job, "type": f"job.{state}"})]


def test_a_step_whose_workers_are_all_killed_is_given_up(desk, job):
    """A worker that is killed tells nobody: the queue counts its step's next delivery as the first one."""
    for kill in range(3):
        with claim(desk, job, limit=3) as run:
            assert run.lease.claims == kill + 1
            desk.database.move_clock(timedelta(seconds=(kill + 1) * (LEASE + 1)))
            desk.database.run("update leases set token = token + 1000000")
    with pytest.raises(StepFailed), claim(desk, job, limit=3):
        pass


def test_claiming_does_not_put_off_the_rescue(desk, job):
    before = desk.database.value("select due_at from deadlines")
    desk.database.move_clock(timedelta(minutes=5))
    with claim(desk, job):
        pass
    assert desk.database.value("select due_at from deadlines") == before


def test_giving_up_is_done_again_when_the_database_undid_it(desk, job):
    undone = iter([DatabaseConflict()])

    def undo():
        for error in undone:
            raise error

    def open_uow(account):
        uow = desk.uow(account)
        uow.before_commit(undo)
        return uow

    worker = PictureWorker(open_uow, *[None] * 6)
    worker.fail(ProcessImage(account=desk.account, job=job, step="recognise"), StepFailed())
    assert desk.job(job).state is JobState.FAILED
    assert desk.balance == (10, 0)
