"""When a message is tried again: ten tries over about 75 hours, as Standard Webhooks recommends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

DELAYS: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""The wait after each failure but the last."""

TRIES: Final = len(DELAYS) + 1
JITTER: Final = 0.1
"""At most this part of a wait is added to it, so that what failed together does not come back together."""

LONGEST_RETRY_AFTER: Final = timedelta(hours=24)


def wait(failures: int, jitter: float, asked: timedelta | None = None) -> timedelta | None:
    """The wait after so many failures in a row (1 or more); None when that was the last try.

    `jitter` is a random number from 0 to 1. `asked` is the receiver's own wish: it makes the wait longer, up
    to a day, and never shorter.
    """
    if failures >= TRIES:
        return None
    usual = DELAYS[failures - 1] * (1 + JITTER * jitter)
    return max(usual, min(asked or timedelta(), LONGEST_RETRY_AFTER))


def retry_after(value: str, now: datetime) -> timedelta | None:
    """What a `Retry-After` header asks for (RFC 9110, 10.2.3): seconds or a date. None for anything else."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), LONGEST_RETRY_AFTER.total_seconds()))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(aware - now, timedelta())
