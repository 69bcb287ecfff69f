"""Visitors without an account: what they may have, exactly that, and what they see of each other."""

import io
from datetime import timedelta

import pytest
from PIL import Image

from shared.auth.errors import CredentialEnded, ForeignOrigin
from shared.auth.visitors import Visitors
from shared.cache.day_quota import DayQuota
from shared.cache.redis import RedisCache
from shared.core import config
from shared.core.config import RedisSettings
from shared.core.credentials import Credentials
from shared.core.errors import ImangorError, TransientError, Unauthenticated
from shared.jobs.endings import end_job
from shared.jobs.errors import BeyondTrial, JobNotFound, TrialDayUsedUp, TrialUsedUp
from shared.jobs.repository import JobRepository
from shared.jobs.schemas import CreateJob
from shared.jobs.service import JobService
from shared.jobs.states import JobState
from shared.jobs.trial import Trial

HERE, NEXT_DOOR, ELSEWHERE = "192.0.2.7", "192.0.2.200", "198.51.100.1"
DAY, NETWORK = 4, 3


class Picture:
    filename = "sign.png"

    def __init__(self, *sizes, kind="PNG"):
        file = io.BytesIO()
        first, *rest = [Image.new("RGB", size) for size in sizes or [(32, 32)]]
        first.save(file, kind, **({"save_all": True, "append_images": rest} if rest else {}))
        self._data = file.getvalue()

    def data(self):
        return self._data


class House:
    """The trial's account, and visitors who call it."""

    def __init__(self, database, desk, cache):
        self.database, self.desk, self.cache = database, desk, cache
        self.visitors = Visitors(desk.account, frozenset({"https://app.example"}))
        self.told = []
        self.tell = lambda *what: self.told.append(what)

    def arrive(self, **shown):
        """A new visitor's id and token."""
        visit = self.visitors.arrive(Credentials(**shown))
        return visit.visitor, visit.token

    def send(self, visitor, address=HERE, file=None, **order):
        """One request."""
        uow = self.uow(visitor)
        service = self.service(visitor, lambda: uow, address)
        with uow:
            given = {"targets": ["es"], "source_language": "en"} | order
            return service.create(visitor, CreateJob.model_validate(given), file or Picture())

    def service(self, visitor, current, address=HERE):
        def trial():
            where = Credentials(address=address)
            return Trial(current, lambda: self.uow(visitor), DayQuota(self.cache), where, self.tell)

        desk = self.desk
        return JobService(current, lambda: self.uow(visitor), desk.uploads, desk.languages, self.cache, trial)

    def uow(self, visitor):
        return self.database.uow(visitor.account, visitor=visitor.id)

    @property
    def taken(self):
        """Pictures of the day, by the database."""
        return self.database.value("select coalesce(sum(pictures), 0) from trial_days")


@pytest.fixture
def settings(monkeypatch):
    """Sets settings of the trial."""

    def put(**values):
        for name, value in values.items():
            monkeypatch.setenv(name.upper(), str(value))
        config.forget()

    put(trial_pictures=DAY, trial_network_pictures=NETWORK)
    yield put
    config.forget()


@pytest.fixture
def house(database, desk, valkey, settings):
    return House(database, desk, valkey)


def test_a_visitor_has_a_picture_translated_and_sees_it_and_nobody_else_does(house):
    mine, token = house.arrive()
    job = house.send(mine)
    assert (job.state, job.priority) == (JobState.QUEUED, "standard")
    assert house.visitors.prove(token, Credentials()).id == mine.id
    other, _ = house.arrive()
    assert house.service(mine, lambda: None).get(mine, job.id).id == job.id
    with pytest.raises(JobNotFound):
        house.service(other, lambda: None).get(other, job.id)
    with house.uow(other) as uow, pytest.raises(JobNotFound):
        house.service(other, lambda: uow).delete(job.id)
    with house.uow(mine) as uow:
        house.service(mine, lambda: uow).delete(job.id)
    with pytest.raises(JobNotFound):
        house.service(mine, lambda: None).get(mine, job.id)


