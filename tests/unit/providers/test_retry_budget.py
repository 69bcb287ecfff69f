import gc
import weakref
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.providers.budget import RetryBudget, backoff, call_with_retry
from shared.providers.errors import Failure, ProviderRefused, ProviderUnavailable


class Clock:
    def __init__(self):
        self.now = 100.0
        self.pauses = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds


def run(outcomes, *, deadline=60.0, budget=None, took=0.0, attempt_seconds=None):
    """Call a function that has these outcomes, an exception or a result each; also gives its timeouts."""
    clock, timeouts, rest = Clock(), [], iter(outcomes)

    def fn(seconds):
        timeouts.append(seconds)
        clock.now += took
        outcome = next(rest)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    kinds = {
        OSError: Failure(ProviderUnavailable(), again=True),
        ValueError: Failure(ProviderRefused()),
    }
    result = call_with_retry(
        fn,
        deadline,
        budget or RetryBudget(),
        lambda error: kinds.get(type(error)),
        attempt_seconds=attempt_seconds,
        sleep=clock.sleep,
        clock=clock,
        draw=lambda: 1.0,
    )
    return result, clock.pauses, timeouts


def test_a_passing_failure_is_tried_again_after_a_growing_pause():
    assert run([OSError(), OSError(), "done"])[:2] == (("done", 2), [0.25, 0.5])


@pytest.mark.parametrize(("error", "raised"), [(ValueError(), ProviderRefused), (KeyError(), KeyError)])
def test_a_final_or_unknown_failure_is_not_tried_again(error, raised):
    with pytest.raises(raised):
        run([error, "done"])


def test_the_deadline_holds_for_all_attempts_together():
    with pytest.raises(ProviderUnavailable):
        run([OSError()] * 9, deadline=10, took=9.9)
    _, _, timeouts = run([OSError(), "done"], deadline=10, took=4)
    assert timeouts == [10, 5.75]


def test_one_attempt_may_not_use_up_the_whole_deadline():
    _, _, timeouts = run([OSError(), OSError(), "done"], deadline=10, took=4, attempt_seconds=5)
    assert timeouts == [5, 5, pytest.approx(1.25)]


@given(st.floats(0, 0.5), st.integers(0, 5), st.lists(st.booleans(), max_size=200))
def test_retries_are_at_most_the_floor_and_a_share_of_the_calls(ratio, floor, wishes):
    budget, retries = RetryBudget(ratio, floor), 0
    for calls, wish in enumerate(wishes, 1):
        budget.earn()
        retries += wish and budget.spend()
        assert retries <= floor + ratio * calls + 1e-6


def test_without_permits_left_the_first_failure_is_final():
    budget = RetryBudget(ratio=0.0, floor=1)
    assert run([OSError(), "done"], budget=budget)[0] == ("done", 1)
    with pytest.raises(ProviderUnavailable):
        run([OSError(), "done"], budget=budget)


@given(st.integers(0, 50), st.floats(0, 1, exclude_max=True))
def test_pauses_are_spread_over_the_whole_range_and_bounded(attempt, draw):
    assert 0 <= backoff(attempt, draw) <= min(8.0, 0.25 * 2**attempt)


class _Picture:
    """What a caller works on."""


def test_a_failure_holds_nothing_of_what_its_callers_worked_on():
    held = []

    def call():
        picture = _Picture()
        held.append(weakref.ref(picture))

        def fn(seconds):
            kept = ConnectionError("as libraries keep theirs")
            raise kept

        call_with_retry(fn, 1, RetryBudget(), lambda error: Failure(ProviderUnavailable("gone")))

    gc.disable()
    try:
        with suppress(ProviderUnavailable):
            call()
        assert held[0]() is None
    finally:
        gc.enable()
