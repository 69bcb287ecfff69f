"""Sign-ins that failed: whose they are told to be, and that they are never a flood."""

from datetime import timedelta

import pytest

from shared.auth.api_keys import new_key
from shared.auth.errors import CredentialEnded
from shared.auth.failed_sign_ins import MOST_PLACES
from shared.core.errors import Unauthenticated
from shared.core.ids import new_id
from shared.keys.schemas import RotateKey
from shared.tokens.errors import ClientEnded, InvalidClient, InvalidGrant

from .conftest import GUESSES
from .test_code_flow import Studio
from .test_keys_service import Office
from .test_tokens import Exchange


@pytest.fixture
def office(door, database):
    return Office(door, database.account())


@pytest.mark.parametrize("reason", ["revoked", "expired", "replaced"])
def test_a_key_that_has_ended_is_told_to_its_account_once_a_minute(door, database, office, reason):
    key = office.make("jobs:read")
    if reason == "revoked":
        office.do("revoke", key.id)
    elif reason == "expired":
        database.run("update api_keys set expires_at = clock_now()")
    else:
        office.do("rotate", office.owner, key.id, RotateKey(overlap_hours=0))
    database.move_clock(timedelta(minutes=2))
    door.cache.attempt(lambda redis: redis.flushall())
    for n in range(3):
        with pytest.raises(Unauthenticated):
            door.enter(key.secret, f"192.0.2.{n}")
    assert door.failures == [(key.id, office.account, reason)]
    assert door.told == []


def test_a_key_that_has_ended_is_no_guess(door, office):
    for _ in range(GUESSES + 1):
        key = office.make()
        office.do("revoke", key.id)
        with pytest.raises(CredentialEnded):
            door.enter(key.secret)
    assert door.told == []


def test_a_key_of_a_closed_account_is_told_to_nobody(door, database, office):
    key = office.make()
    database.run("update accounts set deleted_at = clock_now()")
    with pytest.raises(Unauthenticated):
        door.enter(key.secret)
    assert door.failures == [(None, None, "unknown")]


def test_guesses_at_a_keys_secret_are_told_to_its_account_from_wherever_they_come(door, office):
    exchange, key = Exchange(door), office.make()
    for n in range(3):
        with pytest.raises(InvalidClient):
            exchange.ask(key.id, new_key("live"), address=f"198.51.100.{n}")
    assert door.failures == [(key.id, office.account, "wrong-secret")]


def test_an_ended_key_proves_no_client_and_is_no_guess_at_it(door, office):
    exchange, key = Exchange(door), office.make()
    office.do("revoke", key.id)
    with pytest.raises(ClientEnded):
        exchange.ask(key.id, key.secret)
    assert door.failures == [(key.id, office.account, "revoked")]


def test_what_is_nobodys_is_told_to_the_platform_for_each_place_and_for_not_too_many(door):
    exchange = Exchange(door)
    for place in range(MOST_PLACES + 5):
        for _ in range(2):
            with pytest.raises(InvalidClient):
                exchange.ask(new_id("key"), new_key("live"), address=f"198.51.100.{place}")
    assert door.failures == [(None, None, "unknown")] * MOST_PLACES


def test_a_code_or_token_that_does_not_fit_is_told_to_the_account_it_was_for(door, database):
    studio, account = Studio(door, database), database.account()
    studio.join(account)
    code = studio.authorize()["code"]
    with pytest.raises(InvalidGrant):
        studio.redeem(code, code_verifier="w" * 43)
    (grant,) = database.rows("select id from oauth_grants")
    assert (grant.id, account, "misfit") in door.failures
    assert studio.redeem(code).access_token


def test_somebody_who_is_disabled_is_told_to_their_account(door, database):
    studio, account = Studio(door, database), database.account()
    studio.join(account)
    token = studio.redeem(studio.authorize()["code"])
    database.run("update users set disabled_at = clock_now()")
    studio.forget()
    for _ in range(2):
        with pytest.raises(CredentialEnded):
            studio.enter(token)
    assert door.failures == [(studio.user, account, "disabled")]


def test_without_redis_nothing_is_written_because_nobody_could_say_how_often(door, office, away):
    key = office.make()
    office.do("revoke", key.id)
    with pytest.raises(CredentialEnded):
        door.enter(key.secret, cache=away)
    assert door.failures == []
