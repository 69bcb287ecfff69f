"""How long each stage took, and at which one a card was lost."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.jobs.schemas import Step
from shared.jobs.states import JobState
from shared.selftest.stages import Stage, lost_at, times

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds):
    return BEGAN + timedelta(seconds=seconds)


def step(name, start, end, *, outcome="done", error=None, calls=()):
    facts = {"cache_hits": 0, "bytes_read": 0, "bytes_written": 0, "error": error, "attempt": 1}
    target = "es" if name == "render" else None
    made = [
        {"provider": p, "method": "m", "units": 1, "milliseconds": ms, "outcome": how} for p, ms, how in calls
    ]
    span = {"started_at": at(start), "finished_at": at(end)}
    return Step.model_validate(
        {"step": name, "target": target, "outcome": outcome, "calls": made} | facts | span
    )


READ = step("recognise", 2, 5, calls=[("vision", 2500, "ok")])
DRAWN = step("render", 6, 8, calls=[("translate", 600, "ok"), ("translate", 400, "ok")])
SENT = {Stage.ACCEPT: 300, Stage.UPLOAD: 200}


def test_the_stages_make_up_the_whole_way():
    found = times(BEGAN, SENT, [READ, DRAWN], at(9))
    assert found == {
        Stage.ACCEPT: 300,
        Stage.UPLOAD: 200,
        Stage.NOTICE: 1500,
        Stage.RECOGNISE: 3000,
        Stage.DISPATCH: 1000,
        Stage.TRANSLATE: 1000,
        Stage.DRAW: 1000,
        Stage.PUBLISH: 1000,
    }
    assert sum(found.values()) == 9000
    assert list(found) == list(Stage)


def test_attempts_that_failed_count_as_waiting():
    failed = step("render", 6, 7, outcome="failed", error="provider-unavailable")
    found = times(BEGAN, SENT, [READ, failed, step("render", 16, 18)], at(19))
    assert (found[Stage.DISPATCH], found[Stage.DRAW]) == (11_000, 2000)


def test_clocks_that_disagree_make_no_time_negative():
    assert times(BEGAN, SENT, [READ, DRAWN], at(7.9))[Stage.PUBLISH] == 0


@pytest.mark.parametrize(
    ("state", "steps", "stage", "error"),
    [
        (JobState.AWAITING_UPLOAD, [], Stage.NOTICE, None),
        (JobState.QUEUED, [], Stage.NOTICE, None),
        (JobState.FAILED, [step("recognise", 1, 2, outcome="failed", error="a")], Stage.RECOGNISE, "a"),
        (JobState.PROCESSING, [READ], Stage.DISPATCH, None),
        (
            JobState.FAILED,
            [READ, step("render", 6, 7, outcome="failed", error="b", calls=[("translate", 9, "b")])],
            Stage.TRANSLATE,
            "b",
        ),
        (
            JobState.FAILED,
            [READ, step("render", 6, 7, outcome="failed", error="c", calls=[("translate", 9, "ok")])],
            Stage.DRAW,
            "c",
        ),
        (JobState.COMPLETED, [READ, DRAWN], Stage.PUBLISH, None),
    ],
)
def test_a_lost_card_is_lost_at_a_stage(state, steps, stage, error):
    assert lost_at(state, steps) == (stage, error)
