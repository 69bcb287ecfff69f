"""Which priority a job gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.priority import Priority
from shared.jobs.priority import SMALL_BYTES, priority

PLANS = st.sampled_from(["economy", "standard", "premium", "unheard of"])
SIZES = st.one_of(st.none(), st.integers(1, 10 * SMALL_BYTES))
ORDER = list(Priority)


@pytest.mark.parametrize(
    ("plan", "size", "given"),
    [
        ("economy", SMALL_BYTES, Priority.STANDARD),
        ("economy", SMALL_BYTES + 1, Priority.BULK),
        ("standard", SMALL_BYTES, Priority.INTERACTIVE),
        ("standard", None, Priority.INTERACTIVE),
        ("standard", SMALL_BYTES + 1, Priority.STANDARD),
        ("premium", SMALL_BYTES + 1, Priority.INTERACTIVE),
        ("unheard of", SMALL_BYTES + 1, Priority.STANDARD),
    ],
)
def test_plan_and_size_decide(plan, size, given):
    assert priority(plan, size) is given


@given(PLANS, SIZES, st.sampled_from(Priority))
def test_a_caller_can_only_ask_for_less(plan, size, asked):
    found = priority(plan, size, asked)
    assert ORDER.index(found) == max(ORDER.index(asked), ORDER.index(priority(plan, size)))


@given(PLANS, SIZES, st.sampled_from(Priority))
def test_asking_again_when_the_size_is_known_is_the_same_as_knowing_it_at_once(plan, size, asked):
    assert priority(plan, size, priority(plan, None, asked)) is priority(plan, size, asked)
