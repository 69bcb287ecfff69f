"""What callers do with jobs, on the real database."""

import base64
import io
from dataclasses import replace
from datetime import timedelta

import pytest
from PIL import Image

from shared.cache.redis import RedisCache
from shared.core.config import RedisSettings
from shared.core.errors import InvalidInput
from shared.jobs.errors import EmptyUpload, JobEnded, JobNotFound, NothingToRetry
from shared.jobs.repository import JobRepository
from shared.jobs.schemas import CreateJob, JobFilter
from shared.jobs.service import JobService
from shared.jobs.states import JobState, TargetState
from shared.ledger.errors import InsufficientCredits
from shared.scenes.repository import SceneRepository
from shared.scenes.schemas import Scene, Source
from shared.translation.errors import UnsupportedLanguage

SCENE = Scene(
    source=Source(sha256="0" * 64, media_type="image/png", width=8, height=8), engine="test", blocks=[]
)


class File:
    def __init__(self, data=None, filename="a/b\\sign.png"):
        self.filename = filename
        picture = io.BytesIO()
        Image.new("RGB", (32, 32)).save(picture, "PNG")
        self._data = picture.getvalue() if data is None else data

    def data(self):
        return self._data


def states(job):
    return {target.language: target.state for target in job.targets}


def move(desk, job, state, **targets):
    """Bring a job and its targets to where the workers would, along the legal ways."""
    with desk.uow() as uow:
        repository = JobRepository(uow)
        repository.change(job, state=JobState.QUEUED, source_generation=7)
        if state is not JobState.QUEUED:
            repository.change(job, state=JobState.PROCESSING)
        for language, target in targets.items():
            repository.change_targets(job, [language], state=TargetState.PROCESSING)
            repository.change_targets(job, [language], state=target)
        if state not in {JobState.QUEUED, JobState.PROCESSING}:
            repository.change(job, state=state)


def test_a_job_without_a_file_waits_for_its_upload(desk):
    job = desk.create("fr", "es", source="en")
    assert (job.state, job.source_language, states(job)) == (
        JobState.AWAITING_UPLOAD,
        "en",
        {"es": TargetState.PENDING, "fr": TargetState.PENDING},
    )
    assert job.upload.put.url.endswith(f"uploads/{desk.account}/{job.id}/source")
    assert desk.balance == (8, 2)
    assert desk.take_sent() == []
    ((action,),) = desk.database.rows("select action from deadlines")
    assert action == "expire_upload"
    assert desk.job(job.id) == job.model_copy(update={"upload": None})


def test_a_job_with_a_file_starts_at_once(desk):
    job = desk.create("es", file=File())
    assert (job.state, job.name, job.upload) == (JobState.QUEUED, "sign.png", None)
    assert desk.take_sent() == [
        ("task", "process_image", {"job": job.id, "step": "recognise", "target": None})
    ]
    ((action,),) = desk.database.rows("select action from deadlines")
    assert action == "rescue"
    assert list(desk.uploads.files) == [f"uploads/{desk.account}/{job.id}/source"]


@pytest.mark.parametrize(
    ("targets", "source", "file", "error"),
    [
        (["xx"], "auto", None, UnsupportedLanguage),
        (["la"], "auto", None, UnsupportedLanguage),
        (["es"], "xx", None, UnsupportedLanguage),
        (["es"], "en", File(b""), EmptyUpload),
        (["es"], "en", File(b"\x00" * 100), Exception),
    ],
)
def test_what_cannot_be_translated_is_refused_and_nothing_is_left(desk, targets, source, file, error):
    with pytest.raises(error):
        desk.create(*targets, source=source, file=file)
    assert_nothing_left(desk)


@pytest.mark.parametrize("file", [None, File()])
def test_without_credits_nothing_is_left(desk, file):
    desk.create("de")
    poor = desk.__class__(desk.database, 1)
    with pytest.raises(InsufficientCredits):
        poor.create("es", "fr", file=file)
    assert poor.balance == (1, 0)
    assert poor.uploads.files == {}
    assert desk.database.value("select count(*) from jobs where account_id = :a", a=poor.account) == 0


