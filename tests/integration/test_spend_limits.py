"""What an account or a key may spend, and the breaker of inboxes that run away."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.auth.principal import Principal
from shared.auth.repository import insert_key
from shared.core.config import BreakerSettings
from shared.core.ids import new_id
from shared.jobs.arrivals import Arrivals
from shared.jobs.messages import Arrival
from shared.jobs.schemas import CreateJob
from shared.jobs.service import JobService
from shared.jobs.states import JobState
from shared.ledger.errors import SpendLimitReached
from shared.ledger.service import Ledger

ROOM = BreakerSettings(breaker_object_hour=3, breaker_inbox_minute=5, breaker_inbox_hour=8)


def limit(desk, whose="accounts", **limits):
    sets = ", ".join(f"{name} = :{name}" for name in limits)
    desk.database.run(f"update {whose} set {sets}", **limits)  # noqa: S608 - our own names


def key(desk, **limits):
    """Another key of the account, with limits of its own."""
    name = new_id("key")
    with desk.uow() as uow:
        insert_key(uow, name, "second", "hint", name.encode(), ["jobs:write"])
    limit(desk, "api_keys", **limits)
    return Principal(name, desk.account, frozenset())


def create(desk, principal, *targets):
    return desk.call("create", principal, CreateJob.model_validate({"targets": list(targets)}), None)


def drop(desk, path="en-es/a.png", generation=1, limits=ROOM):
    with desk.uow(None) as uow:
        name = f"inbox/{desk.account}/{path}"
        Arrivals(uow, desk.languages, lambda *at: True, limits).arrived(Arrival(name, generation, 9))


def told(desk):
    """What the account was told of its limits and of the breaker."""
    events = "select type, data from webhook_events where type not like 'job.%' order by type"
    return [tuple(row) for row in desk.database.rows(events)]


def slugs(desk):
    errors = desk.database.rows("select error->>'slug' from jobs order by created_at, id")
    return [slug for (slug,) in errors]


def spent(desk):
    return dict(desk.database.rows("select spender, sum(credits) from spending group by 1"))


def test_without_limits_everything_is_counted_and_nothing_refused(desk):
    desk.create("es", "fr")
    drop(desk)
    assert spent(desk) == {"key_1": 2, "inbox": 1}


@pytest.mark.parametrize("period", ["day", "month"])
def test_a_limit_is_reached_and_never_passed(desk, period):
    limit(desk, **{{"day": "daily_limit", "month": "monthly_limit"}[period]: 3})
    desk.create("es", "fr")
    with pytest.raises(SpendLimitReached, match=f"3 credits a {period}") as refused:
        desk.create("es", "fr")
    assert refused.value.status == 429
    longest = {"day": 86400, "month": 31 * 86400}[period]
    assert 0 < int(refused.value.headers["Retry-After"]) <= longest
    assert desk.balance == (8, 2)
    desk.create("es")
    assert spent(desk) == {"key_1": 3}
    with pytest.raises(SpendLimitReached):
        desk.create("fr")
    ((kind, data),) = told(desk)
    assert (kind, data["whose"], data["period"], data["limit"]) == (
        "spend.limit_reached",
        "account",
        period,
        3,
    )


def test_what_comes_back_can_be_spent_again(desk):
    limit(desk, daily_limit=1)
    job = desk.create("es").id
    desk.call("cancel", job)
    desk.create("fr")
    assert spent(desk) == {"key_1": 1}


def test_a_new_day_and_a_new_month_begin_with_nothing_spent(desk, database):
    limit(desk, daily_limit=1)
    desk.create("es")
    database.move_clock(timedelta(days=1))
    desk.create("es")
    limit(desk, daily_limit=None, monthly_limit=2)
    database.move_clock(timedelta(days=40))
    desk.create("es", "fr")
    with pytest.raises(SpendLimitReached, match="month"):
        desk.create("es")


def test_nothing_may_be_spent_under_a_limit_of_nothing(desk):
    limit(desk, daily_limit=0)
    with pytest.raises(SpendLimitReached):
        desk.create("es")


def test_a_key_has_limits_of_its_own(desk):
    other = key(desk, daily_limit=1)
    create(desk, other, "es")
    with pytest.raises(SpendLimitReached, match="This key"):
        create(desk, other, "fr")
    desk.create("es", "fr")
    limit(desk, daily_limit=4)
    with pytest.raises(SpendLimitReached, match="This account"):
        desk.create("es", "fr")


def test_the_limits_of_one_account_are_nothing_to_another(desk, database):
    stranger = type(desk)(database, 10)
    limit(desk, daily_limit=0)
    database.run("update accounts set daily_limit = null where id = :a", a=stranger.account)
    stranger.create("es")
    assert database.rows("select account_id from spending") == [(stranger.account,)]


def test_further_pages_count_and_can_be_too_much(desk):
    limit(desk, daily_limit=3)
    job = desk.create("es").id
    with desk.uow() as uow:
        Ledger(uow).extend(job, "es", 2, "pages")
    with pytest.raises(SpendLimitReached), desk.uow() as uow:
        Ledger(uow).extend(job, "es", 1, "more")
    assert spent(desk) == {"key_1": 3}


def test_further_pages_of_an_earlier_day_count_with_what_was_spent_since(desk, database):
    begin = database.value("select date_trunc('month', clock_now()) + interval '1 month' - clock_now()")
    database.move_clock(begin + timedelta(days=1))
    limit(desk, monthly_limit=3)
    earlier = desk.create("es").id
    database.move_clock(begin + timedelta(days=9))
    desk.create("es", "fr")
    with pytest.raises(SpendLimitReached), desk.uow() as uow:
        Ledger(uow).extend(earlier, "es", 1, "pages")
    assert spent(desk) == {"key_1": 3}


def test_fifty_at_once_do_not_pass_a_limit(database, desk, together):
    limit(desk, daily_limit=7)
    with desk.uow() as uow:
        Ledger(uow).grant(100, "more")

    def order():
        with desk.uow() as uow:
            order = CreateJob.model_validate({"targets": ["es"]})
            service = JobService(lambda: uow, desk.uow, desk.uploads, desk.languages, desk.service._cache)
            return service.create(desk.principal, order)

    answers = together(*[order] * 50)
    assert sum(isinstance(a, SpendLimitReached) for a in answers) == 43
    assert database.value("select count(*) from jobs") == 7
    assert database.value("select sum(credits) from spending") == 7
    assert desk.balance == (103, 7)


def test_an_inbox_file_beyond_a_limit_gets_its_error_file(desk):
    limit(desk, daily_limit=1)
    drop(desk, "en-es/a.png")
    drop(desk, "en-es/b.png")
    assert slugs(desk) == [None, "spend-limit-reached"]
    events = [body for kind, _, body in desk.take_sent() if kind == "event"]
    assert [body["type"] for body in events] == ["job.failed"]
    assert [kind for kind, _ in told(desk)] == ["spend.limit_reached"]
    assert desk.balance == (9, 1)


def test_one_name_that_comes_again_and_again_is_shut_out(desk):
    for generation in range(1, 5):
        drop(desk, generation=generation)
    assert slugs(desk) == [None, None, None, "breaker-tripped"]
    drop(desk, "en-es/other.png")
    assert slugs(desk)[-1] is None
    assert desk.balance == (6, 4)


def test_a_delivery_that_comes_twice_is_not_counted_twice(desk):
    for _ in range(6):
        drop(desk)
    assert slugs(desk) == [None]


def test_the_breaker_opens_when_nothing_has_come_for_long_enough(desk, database):
    for number in range(7):
        drop(desk, f"en-es/{number}.png")
    assert slugs(desk) == [None] * 5 + ["breaker-tripped"] * 2
    assert told(desk) == [("account.breaker_tripped", {"scope": "inbox", "period": "minute", "limit": 5})]
    database.move_clock(timedelta(minutes=2))
    drop(desk, "en-es/7.png")
    drop(desk, "en-es/8.png")
    assert slugs(desk)[-2:] == [None, "breaker-tripped"], "eight an hour, rejected ones among them"
    database.move_clock(timedelta(hours=2))
    drop(desk, "en-es/9.png")
    assert slugs(desk)[-1] is None


def test_a_loop_that_copies_results_into_the_inbox_ends_by_itself(desk):
    """As somebody built it: each result becomes the next source, under a name of its own."""
    with desk.uow() as uow:
        Ledger(uow).grant(1000, "plenty")
    path, rounds = "en-es/a.png", 0
    while rounds < 100:
        drop(desk, path)
        rounds += 1
        ((prefix, state),) = desk.database.rows(
            "select results_prefix, state from jobs order by created_at desc, id desc limit 1"
        )
        if state == JobState.FAILED:
            break
        path = f"en-es/{prefix.removeprefix(f'results/{desk.account}/en-es/')}es.png"
    assert rounds == ROOM.breaker_inbox_minute + 1
    assert desk.database.value("select sum(credits) from spending") == ROOM.breaker_inbox_minute


def test_a_result_never_triggers(desk):
    for path in ("en-es/a.png/es.png", f"{new_id('job')}/es.png"):
        name = f"results/{desk.account}/{path}"
        with desk.uow(None) as uow:
            Arrivals(uow, desk.languages, lambda *at: True, ROOM).arrived(Arrival(name, 1, 9))
    assert desk.database.value("select count(*) from jobs") == 0
    assert desk.take_sent() == []
