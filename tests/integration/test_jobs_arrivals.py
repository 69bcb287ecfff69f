"""Objects that arrive, in order or not, and messages that were given up."""

from datetime import timedelta

import pytest

from shared.core.errors import TransientError
from shared.core.ids import new_id
from shared.jobs.arrivals import Arrivals
from shared.jobs.errors import UploadBeforeJob
from shared.jobs.messages import Arrival
from shared.jobs.names import MAX_UPLOAD_BYTES
from shared.jobs.priority import SMALL_BYTES
from shared.jobs.rejected import DeadLetters
from shared.jobs.schemas import JobFilter
from shared.jobs.states import JobState
from shared.translation.languages import Languages

SUBSCRIPTION = "CloudPubSubDeadLetterSourceSubscription"


def still_there(name, generation):
    return True


def arrive(desk, name, generation=7, size=1000, languages=None):
    with desk.uow(None) as uow:
        Arrivals(uow, languages or desk.languages, still_there).arrived(
            Arrival(name, generation, size, "image/jpeg")
        )


def upload(desk, job, **facts):
    arrive(desk, f"uploads/{desk.account}/{job}/source", **facts)


def drop(desk, path, **facts):
    arrive(desk, f"inbox/{desk.account}/{path}", **facts)


def jobs(desk):
    return desk.call("page", JobFilter()).jobs


def recognitions(desk):
    return [body["job"] for kind, _, body in desk.take_sent() if kind == "task"]


def test_an_upload_starts_its_job(desk):
    job = desk.create("es").id
    upload(desk, job)
    assert desk.job(job).state is JobState.QUEUED
    assert desk.take_sent() == [("task", "process_image", {"job": job, "step": "recognise", "target": None})]
    row = desk.database.rows("select source_generation, source_bytes from jobs")[0]
    assert tuple(row) == (7, 1000)
    assert desk.database.value("select action from deadlines") == "rescue"


@pytest.mark.parametrize(
    ("size", "plan", "lane"),
    [
        (SMALL_BYTES, "standard", "interactive"),
        (SMALL_BYTES + 1, "standard", "standard"),
        (SMALL_BYTES + 1, "premium", "interactive"),
    ],
)
def test_an_upload_that_turns_out_to_be_large_loses_its_priority(desk, size, plan, lane):
    desk.database.run("update accounts set plan = :plan", plan=plan)
    job = desk.create("es").id
    upload(desk, job, size=size)
    assert desk.job(job).priority == lane
    assert [effect.priority for effect in desk.sent] == [lane]


def test_a_file_in_an_inbox_is_accepted_by_two_statements_as_bulk(desk):
    with desk.database.statements() as seen:
        drop(desk, "en-es/a.png")
    # Nobody's, then the account's settings; what came before; the savepoint; all of the job; the hold.
    written = [statement for statement in seen if "insert into" in statement.lower()]
    assert len(written) == 2
    assert len([s for s in seen if "set_config" not in s and "savepoint" not in s.lower()]) == 3
    assert [effect.priority for effect in desk.sent] == ["bulk"]


def test_a_repeated_upload_event_changes_nothing(desk):
    job = desk.create("es").id
    upload(desk, job)
    desk.take_sent()
    version = desk.job(job).version
    upload(desk, job)
    upload(desk, job, generation=8)
    assert desk.job(job).version == version
    assert desk.take_sent() == []


def test_a_repeated_upload_event_after_the_end_leaves_the_file_for_a_retry(desk):
    job = desk.create("es").id
    upload(desk, job)
    desk.call("cancel", job)
    desk.take_sent()
    upload(desk, job)
    assert desk.take_sent() == []


def test_the_same_upload_event_twice_at_once_starts_the_job_once(desk, together):
    job = desk.create("es").id
    assert together(*[lambda: upload(desk, job)] * 4) == [None] * 4
    assert recognitions(desk) == [job]


def test_an_upload_that_comes_before_its_job_is_tried_again(desk):
    with pytest.raises(UploadBeforeJob) as caught:
        upload(desk, new_id("job"))
    assert isinstance(caught.value, TransientError)


@pytest.mark.parametrize("ending", ["cancel", "delete"])
def test_an_upload_that_comes_after_the_end_is_erased(desk, ending):
    job = desk.create("es").id
    desk.call(ending, job)
    desk.take_sent()
    upload(desk, job)
    source = f"uploads/{desk.account}/{job}/source"
    assert desk.take_sent() == [("erase", "", {"source": source, "generation": 7})]
    assert desk.balance == (10, 0)