def assert_nothing_left(desk):
    assert desk.database.rows("select id from jobs") == []
    assert desk.uploads.files == {}
    assert desk.balance == (10, 0)
    assert desk.take_sent() == []


@pytest.mark.parametrize("file", [None, File()])
@pytest.mark.parametrize("targets", [("de",), ("de", "es", "fr")])
def test_a_job_is_accepted_by_two_statements(desk, file, targets):
    with desk.database.statements() as seen:
        desk.create(*targets, file=file)
    # The account; the job, its targets, its deadline and its task; the hold.
    assert len(seen) == 3
    assert "set_config" in seen[0]


def pages(desk, **query):
    """All pages: the ids that each shows."""
    found, cursor = [], None
    while True:
        page = desk.call("page", JobFilter.model_validate(query | {"cursor": cursor}))
        found.append([job.id for job in page.jobs])
        cursor = page.next_cursor
        if cursor is None:
            return found


def test_pages_show_every_job_once_newest_first(desk):
    jobs = [desk.create("es").id for _ in range(5)]
    same_time = "update jobs set created_at = (select min(created_at) from jobs) where id in (:a, :b)"
    desk.database.run(same_time, a=jobs[1], b=jobs[2])
    newest = [*jobs[:2:-1], *sorted(jobs[:3], reverse=True)]
    assert pages(desk, limit=2) == [newest[:2], newest[2:4], newest[4:]]
    assert pages(desk, limit=5) == [newest]
    assert pages(desk, limit=100) == [newest]


def test_pages_can_show_one_state_only_and_never_deleted_jobs(desk):
    jobs = [desk.create("es").id for _ in range(3)]
    desk.call("cancel", jobs[0])
    desk.call("delete", jobs[1])
    assert pages(desk) == [[jobs[2], jobs[0]]]
    assert pages(desk, state="cancelled") == [[jobs[0]]]
    assert pages(desk, state="completed") == [[]]


def test_listing_takes_two_statements_however_many_jobs(desk):
    for _ in range(4):
        desk.create("es", "fr")
    with desk.database.statements() as seen:
        desk.call("page", JobFilter())
    assert len(seen) == 3


def encoded(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "é",
        "A" * 199,
        encoded("yesterday job_1"),
        encoded("2026-01-01T00:00:00+00:00 job_\x00"),
        encoded("2026-01-01T00:00:00+00:00 ' or true"),
        encoded(f"2026-01-01T00:00:00 job_{'0' * 26}"),
        encoded(f"0001-01-01T00:00:00+23:59 job_{'0' * 26}"),
        encoded(f"9999-12-31T23:59:59-23:59 job_{'0' * 26}"),
    ],
)
def test_a_cursor_that_no_page_gave_is_refused(desk, cursor):
    with pytest.raises(InvalidInput):
        desk.call("page", JobFilter(cursor=cursor))


def test_a_cursor_from_the_beginning_of_time_is_merely_the_end(desk):
    desk.create("es")
    cursor = encoded(f"0001-01-01T00:00:00+00:00 job_{'0' * 26}")
    assert desk.call("page", JobFilter(cursor=cursor)).jobs == []


def test_cancelling_gives_back_what_is_not_done_and_keeps_what_is(desk):
    job = desk.create("de", "es", "fr").id
    move(desk, job, JobState.PROCESSING, es=TargetState.DONE)
    cancelled = desk.call("cancel", job)
    assert cancelled.state is JobState.CANCELLED
    assert states(cancelled) == {
        "de": TargetState.CANCELLED,
        "es": TargetState.DONE,
        "fr": TargetState.CANCELLED,
    }
    assert cancelled.finished_at is not None
    assert desk.balance == (9, 1)
    assert desk.take_sent() == [("event", "on-job-event", {"job": job, "type": "job.cancelled"})]
    assert desk.call("cancel", job) == cancelled
    assert desk.take_sent() == []


