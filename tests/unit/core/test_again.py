"""Work that was undone is done again, a few times."""

import pytest

from shared.core.again import TRIES, again
from shared.core.errors import TransientError, WorkUndone


def failing(times, error=WorkUndone):
    """Work that fails so often before it succeeds; and how often it was called."""
    calls = []

    def work():
        calls.append(1)
        if len(calls) <= times:
            raise error
        return "done"

    return work, calls


@pytest.mark.parametrize("times", range(TRIES))
def test_what_was_undone_is_done_again(times):
    work, calls = failing(times)
    assert again(work) == "done"
    assert len(calls) == times + 1


def test_it_ends_with_the_last_error():
    work, calls = failing(TRIES)
    with pytest.raises(WorkUndone):
        again(work)
    assert len(calls) == TRIES


def test_other_errors_are_nobodys_business_here():
    work, calls = failing(1, TransientError)
    with pytest.raises(TransientError):
        again(work)
    assert len(calls) == 1