@pytest.mark.parametrize(("size", "slug"), [(0, "empty-upload"), (MAX_UPLOAD_BYTES + 1, "upload-too-large")])
def test_an_upload_of_a_wrong_size_fails_its_job(desk, size, slug):
    job = desk.create("es").id
    upload(desk, job, size=size)
    failed = desk.job(job)
    assert (failed.state, failed.error.slug) == (JobState.FAILED, slug)
    assert [target.error.slug for target in failed.targets] == [slug]
    assert desk.balance == (10, 0)
    assert desk.take_sent() == [("event", "on-job-event", {"job": job, "type": "job.failed"})]


def test_a_file_of_the_largest_size_is_accepted(desk):
    job = desk.create("es").id
    upload(desk, job, size=MAX_UPLOAD_BYTES)
    assert desk.job(job).state is JobState.QUEUED


def test_an_upload_into_another_accounts_folder_does_not_start_its_job(desk):
    job = desk.create("es").id
    other = desk.database.account()
    with pytest.raises(UploadBeforeJob):
        arrive(desk, f"uploads/{other}/{job}/source")
    assert desk.job(job).state is JobState.AWAITING_UPLOAD


def test_a_file_in_the_inbox_becomes_a_job(desk):
    drop(desk, "en-es,fr/menus/sign.jpg")
    (job,) = jobs(desk)
    assert (job.state, job.name, job.source_language) == (JobState.QUEUED, "sign.jpg", "en")
    assert [target.language for target in job.targets] == ["es", "fr"]
    assert desk.balance == (8, 2)
    assert recognitions(desk) == [job.id]
    prefix = desk.database.value("select results_prefix from jobs")
    assert prefix == f"results/{desk.account}/en-es,fr/menus/sign.jpg/"


def test_a_repeated_inbox_event_makes_no_second_job_and_a_new_generation_does(desk):
    for _ in range(2):
        drop(desk, "en-es/sign.jpg", generation=7)
    assert len(jobs(desk)) == 1
    drop(desk, "en-es/sign.jpg", generation=8)
    assert len(jobs(desk)) == 2


def test_the_same_inbox_event_twice_at_once_makes_one_job(desk, together):
    results = together(*[lambda: drop(desk, "en-es/sign.jpg")] * 4)
    assert len(jobs(desk)) == 1
    assert desk.balance == (9, 1)
    for _ in range(2):
        drop(desk, "en-es/sign.jpg")
    assert len(recognitions(desk)) == 1
    assert None in results


@pytest.mark.parametrize(
    ("path", "facts", "slug"),
    [
        ("sign.jpg", {}, "inbox-path-invalid"),
        ("en/sign.jpg", {}, "inbox-path-invalid"),
        ("en-es-fr/sign.jpg", {}, "inbox-path-invalid"),
        ("en-es/../sign.jpg", {}, "inbox-path-invalid"),
        ("en-es//sign.jpg", {}, "inbox-path-invalid"),
        ("en-es,es/sign.jpg", {}, "inbox-path-invalid"),
        ("en-en/sign.jpg", {}, "inbox-path-invalid"),
        ("en-english/sign.jpg", {}, "inbox-path-invalid"),
        ("en-es/a\tb.jpg", {}, "inbox-path-invalid"),
        ("en-xx/sign.jpg", {}, "unsupported-language"),
        ("xx-es/sign.jpg", {}, "unsupported-language"),
        ("en-es/sign.jpg", {"size": 0}, "empty-upload"),
        ("en-es/sign.jpg", {"size": MAX_UPLOAD_BYTES + 1}, "upload-too-large"),
        ("en-de,es,fr/sign.jpg", {"poor": True}, "insufficient-credits"),
    ],
)
def test_a_file_that_cannot_be_accepted_is_a_failed_job(desk, path, facts, slug):
    if facts.pop("poor", False):
        desk = desk.__class__(desk.database, 2)
    before = desk.balance
    for _ in range(2):
        drop(desk, path, **facts)
    (job,) = jobs(desk)
    assert (job.state, job.error.slug, job.targets) == (JobState.FAILED, slug, [])
    assert job.finished_at is not None
    assert desk.balance == before
    assert desk.take_sent() == [("event", "on-job-event", {"job": job.id, "type": "job.failed"})]
    prefix = desk.database.value("select results_prefix from jobs")
    assert prefix.startswith(f"results/{desk.account}/")
    assert ".." not in prefix.split("/")
    assert desk.database.value("select action from deadlines") == "erase"


def test_a_provider_that_is_away_makes_the_event_come_again(desk):
    def away():
        raise TransientError

    with pytest.raises(TransientError):
        drop(desk, "en-es/sign.jpg", languages=Languages(desk.languages._cache, away))
    assert jobs(desk) == []
    drop(desk, "en-es/sign.jpg")
    assert len(jobs(desk)) == 1


