"""When a message is tried again."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.webhooks.schedule import LONGEST_RETRY_AFTER, TRIES, retry_after, wait

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DATE = "Thu, 01 Jan 2026 00:10:00 GMT"


def test_ten_tries_over_three_days():
    waits = [wait(n, 0) for n in range(1, TRIES)]
    assert TRIES == 10
    assert waits == sorted(waits)
    assert timedelta(hours=75) < sum(waits, timedelta()) < timedelta(hours=76)
    assert sum((wait(n, 1) for n in range(1, TRIES)), timedelta()) < timedelta(hours=84)
    assert wait(TRIES, 0) is None
    assert wait(TRIES + 1, 0, timedelta(1)) is None


def test_a_receiver_may_ask_for_a_longer_wait_only():
    assert wait(1, 0, timedelta(minutes=1)) == timedelta(minutes=1)
    assert wait(4, 0, timedelta(minutes=1)) == timedelta(hours=2)
    assert wait(1, 0, timedelta(days=30)) == LONGEST_RETRY_AFTER


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        ("120", timedelta(minutes=2)),
        (" 0 ", timedelta()),
        ("9" * 50, LONGEST_RETRY_AFTER),
        (DATE, timedelta(minutes=10)),
        ("Wed, 31 Dec 2025 00:00:00 GMT", timedelta()),
        ("Thu, 01 Jan 2026 00:10:00", timedelta(minutes=10)),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("١٢", None),
        ("1.5", None),
        ("Thu, 99 Jan 99999999999 00:10:00 GMT", None),
    ],
)
def test_retry_after(value, asked):
    assert retry_after(value, NOW) == asked
