from __future__ import annotations

from datetime import UTC, datetime

import pytest

from local.services import cron

AT = datetime(2026, 1, 30, 23, 58, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("* * * * *", "2026-01-30 23:59"),
        ("*/15 * * * *", "2026-01-31 00:00"),
        ("5,50 8-10/2 * * *", "2026-01-31 08:05"),
        ("0 0 1 * *", "2026-02-01 00:00"),
        ("0 12 * * mon", "2026-02-02 12:00"),
        ("0 12 * * 7", "2026-02-01 12:00"),
        ("0 12 * feb-mar wed", "2026-02-04 12:00"),
        ("0 0 29 2 *", "2028-02-29 00:00"),
        ("0 0 15 * fri", "2026-02-06 00:00"),
        ("30/10 * * * *", "2026-01-31 00:30"),
    ],
)
def test_next_time(expression: str, expected: str) -> None:
    assert cron.parse(expression).after(AT) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_each_time_matches_and_comes_once() -> None:
    schedule, moment = cron.parse("*/20 * * * *"), AT

    for _ in range(5):
        following = schedule.after(moment)
        assert schedule.matches(following)
        assert following > moment
        moment = following


@pytest.mark.parametrize(
    "expression",
    ["", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "*/0 * * * *", "5-1 * * * *", "x * * * *"],
)
def test_wrong_expressions_are_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="field"):
        cron.parse(expression)


def test_a_day_that_never_comes() -> None:
    with pytest.raises(ValueError, match="never"):
        cron.parse("0 0 31 2 *").after(AT)
