"""An account's settings, usage and limits, on the real database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.accounts.errors import KeyNotFound, SettingsChanged
from shared.accounts.repository import AccountRepository
from shared.accounts.schemas import ChangeSettings, SpendLimits, UsageFilter
from shared.accounts.service import AccountService
from shared.auth.known_keys import find_key
from shared.auth.principal import Principal
from shared.auth.repository import insert_key
from shared.cache.redis import RedisCache
from shared.core.config import RedisSettings
from shared.core.errors import InvalidInput
from shared.core.ids import new_id
from shared.jobs.arrivals import Arrivals
from shared.jobs.endings import complete_target, end_job
from shared.jobs.messages import Arrival
from shared.jobs.repository import JobRepository
from shared.jobs.schemas import CreateJob
from shared.jobs.states import JobState, TargetState
from shared.ledger.errors import SpendLimitReached
from shared.translation.errors import UnsupportedLanguage
from shared.translation.languages import Languages


def call(desk, operation, *arguments):
    with desk.uow() as uow:
        return getattr(AccountService(lambda: uow, desk.languages), operation)(*arguments)


def change(desk, if_match="*", **settings):
    return call(desk, "change", ChangeSettings.model_validate(settings), if_match)


def usage(desk, **query):
    return call(desk, "usage", UsageFilter.model_validate(query)).rows


def create(desk, principal=None, **order):
    return desk.call("create", principal or desk.principal, CreateJob.model_validate(order), None)


def finish(desk, job, *targets, pages=1):
    """Bring some of a job's targets to their end, as the worker would."""
    with desk.uow() as uow:
        repository = JobRepository(uow)
        repository.change(job, state=JobState.QUEUED, source_generation=1, pages=pages)
        repository.change(job, state=JobState.PROCESSING)
        for target in targets:
            repository.change_targets(job, [target], state=TargetState.PROCESSING)
            complete_target(uow, repository.get(job), target, {})


def step(desk, job, target, calls, hits):
    desk.database.run(
        "insert into job_steps (job_id, account_id, step, target, attempt, outcome, started_at, calls,"
        " cache_hits) values (:j, :a, 'render', :t, 0, 'done', clock_now(), cast(:c as jsonb), :h)",
        j=job, a=desk.account, t=target, c=str([{}] * calls).replace("'", '"'), h=hits,
    )  # fmt: skip


def test_an_account_is_described(desk):
    profile = call(desk, "profile")
    assert (profile.id, profile.name, profile.plan) == (desk.account, "Somebody", "standard")


def test_settings_change_one_by_one_under_their_tag(desk):
    first = call(desk, "settings")
    assert (first.retention_days, first.source_language, first.targets, first.location) == (
        30, "auto", [], "global",
    )  # fmt: skip
    second = change(desk, first.etag, targets=["fr", "es"], location="eu")
    third = change(desk, second.etag, retention_days=7, source_language="en")
    assert (third.retention_days, third.source_language, third.targets, third.location) == (
        7, "en", ["fr", "es"], "eu",
    )  # fmt: skip
    with pytest.raises(SettingsChanged):
        change(desk, second.etag, retention_days=8)
    assert change(desk, targets=[], source_language="auto").targets == []


def test_settings_that_cannot_be_are_refused(desk):
    with pytest.raises(UnsupportedLanguage):
        change(desk, targets=["la"])
    change(desk, targets=["es"])
    with pytest.raises(InvalidInput):
        change(desk, source_language="es")


def test_settings_that_are_being_changed_keep_no_job_waiting(desk):
    with desk.uow() as uow:
        AccountRepository(uow).get(lock=True)
        assert create(desk, targets=["es"]).state is JobState.AWAITING_UPLOAD


def test_no_transaction_is_open_while_the_languages_are_asked_for(desk):
    query = "select count(*) from pg_stat_activity where usename = 'fn_app' and state like 'idle in%'"
    known, seen = desk.languages.all(), []

    def load():
        seen.append(desk.database.value(query))
        return known

    desk.languages = Languages(RedisCache(RedisSettings()), load)
    change(desk, targets=["fr"])
    assert seen == [0]


def test_default_languages_are_those_of_jobs_that_name_none(desk):
    with pytest.raises(InvalidInput, match=""):
        create(desk)
    change(desk, source_language="en", targets=["es", "fr"])
    with desk.uow() as uow:
        insert_key(uow, new_id("key"), "k", "h", b"hash", ["jobs:write"])
    with desk.database.uow(key_hash=b"hash".hex()) as uow:
        principal = find_key(uow, [b"hash"]).principal
    job = create(desk, principal)
    assert (job.source_language, [t.language for t in job.targets]) == ("en", ["es", "fr"])
    job = create(desk, principal, source_language="fr")
    assert (job.source_language, [t.language for t in job.targets]) == ("fr", ["es"])
    job = create(desk, principal, targets=["en"])
    assert (job.source_language, [t.language for t in job.targets]) == ("auto", ["en"])