def test_what_the_cache_has_of_the_account_is_not_shown_to_a_visitor(house, desk):
    mine, _ = house.arrive()
    job = house.send(mine)
    desk.service._cache = house.cache
    assert desk.job(job.id).id == job.id
    other, _ = house.arrive()
    with pytest.raises(JobNotFound):
        house.service(other, lambda: None).get(other, job.id)


def test_a_network_has_its_pictures_of_a_day_however_many_visitors_it_sends(house):
    for address in (HERE, NEXT_DOOR, "::ffff:192.0.2.9"):
        house.send(house.arrive()[0], address)
    for address in (HERE, NEXT_DOOR):
        with pytest.raises(TrialUsedUp) as refused:
            house.send(house.arrive()[0], address)
    assert 1 <= refused.value.retry_after <= 86_400
    assert [what for _, what in house.told] == ["network"]
    assert house.taken == NETWORK
    house.send(house.arrive()[0], ELSEWHERE)


@pytest.mark.parametrize(
    ("address", "same"), [("2001:db8:0:ff::1", True), ("2001:db8:0:100::1", False), ("unknown", False)]
)
def test_an_ipv6_network_is_56_bits(house, address, same):
    for _ in range(NETWORK):
        house.send(house.arrive()[0], "2001:db8::1")
    if same:
        with pytest.raises(TrialUsedUp):
            house.send(house.arrive()[0], address)
    else:
        house.send(house.arrive()[0], address)


def test_who_comes_when_the_day_is_used_up_costs_their_network_nothing(house, settings, valkey):
    settings(trial_pictures=1, trial_network_pictures=1)
    house.send(house.arrive()[0])
    for _ in range(2):
        with pytest.raises(TrialDayUsedUp) as refused:
            house.send(house.arrive()[0], ELSEWHERE)
    assert 1 <= refused.value.retry_after <= 86_400
    assert [what for _, what in house.told] == ["day"]
    settings(trial_pictures=2)
    house.send(house.arrive()[0], ELSEWHERE)


def test_what_is_told_waits_for_no_connection_while_it_holds_one(house, database, desk, settings):
    settings(trial_pictures=1, trial_network_pictures=1)
    put = desk.uploads.put

    def overtaken(*file):
        desk.uploads.put = put
        house.send(house.arrive()[0], ELSEWHERE)
        return put(*file)

    def tell(*what):
        busy = "select count(*) from pg_stat_activity where usename = 'fn_app' and state <> 'idle'"
        house.told.append((database.value(busy), *what))

    desk.uploads.put, house.tell = overtaken, tell
    with pytest.raises(TrialDayUsedUp):
        house.send(house.arrive()[0])
    assert [busy for busy, *_ in house.told] == [0]


def test_on_another_day_there_are_pictures_again(house, database):
    for _ in range(NETWORK):
        house.send(house.arrive()[0])
    database.move_clock(timedelta(days=1))
    house.send(house.arrive()[0])
    assert database.value("select count(*) from trial_days") == 2


@pytest.mark.parametrize(("day", "network"), [(100, 3), (3, 1)])
def test_twenty_who_reach_for_the_last_get_exactly_what_is_left(house, settings, together, day, network):
    settings(trial_pictures=day, trial_network_pictures=network)
    visitors = [house.arrive()[0] for _ in range(20)]
    house.send(visitors[0], "203.0.113.1")
    places = [HERE if day == 100 else f"10.0.{n}.1" for n in range(20)]
    found = together(*[lambda n=n: house.send(visitors[n], places[n]).state for n in range(20)])
    left = 3 if day == 100 else 2
    assert found.count(JobState.QUEUED) == left
    wanted = TrialUsedUp if day == 100 else TrialDayUsedUp
    assert sum(isinstance(each, wanted) for each in found) == 20 - left
    assert house.taken == 1 + left
    assert len(house.desk.uploads.files) == 1 + left


