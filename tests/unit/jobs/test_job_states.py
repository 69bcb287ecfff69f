"""The ways of jobs and targets, and how targets decide their job's outcome."""

from hypothesis import given
from hypothesis import strategies as st

from shared.jobs.states import ENDED, JOB_MOVES, TARGET_ENDED, TARGET_MOVES, JobState, TargetState, outcome

TARGETS = st.lists(st.sampled_from(TargetState), min_size=1, max_size=8)


def reachable(moves, start):
    found, new = set(), {start}
    while new:
        found |= new
        new = {there for here in new for there in moves.get(here, ())} - found
    return found


def test_every_state_is_reached_and_every_way_ends():
    assert reachable(JOB_MOVES, JobState.AWAITING_UPLOAD) == set(JobState)
    assert reachable(TARGET_MOVES, TargetState.PENDING) == set(TargetState)
    for moves, ended in ((JOB_MOVES, ENDED), (TARGET_MOVES, TARGET_ENDED)):
        for state in moves:
            assert reachable(moves, state) & ended
            assert not any(state in reachable(moves, there) for there in moves[state])
    assert {s.value for s in ENDED} == {"completed", "partly_completed", "failed", "cancelled", "expired"}
    assert {s.value for s in TARGET_ENDED} == {"done", "failed", "cancelled"}


@given(TARGETS)
def test_a_job_ends_with_its_last_target(targets):
    assert (outcome(targets) is None) == any(state not in TARGET_ENDED for state in targets)


@given(TARGETS)
def test_the_outcome_follows_from_how_many_are_done(targets):
    result = outcome(targets)
    if result is None:
        return
    done = targets.count(TargetState.DONE)
    assert result in JOB_MOVES[JobState.PROCESSING]
    assert (result is JobState.COMPLETED) == (done == len(targets))
    assert (result is JobState.FAILED) == (done == 0)
    assert (result is JobState.PARTLY_COMPLETED) == (0 < done < len(targets))


@given(TARGETS, st.randoms())
def test_the_order_of_targets_does_not_matter(targets, random):
    shuffled = list(targets)
    random.shuffle(shuffled)
    assert outcome(shuffled) == outcome(targets)