@pytest.mark.parametrize("state", [JobState.COMPLETED, JobState.PARTLY_COMPLETED, JobState.FAILED])
def test_what_has_ended_cannot_be_cancelled(desk, state):
    job = desk.create("es").id
    move(desk, job, state)
    with pytest.raises(JobEnded):
        desk.call("cancel", job)


def test_a_retry_is_a_child_for_what_failed_with_the_parents_scene(desk):
    parent = desk.create("de", "es", "fr").id
    with desk.uow() as uow:
        SceneRepository(uow).add(parent, SCENE)
    failed = {"de": TargetState.FAILED, "fr": TargetState.CANCELLED}
    move(desk, parent, JobState.PARTLY_COMPLETED, es=TargetState.DONE, **failed)
    before = desk.balance
    child = desk.call("retry", desk.principal, parent)
    assert (child.parent, child.state) == (parent, JobState.QUEUED)
    assert states(child) == {"de": TargetState.PENDING, "fr": TargetState.PENDING}
    assert desk.balance == (before[0] - 2, before[1] + 2)
    assert [body["target"] for _, _, body in desk.take_sent()] == ["de", "fr"]
    with desk.uow() as uow:
        assert SceneRepository(uow).find(child.id) == SCENE
    assert desk.job(parent).state is JobState.PARTLY_COMPLETED


def test_what_is_left_alone_stays_with_the_job_and_its_retries(desk):
    named = {"exclude": [[[0, 0], [9, 9.5]]], "do_not_translate": ["Blue Lagoon"]}
    order = CreateJob.model_validate({"targets": ["es"], **named})
    parent = desk.call("create", desk.principal, order, File()).id
    move(desk, parent, JobState.FAILED, es=TargetState.FAILED)
    child = desk.call("retry", desk.principal, parent).id
    plain = desk.create("es").id
    with desk.uow() as uow:
        kept = [JobRepository(uow).get(job).leave_alone for job in (parent, child, plain)]
    assert kept == [named, named, None]


def test_a_retry_without_a_scene_begins_with_recognition(desk):
    parent = desk.create("es").id
    move(desk, parent, JobState.FAILED, es=TargetState.FAILED)
    child = desk.call("retry", desk.principal, parent)
    assert [body["step"] for _, _, body in desk.take_sent()] == ["recognise"]
    source, generation = desk.database.rows(
        "select source_object, source_generation from jobs where id = :j", j=child.id
    )[0]
    assert (source, generation) == (f"uploads/{desk.account}/{parent}/source", 7)


def test_there_is_nothing_to_retry_in_a_job_that_runs_or_succeeded_or_has_no_file(desk):
    running, succeeded, never_uploaded = (desk.create("es").id for _ in range(3))
    move(desk, running, JobState.PROCESSING, es=TargetState.FAILED)
    move(desk, succeeded, JobState.COMPLETED, es=TargetState.DONE)
    desk.call("cancel", never_uploaded)
    for job in (running, succeeded, never_uploaded):
        with pytest.raises(NothingToRetry):
            desk.call("retry", desk.principal, job)


def test_there_is_nothing_to_retry_when_the_file_was_erased(desk):
    job = desk.create("es").id
    move(desk, job, JobState.FAILED, es=TargetState.FAILED)
    desk.database.run("delete from deadlines")
    with pytest.raises(NothingToRetry):
        desk.call("retry", desk.principal, job)


def test_a_retry_without_credits_leaves_no_child(desk):
    job = desk.create("es").id
    move(desk, job, JobState.FAILED, es=TargetState.FAILED)
    desk.create("de", "fr", "es")
    for _ in range(2):
        desk.create("de", "fr", "es")
    with pytest.raises(InsufficientCredits):
        desk.call("retry", desk.principal, job)
    assert desk.database.rows("select id from jobs where parent_id is not null") == []


def erased(desk):
    return [body for kind, _, body in desk.take_sent() if kind == "erase"]


