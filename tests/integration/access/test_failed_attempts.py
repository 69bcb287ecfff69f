"""Guessing: how much of it one place may do, and who is not harmed by it."""

import pytest

from shared.auth.api_keys import new_key
from shared.auth.errors import CredentialEnded, RefusedAgain
from shared.core.credentials import Credentials
from shared.core.errors import RateLimited, Unauthenticated

from .conftest import GUESSES

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.1"


def guess(door, times, address=HERE):
    """How often a wrong key was answered by 401, and how often by 429."""
    answers = {Unauthenticated: 0, RateLimited: 0}
    for _ in range(times):
        with pytest.raises((Unauthenticated, RateLimited)) as caught:
            door.enter(new_key("live"), address)
        answers[caught.type] += 1
        assert caught.type is Unauthenticated or 1 <= caught.value.retry_after <= 21
    return tuple(answers.values())


def test_a_hundred_wrong_keys_are_mostly_not_even_looked_up(door, database):
    account = database.account()
    key, _ = door.issue(account)
    known, _ = door.issue(account)
    door.enter(known, HERE)
    with database.statements() as seen:
        assert guess(door, 100) == (GUESSES, 100 - GUESSES)
    assert sum("api_keys" in each for each in seen) == GUESSES
    assert door.enter(key, ELSEWHERE).account == account
    # What is known as good passes from there, too; what would have to be looked up does not.
    assert door.enter(known, HERE).account == account
    fresh, _ = door.issue(account)
    with pytest.raises(RateLimited):
        door.enter(fresh, HERE)


def test_guessing_is_told_once(door):
    guess(door, 50)
    assert [told.address for told in door.told] == [HERE]
    guess(door, 50, ELSEWHERE)
    assert [told.address for told in door.told] == [HERE, ELSEWHERE]


def test_an_ipv6_network_counts_as_one_place(door):
    assert guess(door, GUESSES, "2001:db8::1") == (GUESSES, 0)
    assert guess(door, 1, "2001:db8::ffff:2") == (0, 1)
    assert guess(door, 1, "2001:db8:0:1::1") == (1, 0)


def test_mistyped_keys_and_unknown_words_are_guesses_too(door):
    for _ in range(GUESSES):
        with pytest.raises(Unauthenticated):
            door.enter("img_live_" + "0" * 36)
    with pytest.raises(RateLimited):
        door.enter("hello")


def test_the_same_wrong_key_again_and_good_ones_cost_nothing(door, database):
    key, _ = door.issue(database.account())
    wrong = new_key("live")
    for _ in range(GUESSES + 5):
        door.enter(key)
        with pytest.raises(Unauthenticated):
            door.enter(wrong)
    assert guess(door, GUESSES) == (GUESSES - 1, 1)


@pytest.mark.parametrize("error", [CredentialEnded, RefusedAgain])
def test_what_was_good_once_is_no_guess(door, error):
    for _ in range(GUESSES):
        with pytest.raises(error), door.attempts.counting(Credentials(address=HERE)):
            raise error
    assert guess(door, 1) == (1, 0)


def test_guesses_at_one_name_are_counted_from_everywhere(door):
    for n in range(GUESSES + 1):
        who, error = Credentials(address=f"192.0.2.{n}"), Unauthenticated if n < GUESSES else RateLimited
        with pytest.raises(error), door.attempts.counting(who, "key_1"):
            raise Unauthenticated
    assert len(door.told) == 1
