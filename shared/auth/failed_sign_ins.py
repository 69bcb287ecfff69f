"""Sign-ins that failed, as the audit log has them.

Of a key, grant or person the account is told, of what is nobody's the platform. To be no flood, each of them
is told once in a minute, and so is each place that guesses, of all places together at most `MOST_PLACES`. How
many attempts there were is the metrics' to say.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, Protocol

from shared.cache.errors import CacheUnavailable
from shared.cache.rate_limit import RateLimiter
from shared.core.credentials import Credentials, address_prefix

_log = logging.getLogger(__name__)

SECONDS: Final = 60
MOST_PLACES: Final = 10
_WHOSE, _PLACE, _PLACES = "sign-in-failed", "sign-in-failed-from", "sign-ins-failed"


class Record(Protocol):
    """Writes an entry into the chain of an account, or of the platform."""

    def __call__(self, target: str | None, account: str | None, reason: str) -> None:
        """`target` is whose sign-in it would have been."""


class FailedSignIns:
    """Tells of them."""

    def __init__(
        self, limiter: RateLimiter, record: Record, account_of_key: Callable[[str], str | None]
    ) -> None:
        """`account_of_key` finds the account of a key by its id, None where there is no such key."""
        self._limiter = limiter
        self._record = record
        self._account_of_key = account_of_key

    def tell(self, whose: str, account: str | None, reason: str) -> None:
        """A key, grant or person, of which it is known whose it is, does not get in."""
        _log.info("a sign-in failed", extra={"fields": {"target": whose, "reason": reason}})
        if self._first(_WHOSE, whose):
            self._record(whose, account, reason)

    def guessed(self, credentials: Credentials, key: str | None) -> None:
        """Something was presented that nobody has, perhaps in the name of a key."""
        if key is not None and not self._first(_WHOSE, key):
            return
        account = None if key is None else self._account_of_key(key)
        if account is not None:
            self._record(key, account, "wrong-secret")
        elif self._first_from(address_prefix(credentials.address)):
            self._record(None, None, "unknown")

    def _first_from(self, place: str) -> bool:
        return self._first(_PLACE, place) and self._first(_PLACES, "all", MOST_PLACES)

    def _first(self, rule: str, whom: str, most: int = 1) -> bool:
        """Whether there is room for one more in this minute; nobody knows without Redis, so there is none."""
        try:
            return self._limiter.take(rule, whom, most, SECONDS).allowed
        except CacheUnavailable:
            return False
