from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.config import Misconfigured
from shared.core.errors import DependencyDown, ImangorError, InvalidInput, RetryLater, TransientError
from shared.edge.plan import Ack, Drop, Retry, RetryAt, plan

LATER = datetime(2030, 1, 1, tzinfo=UTC)
KINDS = [
    InvalidInput,
    ImangorError,
    TransientError,
    DependencyDown,
    Misconfigured,
    ValueError,
    KeyError,
    OSError,
]

errors = st.sampled_from(KINDS).map(lambda kind: kind()) | st.just(RetryLater(LATER))
limits = st.none() | st.integers(1, 100)


@given(attempt=st.integers(0, 200), limit=limits)
def test_success_is_always_acknowledged(attempt: int, limit: int | None):
    assert plan(None, attempt, limit) == Ack()


@given(error=errors, attempt=st.integers(0, 200), limit=limits)
def test_a_failure_is_never_acknowledged(error: Exception, attempt: int, limit: int | None):
    assert plan(error, attempt, limit) != Ack()


@given(attempt=st.integers(0, 200), limit=limits)
def test_put_off_work_comes_back_at_its_time_whatever_the_attempt(attempt: int, limit: int | None):
    assert plan(RetryLater(LATER), attempt, limit) == RetryAt(LATER)


@given(attempt=st.integers(0, 200), limit=limits)
def test_a_permanent_error_is_given_up_at_once(attempt: int, limit: int | None):
    assert plan(InvalidInput(), attempt, limit) == Drop()


@given(error=errors, limit=st.integers(1, 100), data=st.data())
def test_it_gives_up_exactly_from_the_last_attempt_on(error: Exception, limit: int, data: st.DataObject):
    early = plan(error, data.draw(st.integers(0, max(0, limit - 2))), limit)
    late = plan(error, data.draw(st.integers(limit - 1, 200)), limit)
    permanent = type(error) in (InvalidInput, ImangorError)
    if isinstance(error, RetryLater):
        assert isinstance(early, RetryAt)
        assert isinstance(late, RetryAt)
    else:
        assert isinstance(early, Drop if permanent or limit == 1 else Retry)
        assert late == Drop()


@given(error=errors, attempt=st.integers(0, 10_000))
def test_where_the_platform_counts_no_transient_work_is_given_up(error: Exception, attempt: int):
    dropped = plan(error, attempt, None) == Drop()
    assert dropped == (type(error) in (InvalidInput, ImangorError))


@pytest.mark.parametrize(("error", "pause"), [(DependencyDown(), 30), (DependencyDown(retry_after=4), 4)])
def test_only_a_dependency_that_refuses_everybody_slows_the_queue(error: Exception, pause: float):
    assert plan(error, 0, 5) == Retry(pause=pause)
    assert plan(TransientError(retry_after=4), 0, 5) == Retry()


def test_a_wrong_setting_is_tried_again_because_a_deployment_can_mend_it():
    assert plan(Misconfigured(), 0, 5) == Retry()