def test_a_file_without_a_folder_in_an_inbox_has_the_account_s_languages(desk):
    def drop(name):
        with desk.uow(None) as uow:
            arrival = Arrival(f"inbox/{desk.account}/{name}", 1, 9)
            Arrivals(uow, desk.languages, lambda *at: True).arrived(arrival)

    drop("early.png")
    change(desk, source_language="en", targets=["es"])
    drop("late.png")
    rows = desk.database.rows("select name, state, source_language from jobs order by created_at")
    assert [tuple(row) for row in rows] == [("early.png", "failed", None), ("late.png", "queued", "en")]
    assert desk.database.rows("select language from job_targets") == [("es",)]


def test_files_are_kept_as_long_as_the_account_wants(desk):
    change(desk, retention_days=3)
    job = create(desk, targets=["es"]).id
    with desk.uow() as uow:
        end_job(uow, JobRepository(uow).get(job), JobState.CANCELLED)
    left = desk.database.value("select due_at - clock_now() from deadlines where action = 'erase'")
    assert timedelta(days=2, hours=23) < left <= timedelta(days=3)


def test_usage_is_told_apart_by_what_is_asked_for(desk, database):
    first = create(desk, targets=["es", "fr"]).id
    finish(desk, first, "es", pages=3)
    step(desk, first, None, 1, 0)
    step(desk, first, "es", 2, 4)
    create(desk, Principal("key_2", desk.account, frozenset()), targets=["es"])
    (all_of_it,) = usage(desk, group_by=[])
    assert (all_of_it.jobs, all_of_it.targets, all_of_it.pages, all_of_it.credits) == (2, 1, 3, 1)
    assert (all_of_it.provider_calls, all_of_it.cache_hits) == (3, 4)
    by_key = {row.key: (row.jobs, row.targets) for row in usage(desk, group_by=["key"])}
    assert by_key == {"key_1": (1, 1), "key_2": (1, 0)}
    by_language = {row.language: (row.jobs, row.provider_calls) for row in usage(desk, group_by=["language"])}
    assert by_language == {"es": (2, 2), "fr": (1, 0), None: (1, 1)}
    ((day,),) = database.rows("select (clock_now() at time zone 'UTC')::date")
    assert [(row.day, row.medium) for row in usage(desk, group_by=["day", "medium"])] == [(day, "picture")]


def test_usage_is_of_the_days_asked_for_and_of_one_account(desk, database):
    create(desk, targets=["es"])
    stranger = type(desk)(database, 10)
    assert usage(stranger) == []
    ((day,),) = database.rows("select (clock_now() at time zone 'UTC')::date")
    before = str(day - timedelta(days=1))
    assert usage(desk, **{"from": before, "to": before}) == []
    database.move_clock(timedelta(days=29))
    assert len(usage(desk)) == 1
    database.move_clock(timedelta(days=30))
    assert usage(desk) == []
    with pytest.raises(InvalidInput):
        usage(desk, **{"from": "2020-01-01"})


@pytest.mark.parametrize("day", ["0001-01-05", "9999-12-31"])
def test_usage_of_the_first_and_the_last_days_that_there_are_is_none(desk, day):
    assert usage(desk, to=day) == []


def test_limits_are_set_and_say_what_was_spent(desk):
    create(desk, targets=["es", "fr"])
    assert call(desk, "limits").model_dump() == {
        "daily": None, "monthly": None, "spent_today": 2, "spent_this_month": 2,
    }  # fmt: skip
    call(desk, "limit", SpendLimits(daily=2, monthly=None))
    with pytest.raises(SpendLimitReached):
        create(desk, targets=["es"])
    call(desk, "limit", SpendLimits(daily=None, monthly=None))
    create(desk, targets=["es"])


def test_keys_are_limited_by_the_owner_of_their_account_only(desk, database):
    key = new_id("key")
    with desk.uow() as uow:
        insert_key(uow, key, "k", "h", b"hash", ["jobs:write"])
    assert call(desk, "limit_key", key, SpendLimits(daily=0, monthly=None)).daily == 0
    with pytest.raises(SpendLimitReached):
        create(desk, Principal(key, desk.account, frozenset()), targets=["es"])
    stranger = type(desk)(database, 10)
    for operation in (("limit_key", key, SpendLimits(daily=None, monthly=None)), ("key_limits", key)):
        with pytest.raises(KeyNotFound):
            call(stranger, *operation)