def test_what_comes_to_nothing_is_given_back(house, database, desk, settings):
    settings(trial_pictures=2, trial_network_pictures=1)
    database.run("update accounts set daily_limit = 0 where id = :a", a=desk.account)
    visitor, _ = house.arrive()
    for _ in range(3):
        with pytest.raises(TrialDayUsedUp):
            house.send(visitor)
    assert (house.taken, desk.balance, desk.uploads.files) == (0, (10, 0), {})
    database.run("update accounts set daily_limit = null where id = :a", a=desk.account)
    house.send(visitor)
    assert house.taken == 1


def test_without_credits_of_its_account_the_trial_is_over_for_the_day(house, database):
    house.desk = house.desk.__class__(database, 0)
    house.visitors = Visitors(house.desk.account, frozenset())
    with pytest.raises(TrialDayUsedUp):
        house.send(house.arrive()[0])


def test_nothing_is_given_away_uncounted(house):
    house.cache = RedisCache(RedisSettings(redis_url="redis://127.0.0.1:1/0"))
    with pytest.raises(TransientError) as refused:
        house.send(house.arrive()[0])
    assert refused.value.status == 503
    assert (house.taken, house.desk.uploads.files) == (0, {})


BEYOND = {
    "two languages": {"targets": ["es", "fr"]},
    "a quote": {"quote": "quo_01k9z3v5w8x2y4a6b8c0d2e4f6"},
    "formats": {"formats": ["pdf"]},
    "too many pixels": {"file": Picture((101, 100))},
    "too many bytes": {"file": type("Big", (Picture,), {"data": lambda self: bytes(5001)})()},
    "two pages": {"file": Picture((8, 8), (8, 8), kind="TIFF")},
}


@pytest.mark.parametrize("what", BEYOND)
def test_more_than_a_small_picture_needs_an_account(house, settings, what):
    settings(trial_pixels=10_000, trial_bytes=5000)
    with pytest.raises(ImangorError) as refused:
        house.send(house.arrive()[0], **BEYOND[what])
    assert refused.type is BeyondTrial or what == "a quote"
    assert (house.taken, house.desk.uploads.files) == (0, {})
    house.send(house.arrive()[0], file=Picture((100, 100)))


def test_a_picture_must_come_with_the_call(house):
    visitor, _ = house.arrive()
    uow = house.uow(visitor)
    with pytest.raises(BeyondTrial), uow:
        house.service(visitor, lambda: uow).create(visitor, CreateJob(targets=["es"]))


@pytest.mark.parametrize(("days", "hours"), [(30, 24), (1, 24)])
def test_what_a_visitor_sent_is_kept_for_a_day(house, database, desk, days, hours):
    database.run("update accounts set retention_days = :d", d=days)
    job = house.send(house.arrive()[0])
    with desk.uow() as uow:
        end_job(uow, JobRepository(uow).get(job.id, lock=True), JobState.CANCELLED)
    left = database.value("select due_at - clock_now() from deadlines where action = 'erase'")
    assert timedelta(hours=hours - 1) < left <= timedelta(hours=hours)


def test_a_visitor_begins_on_our_pages_or_on_none(house):
    for origin in (None, "https://app.example", "https://api.example"):
        assert house.arrive(origin=origin, host="api.example")
    for origin in ("https://elsewhere.example", "null", "", "http://api.example"):
        with pytest.raises(ForeignOrigin):
            house.arrive(origin=origin, host="api.example")


def test_a_made_up_token_is_nobodys(house):
    for token in ("img_trial_", "img_trial_" + "0" * 36, "img_trial_ключ"):
        with pytest.raises(Unauthenticated):
            house.visitors.prove(token, Credentials())


def test_without_a_trial_nobody_arrives_and_tokens_have_ended_which_is_no_guess(house):
    token, closed = house.arrive()[1], Visitors(None, frozenset())
    assert closed.arrive(Credentials(origin="https://elsewhere.example")) is None
    with pytest.raises(CredentialEnded):
        closed.prove(token, Credentials())


def test_tokens_tell_visitors_apart_and_ids_do_not_tell_tokens(house):
    people = [house.arrive() for _ in range(50)]
    assert len({visitor.id for visitor, _ in people}) == 50
    assert all(visitor.id.removeprefix("tri_") not in token for visitor, token in people)
    assert {visitor.scopes for visitor, _ in people} == {frozenset()}