def test_objects_of_nobody_are_ignored(desk):
    for name in (
        f"inbox/{new_id('acc')}/en-es/sign.jpg",
        f"inbox/{desk.account}/en-es/",
        f"inbox/{desk.account}",
        f"inbox/{desk.account}/en-es/a\x00b.jpg",
        f"uploads/{desk.account}/nothing/source",
        f"results/{desk.account}/en-es/sign.jpg",
        "uploads/../inbox",
        "",
    ):
        arrive(desk, name)
    assert desk.database.rows("select id from jobs") == []
    assert desk.take_sent() == []


@pytest.mark.parametrize("path", ["en-es/sign.jpg", "nonsense/sign.jpg"])
def test_objects_of_an_account_that_was_closed_are_erased(desk, path):
    closed = desk.database.account(5)
    desk.database.run("update accounts set deleted_at = clock_now() where id = :a", a=closed)
    name = f"inbox/{closed}/{path}"
    arrive(desk, name)
    assert desk.database.rows("select id from jobs") == []
    assert desk.take_sent() == [("erase", "", {"source": name, "generation": 7})]


def keep(desk, attributes, data="", identity="1"):
    with desk.uow(None, system=True) as uow:
        DeadLetters(uow, lambda identity: None).keep(identity, attributes, data)


def attributes_of(desk, job):
    name = f"uploads/{desk.account}/{job}/source"
    return {SUBSCRIPTION: "on-upload", "objectId": name, "objectGeneration": "7"}


def test_a_dead_upload_fails_its_job_and_is_kept_once(desk):
    job = desk.create("es").id
    for _ in range(2):
        keep(desk, attributes_of(desk, job), "{}")
    failed = desk.job(job)
    assert (failed.state, failed.error.slug) == (JobState.FAILED, "upload-not-processed")
    assert desk.balance == (10, 0)
    ((account, subscription, message),) = desk.database.rows(
        "select account_id, subscription, message from dead_letters"
    )
    assert (account, subscription) == (desk.account, "on-upload")
    assert message == {"attributes": attributes_of(desk, job), "data": "{}"}


def test_a_dead_upload_of_no_job_is_erased(desk):
    attributes = attributes_of(desk, new_id("job"))
    keep(desk, attributes)
    assert desk.take_sent() == [("erase", "", {"source": attributes["objectId"], "generation": 7})]


def test_a_dead_inbox_event_becomes_a_failed_job_once(desk):
    path = f"inbox/{desk.account}/en-es/sign.jpg"
    for identity in ("1", "2"):
        keep(desk, {"objectId": path, "objectGeneration": "7"}, identity=identity)
    keep(desk, {"objectId": f"inbox/{new_id('acc')}/en-es/sign.jpg", "objectGeneration": "7"}, identity="3")
    ((state, error, prefix),) = desk.database.rows("select state, error->>'slug', results_prefix from jobs")
    assert (state, error) == ("failed", "upload-not-processed")
    assert prefix == f"results/{desk.account}/en-es/sign.jpg/"
    assert [kind for kind, *_ in desk.take_sent()] == ["event"]


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.PROCESSING])
def test_a_dead_upload_event_leaves_a_job_alone_that_has_begun(desk, state):
    job = desk.create("es").id
    upload(desk, job)
    if state is JobState.PROCESSING:
        desk.database.run("update jobs set state = 'processing'")
    keep(desk, attributes_of(desk, job))
    assert desk.job(job).state is state


@pytest.mark.parametrize(
    ("attributes", "data"),
    [
        ({}, ""),
        ({SUBSCRIPTION: "on-job-event"}, "not json"),
        ({"objectId": "inbox/nobody/x"}, "\x00\ufffd"),
        ({"objectId": "a\x00b", "k\x00": "\ud800"}, "\ud800 and \x00"),
    ],
)
def test_any_message_can_be_kept(desk, attributes, data):
    keep(desk, attributes, data, "identity\x00")
    assert desk.database.value("select count(*) from dead_letters") == 1


def test_dead_letters_of_two_subscriptions_are_two(desk):
    for subscription in ("a", "b"):
        keep(desk, {SUBSCRIPTION: subscription}, identity="same")
    assert desk.database.value("select count(*) from dead_letters") == 2


def test_an_expired_job_does_not_start_by_a_late_upload(desk):
    job = desk.create("es").id
    desk.database.run("update jobs set state = 'expired'")
    desk.database.move_clock(timedelta(hours=25))
    upload(desk, job)
    assert desk.job(job).state is JobState.EXPIRED
    assert [kind for kind, _, _ in desk.take_sent()] == ["erase"]