def test_deleting_cancels_hides_and_erases_now_and_once_more(desk):
    job = desk.create("es").id
    move(desk, job, JobState.PROCESSING)
    desk.call("delete", job)
    body = {
        "job": job,
        "source": f"uploads/{desk.account}/{job}/source",
        "generation": 7,
        "results": [f"results/{desk.account}/{job}/", f"results/{desk.account}/{job}.error.json"],
    }
    assert erased(desk) == [body]
    rows = desk.database.rows(
        "select payload, due_at > clock_now() + interval '50 minutes' from outbox"
        " where kind = 'erase' order by id"
    )
    assert [(payload["source"], later) for payload, later in rows] == [
        (body["source"], False),
        (body["source"], True),
    ]
    assert desk.balance == (10, 0)
    assert desk.database.rows("select job_id from deadlines") == []
    with pytest.raises(JobNotFound):
        desk.job(job)
    for operation in ("cancel", "delete"):
        with pytest.raises(JobNotFound):
            desk.call(operation, job)


def test_deleting_a_parent_leaves_its_source_to_the_child_who_takes_it_along(desk):
    parent = desk.create("es").id
    move(desk, parent, JobState.FAILED, es=TargetState.FAILED)
    child = desk.call("retry", desk.principal, parent).id
    desk.take_sent()
    desk.call("delete", parent)
    (body,) = erased(desk)
    assert body["job"] == parent
    assert "source" not in body
    desk.call("delete", child)
    (body,) = erased(desk)
    assert body["source"] == f"uploads/{desk.account}/{parent}/source"


def test_another_accounts_job_does_not_exist(desk):
    job = desk.create("es").id
    other = desk.__class__(desk.database, 10)
    with pytest.raises(JobNotFound):
        other.job(job)
    for operation, arguments in (("cancel", [job]), ("delete", [job]), ("retry", [other.principal, job])):
        with pytest.raises(JobNotFound):
            other.call(operation, *arguments)
    assert desk.job(job).state is JobState.AWAITING_UPLOAD


def test_every_change_raises_the_version_and_makes_the_cached_answer_stale(desk):
    job = desk.create("es")
    desk.forgotten.clear()
    changed = desk.call("cancel", job.id)
    assert changed.version > job.version
    assert any(desk.account in key and job.id in key for key in desk.forgotten)


def test_times_come_from_the_databases_clock(desk):
    desk.database.move_clock(timedelta(days=400))
    job = desk.create("es")
    assert job.created_at - job.upload.expires_at > timedelta(days=300)


def test_the_priority_of_a_job_follows_from_plan_and_size_and_goes_with_its_task(desk):
    job = desk.create("es", file=File())
    assert job.priority == "interactive"
    assert [effect.priority for effect in desk.sent] == ["interactive"]
    desk.principal = replace(desk.principal, plan="economy")
    assert desk.create("es", file=File()).priority == "standard"
    asked = CreateJob.model_validate({"targets": ["es"], "priority": "bulk"})
    assert desk.call("create", desk.principal, asked, None).priority == "bulk"


def test_retrying_many_times_at_once_makes_one_child(desk, together):
    job = desk.create("es", "fr", file=File())
    move(desk, job.id, JobState.FAILED, es=TargetState.FAILED, fr=TargetState.FAILED)

    def retry():
        service = JobService(lambda: uow, desk.uow, desk.uploads, desk.languages, RedisCache(RedisSettings()))
        with desk.uow() as uow:
            return service.retry(desk.principal, job.id)

    children = together(*[retry] * 8)
    assert len({child.id for child in children}) == 1
    assert desk.database.value("select count(*) from jobs") == 2
    assert desk.call("retry", desk.principal, job.id).id == children[0].id


def test_what_failed_in_the_child_too_may_be_retried_again(desk):
    job = desk.create("es", "fr", file=File())
    move(desk, job.id, JobState.FAILED, es=TargetState.FAILED, fr=TargetState.FAILED)
    child = desk.call("retry", desk.principal, job.id)
    move(desk, child.id, JobState.PARTLY_COMPLETED, es=TargetState.DONE, fr=TargetState.FAILED)
    second = desk.call("retry", desk.principal, job.id)
    assert second.id != child.id
    assert states(second) == {"fr": TargetState.PENDING}
