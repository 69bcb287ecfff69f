"""Self-tests on the real database: begun when they are due, judged by what came of them, and cleaned up."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from shared.cache.redis import RedisCache
from shared.core.config import RedisSettings, SelfTestSettings
from shared.jobs.arrivals import Arrivals
from shared.jobs.endings import complete_target, end_job
from shared.jobs.errors import StepFailed
from shared.jobs.messages import Arrival
from shared.jobs.repository import JobRepository
from shared.jobs.service import JobService
from shared.jobs.states import JobState
from shared.providers.errors import ProviderUnavailable
from shared.scenes.repository import SceneRepository
from shared.scenes.schemas import Block, Scene, Source, Style, Translation
from shared.selftest import card
from shared.selftest.account import ACCOUNT, SENDER
from shared.selftest.canary import PATIENCE, Canary
from shared.selftest.errors import NotTestedYet, SelfTestFailed
from shared.selftest.runs import SelfTests
from shared.selftest.schemas import Fault, SelfTestState
from shared.selftest.service import MISSED, SelfTestService
from shared.selftest.stages import Stage
from shared.storage.errors import StorageUnavailable
from shared.translation.memory import bought, keep
from tests.unit.selftest.test_selftest_scoring import READ, SPANISH, png, translated

EVERY = 15
MINUTES = timedelta(minutes=EVERY)
POLYGON = [(0, 0), (9, 0), (9, 9), (0, 9)]


class Bucket:
    """Objects by name."""

    def __init__(self):
        self.objects, self.written_at = {}, None

    def stat(self, bucket, name, generation=None):
        return SimpleNamespace(updated=self.written_at) if name in self.objects else None

    def get(self, bucket, name, generation=None, max_bytes=None):
        return self.objects[name]


class Deployment:
    """The canary with all that it stands on, and a hand in place of the functions that move its job on."""

    def __init__(self, desk, minutes=EVERY, seconds=60):
        self.desk, self.database, self.bucket, self.sent = desk, desk.database, Bucket(), []
        self.settings = SelfTestSettings(selftest_minutes=minutes, selftest_seconds=seconds)
        self.canary = Canary(
            self.open, self.accept, self.send, self.bucket, "results", card.words(), self.settings
        )
        self.service = SelfTestService(self.open, self.settings)

    def open(self, account=None):
        return self.desk.uow(account, system=True)

    def accept(self, uow, order):
        cache = RedisCache(RedisSettings())
        jobs = JobService(lambda: uow, self.open, self.desk.uploads, self.desk.languages, cache)
        return jobs.create(SENDER, order)

    def send(self, request, data):
        self.sent.append((request.method, data))

    @property
    def tests(self):
        return self.database.rows("select * from selftests order by requested_at")

    @property
    def job(self):
        return self.tests[-1].job_id

    def arrive(self):
        with self.open(ACCOUNT) as uow:
            arrival = Arrival(f"uploads/{ACCOUNT}/{self.job}/source", 7, 100)
            Arrivals(uow, self.desk.languages, lambda *_: True).arrived(arrival)

    def step(self, name, outcome="done", error=None, calls="[]"):
        self.database.run(
            "insert into job_steps (job_id, account_id, step, target, attempt, outcome, started_at, calls,"
            " cache_hits, bytes_read, bytes_written, error) values (:j, :a, :s, :t, 1, :o, clock_now(),"
            " cast(:c as jsonb), 0, 0, 0, :e)",
            j=self.job,
            a=ACCOUNT,
            s=name,
            t="es" if name == "render" else None,
            o=outcome,
            c=calls,
            e=error,
        )

    def recognise(self, texts=READ):
        style = Style(size=30)
        blocks = [
            Block(id=f"b{i}", polygon=POLYGON, lines=[], text=text, style=style)
            for i, text in enumerate(texts)
        ]
        source = Source(sha256="0" * 64, media_type="image/png", width=720, height=420)
        with self.open(ACCOUNT) as uow:
            JobRepository(uow).change(self.job, state=JobState.PROCESSING)
            JobRepository(uow).change_targets(self.job, ["es"], state="processing")
            SceneRepository(uow).add(self.job, Scene(source=source, engine="test", blocks=blocks))
            keep(uow, {b"bought": {}}, self.job)
        self.step("recognise")

    def complete(self, picture, texts=SPANISH):
        name = f"results/{ACCOUNT}/{self.job}/es.png"
        self.bucket.objects[name] = picture
        with self.open(ACCOUNT) as uow:
            made = {f"b{i}": Translation(text=text, engine="test") for i, text in enumerate(texts)}
            SceneRepository(uow).translate(self.job, "es", made)
            job = JobRepository(uow).get(self.job, lock=True)
            complete_target(uow, job, "es", {"result_object": name})
        self.step("render")

    def publish(self):
        self.bucket.objects[f"results/{ACCOUNT}/{self.job}/receipt.json"] = b"{}"
        self.bucket.written_at = self.database.value("select clock_now()")

    def run(self, picture=None, read=READ, texts=SPANISH):
        """One self-test from its beginning to its end."""
        self.canary.round()
        self.arrive()
        self.recognise(read)
        self.complete(picture or png(translated()), texts)
        self.publish()
        self.canary.round()
        return self.tests[-1]

    def remembered(self):
        with self.open(ACCOUNT) as uow:
            return bought(uow, [b"bought"])

    def effects(self, kind):
        return [effect for effect in self.desk.sent if effect.kind == kind]


@pytest.fixture
def deployment(desk):
    return Deployment(desk)


def test_a_card_that_comes_back_well_passes_and_nothing_of_it_stays(deployment):
    test = deployment.run()
    assert (test.state, test.fault, test.stage) == ("passed", None, None)
    assert deployment.sent == [("PUT", card.picture())]
    assert list(deployment.service.last().milliseconds) == list(Stage)
    assert len(deployment.effects("erase")) == 1
    assert deployment.remembered() == {}
    with deployment.open(ACCOUNT) as uow:
        assert not SceneRepository(uow).exists(test.job_id)


def test_it_spends_what_it_was_given_and_nobody_elses_credits(deployment):
    deployment.run()
    deployment.database.move_clock(MINUTES)
    deployment.run()
    moves = deployment.database.rows(
        "select kind, amount from ledger_transactions where account_id = :a", a=ACCOUNT
    )
    assert sorted(kind for kind, _ in moves) == ["capture", "capture", "grant", "grant", "hold", "hold"]
    assert deployment.database.rows(
        "select available, held from balances where account_id = :a", a=ACCOUNT
    ) == [(0, 0)]
    assert deployment.desk.balance == (10, 0)


def test_credits_that_came_back_pay_for_the_next_one(deployment):
    deployment.canary.round()
    with deployment.open(ACCOUNT) as uow:
        end_job(uow, JobRepository(uow).get(deployment.job, lock=True), JobState.FAILED, StepFailed())
    deployment.canary.round()
    deployment.database.move_clock(MINUTES)
    deployment.run()
    grants = "select count(*) from ledger_transactions where account_id = :a and kind = 'grant'"
    assert deployment.database.value(grants, a=ACCOUNT) == 1


def test_one_is_begun_when_it_is_due_and_not_before(deployment):
    deployment.run()
    deployment.canary.round()
    assert len(deployment.tests) == 1
    deployment.database.move_clock(MINUTES)
    deployment.canary.round()
    assert len(deployment.tests) == 2


def test_without_minutes_none_is_begun_but_one_that_was_asked_for(desk):
    deployment = Deployment(desk, minutes=0)
    deployment.canary.round()
    assert deployment.tests == []
    asked = deployment.service.request()
    assert deployment.run().id == asked.id
    assert deployment.service.last().state is SelfTestState.PASSED
    deployment.database.move_clock(timedelta(days=2))
    assert deployment.service.last().id == asked.id


def test_asking_again_gives_the_one_under_way_or_that_of_a_moment_ago(deployment, together):
    asked = together(*[deployment.service.request] * 4)
    assert len({each.id for each in asked}) == 1
    deployment.run()
    assert deployment.service.request().state is SelfTestState.PASSED
    deployment.database.move_clock(timedelta(minutes=2))
    assert deployment.service.request().state is SelfTestState.REQUESTED


def test_two_rounds_at_once_begin_one_job(deployment, together):
    assert together(*[deployment.canary.round] * 3) == [None] * 3
    assert len(deployment.tests) == len(deployment.sent) == 1
    assert deployment.database.value("select count(*) from jobs where account_id = :a", a=ACCOUNT) == 1


@pytest.mark.parametrize(
    ("how", "stage"),
    [
        ({"read": READ[:2]}, Stage.RECOGNISE),
        ({"texts": ["Nada", "de", "esto"]}, Stage.TRANSLATE),
        ({"picture": card.picture()}, Stage.DRAW),
    ],
)
def test_a_poor_result_fails_with_the_stage_and_can_be_looked_at(deployment, how, stage):
    test = deployment.run(**how)
    assert (test.state, test.fault, test.stage) == ("failed", Fault.POOR, stage)
    with pytest.raises(SelfTestFailed) as told:
        deployment.service.last()
    assert told.value.members["selftest"]["quality"] is not None
    assert deployment.effects("erase") == []
    assert deployment.remembered() == {}


def test_what_takes_too_long_is_slow(desk):
    deployment = Deployment(desk, seconds=1)
    deployment.canary.round()
    deployment.arrive()
    deployment.recognise()
    deployment.database.move_clock(timedelta(seconds=5))
    deployment.complete(png(translated()))
    deployment.publish()
    deployment.canary.round()
    test = deployment.tests[-1]
    assert (test.state, test.fault, test.stage) == ("failed", "slow", "dispatch")


def test_a_job_that_failed_fails_at_once_with_its_stage_and_error(deployment):
    deployment.canary.round()
    deployment.arrive()
    deployment.recognise()
    asked = '[{"provider": "translate", "method": "m", "units": 1, "milliseconds": 5, "outcome": "x"}]'
    deployment.step("render", "failed", "provider-unavailable", asked)
    with deployment.open(ACCOUNT) as uow:
        end_job(uow, JobRepository(uow).get(deployment.job, lock=True), JobState.FAILED, StepFailed())
    deployment.canary.round()
    test = deployment.tests[-1]
    assert (test.fault, test.stage, test.error) == ("broken", "translate", "provider-unavailable")


@pytest.mark.parametrize("stage", [Stage.NOTICE, Stage.DISPATCH, Stage.PUBLISH])
def test_a_card_that_is_lost_on_its_way_fails_when_patience_ends(deployment, stage):
    deployment.canary.round()
    if stage is not Stage.NOTICE:
        deployment.arrive()
        deployment.recognise()
    if stage is Stage.PUBLISH:
        deployment.complete(png(translated()))
    deployment.canary.round()
    assert deployment.tests[-1].finished_at is None
    deployment.database.move_clock(PATIENCE + timedelta(seconds=5))
    deployment.canary.round()
    test = deployment.tests[-1]
    assert (test.fault, test.stage) == ("broken", stage)
    left = deployment.database.value("select state from jobs where id = :j", j=test.job_id)
    assert left == ("completed" if stage is Stage.PUBLISH else "cancelled")


@pytest.mark.parametrize(
    ("part", "error", "stage"),
    [
        ("accept", ProviderUnavailable(), Stage.ACCEPT),
        ("send", StorageUnavailable(), Stage.UPLOAD),
    ],
)
def test_what_cannot_even_be_begun_fails_and_the_next_one_is_begun_in_its_time(
    deployment, part, error, stage
):
    def refuse(*_):
        raise error

    setattr(deployment.canary, f"_{part}", refuse)
    with pytest.raises(type(error)):
        deployment.canary.round()
    (test,) = deployment.tests
    assert (test.fault, test.stage, test.error) == ("broken", stage, error.slug)
    deployment.canary.round()
    assert len(deployment.tests) == 1


def test_a_result_that_cannot_be_fetched_holds_up_nothing(deployment):
    deployment.canary.round()
    deployment.arrive()
    deployment.recognise()
    deployment.complete(png(translated()))
    deployment.publish()
    del deployment.bucket.objects[f"results/{ACCOUNT}/{deployment.job}/es.png"]
    with pytest.raises(KeyError):
        deployment.canary.round()
    assert deployment.tests[-1].finished_at is None
    deployment.database.move_clock(PATIENCE + timedelta(seconds=5))
    with pytest.raises(KeyError):
        deployment.canary.round()
    assert deployment.tests[-1].fault == "broken"


def test_a_card_that_came_back_while_no_round_was_called_is_judged_all_the_same(deployment):
    deployment.canary.round()
    deployment.arrive()
    deployment.recognise()
    deployment.complete(png(translated()))
    deployment.publish()
    deployment.database.move_clock(2 * PATIENCE)
    deployment.canary.round()
    assert deployment.tests[-1].state == "passed"


def test_a_round_that_was_killed_while_it_began_one_holds_up_nothing(deployment):
    asked = deployment.service.request().id
    with deployment.open() as uow:
        assert SelfTests(uow).start(asked)
    deployment.canary.round()
    assert deployment.tests[0].finished_at is None
    deployment.database.move_clock(MINUTES)
    deployment.canary.round()
    assert (deployment.tests[0].fault, deployment.tests[0].stage) == ("broken", "accept")
    assert deployment.run().state == "passed"


def test_what_is_too_old_proves_nothing(deployment):
    with pytest.raises(NotTestedYet):
        deployment.service.last()
    deployment.run()
    deployment.database.move_clock(MISSED * MINUTES - timedelta(minutes=1))
    assert deployment.service.last().state is SelfTestState.PASSED
    deployment.database.move_clock(MISSED * MINUTES + timedelta(minutes=1))
    with pytest.raises(SelfTestFailed, match="should be one every 15 min"):
        deployment.service.last()
