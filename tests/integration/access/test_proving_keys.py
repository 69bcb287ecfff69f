"""Keys as callers present them: peppers, rotation, expiry, and what is remembered of them."""

from datetime import timedelta

import pytest

from shared.auth.api_keys import key_hash, new_key, pepper_mark
from shared.auth.errors import AttemptNotCounted, RefusedAgain
from shared.auth.key_use import keep_uses
from shared.auth.known_keys import hashed_cache_key
from shared.core.errors import Unauthenticated

from .conftest import NEWER, PEPPER


def kept(database, key_id):
    ((digest, mark),) = database.rows("select hash, pepper from api_keys where id = :k", k=key_id)
    return bytes(digest), mark and bytes(mark)


def test_a_key_under_an_older_pepper_is_good_and_is_kept_under_the_newest_once(door, database):
    key, ident = door.issue(database.account(), "jobs:read")
    door.set_peppers(NEWER, PEPPER)
    with database.statements() as seen:
        door.enter(key)
    assert len([s for s in seen if s.startswith("UPDATE")]) == 1
    assert kept(database, ident) == (key_hash(key, NEWER), pepper_mark(NEWER))
    door.cache.attempt(lambda redis: redis.flushall())
    with database.statements() as seen:
        door.enter(key)
    assert not [s for s in seen if s.startswith("UPDATE")]
    door.set_peppers(NEWER)
    assert door.enter(key).id == ident


def test_a_key_under_a_pepper_that_is_gone_is_refused(door, database):
    key, _ = door.issue(database.account())
    door.set_peppers(NEWER)
    with pytest.raises(Unauthenticated):
        door.enter(key)


def test_a_key_of_which_the_pepper_was_not_noted_is_marked_when_it_is_used(door, database):
    key, ident = door.issue(database.account())
    database.run("update api_keys set pepper = null")
    door.enter(key)
    assert kept(database, ident) == (key_hash(key, PEPPER), pepper_mark(PEPPER))


def replace(database, key_id, until):
    sets = "previous_hash = hash, previous_pepper = pepper, hash = 'other', previous_until = clock_now()"
    database.run(f"update api_keys set {sets} + '{until}' where id = :k", k=key_id)  # noqa: S608 - our own names


def test_a_secret_that_was_replaced_is_good_until_its_overlap_ends(door, database):
    key, ident = door.issue(database.account())
    replace(database, ident, "1 minute")
    door.set_peppers(NEWER, PEPPER)
    assert door.enter(key).id == ident
    assert bytes(database.value("select previous_hash from api_keys")) == key_hash(key, NEWER)
    door.cache.attempt(lambda redis: redis.flushall())
    database.move_clock(timedelta(minutes=2))
    with pytest.raises(Unauthenticated):
        door.enter(key)


@pytest.mark.parametrize("ends", ["expires_at", "previous_until"])
def test_what_is_remembered_of_a_key_ends_with_it(door, database, ends):
    key, ident = door.issue(database.account())
    if ends == "previous_until":
        replace(database, ident, "5 seconds")
    else:
        database.run("update api_keys set expires_at = clock_now() + interval '5 seconds'")
    door.enter(key)
    place = hashed_cache_key(key_hash(key, PEPPER))
    assert 0 < door.cache.attempt(lambda redis: redis.pttl(place)) <= 5000


def test_a_key_without_an_end_is_remembered_for_a_minute(door, database):
    key, _ = door.issue(database.account())
    door.enter(key)
    place = hashed_cache_key(key_hash(key, PEPPER))
    assert 50_000 < door.cache.attempt(lambda redis: redis.pttl(place)) <= 60_000


def test_a_wrong_key_is_looked_up_once_and_then_known_as_wrong(door, database):
    wrong = new_key("live")
    with pytest.raises(Unauthenticated):
        door.enter(wrong)
    with database.statements() as seen, pytest.raises(RefusedAgain):
        door.enter(wrong)
    assert seen == []


def test_without_redis_a_good_key_passes_and_a_wrong_one_gets_no_answer(door, database, away):
    account = database.account()
    key, _ = door.issue(account)
    assert door.enter(key, cache=away).account == account
    for wrong in (new_key("live"), key + "x"):
        with pytest.raises(AttemptNotCounted):
            door.enter(wrong, cache=away)


def test_the_last_use_is_written_by_the_sweep_and_not_by_requests(door, database):
    key, ident = door.issue(database.account())
    door.issue(database.account())
    for _ in range(3):
        door.enter(key)
    used = "select id from api_keys where last_used_at > clock_now() - interval '1 minute'"
    assert database.rows(used) == []
    with database.uow(system=True) as uow:
        assert keep_uses(door.cache, uow) == 1
    assert database.rows(used) == [(ident,)]
    with database.uow(system=True) as uow:
        assert keep_uses(door.cache, uow) == 0
