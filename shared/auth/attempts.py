"""Failed attempts to prove somebody: limited by where they come from, before it is known who it might be.

What is counted is guesses. Neither a credential that is good costs anything, nor one that was good and has
expired, nor the same wrong one again while it is remembered as wrong. A place that has used up its guesses is
refused before anything is looked up for it; what the cache already knows as good still passes, so that one
broken client does not lock out those who share its address.

Without Redis nothing can be counted. Then a credential is looked up and, when it is good, passes; one that
is not gets 503 instead of an answer. A deployment that has no Redis at all has no such limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from shared.auth.errors import AttemptNotCounted, CredentialEnded, RefusedAgain
from shared.cache.errors import CacheUnavailable
from shared.cache.rate_limit import RateLimiter
from shared.core.credentials import Credentials, address_prefix
from shared.core.errors import ImangorError, RateLimited, Unauthenticated
from shared.core.metrics import Metric, count

SECONDS: Final = 600

_ADDRESS, _NAME = "attempts", "attempts-on"


class FailedAttempts:
    """Counts them, and refuses beyond the limit."""

    def __init__(
        self,
        limiter: RateLimiter,
        report: Callable[[Credentials], None],
        limit: int,
        guessed: Callable[[Credentials, str | None], None],
    ) -> None:
        """So many guesses may come from one address prefix, or for one name, in `SECONDS`.

        `report` is told when a place, or whoever tries one name, has used them up, `guessed` of each guess
        before, with its name.
        """
        self._limiter = limiter
        self._report = report
        self._limit = limit
        self._guessed = guessed

    def check(self, credentials: Credentials) -> None:
        """Before something is looked up: raise `RateLimited` where too many were wrong."""
        try:
            state = self._limiter.look(_ADDRESS, address_prefix(credentials.address), self._limit, SECONDS)
        except CacheUnavailable:
            return
        if not state.allowed:
            raise RateLimited(retry_after=state.retry_after)

    @contextmanager
    def counting(
        self,
        credentials: Credentials,
        name: str | None = None,
        wrong: tuple[type[ImangorError], ...] = (Unauthenticated,),
    ) -> Iterator[None]:
        """Count the attempt made inside if it fails with an error that says `wrong`.

        `name` is whom it claims to be, where that can be told from what proves it, such as a client id.
        Raises `RateLimited` or `AttemptNotCounted` instead.
        """
        try:
            yield
        except (CredentialEnded, RefusedAgain):
            raise
        except wrong:
            count(Metric.ATTEMPTS_FAILED)
            self._take(credentials, _ADDRESS, address_prefix(credentials.address))
            if name is not None:
                self._take(credentials, _NAME, name)
            self._guessed(credentials, name)
            raise

    def _take(self, credentials: Credentials, rule: str, whom: str) -> None:
        try:
            state = self._limiter.take(rule, whom, self._limit, SECONDS)
        except CacheUnavailable:
            if self._limiter.enabled:
                raise AttemptNotCounted() from None
            return
        if not state.allowed:
            raise RateLimited(retry_after=state.retry_after)
        if state.remaining == 0 and self._first(whom):
            self._report(credentials)

    def _first(self, whom: str) -> bool:
        """Whether this was not reported within the hour: an attack is one event, not one for each guess."""
        try:
            return self._limiter.take("attempts-reported", whom, 1, 3600).allowed
        except CacheUnavailable:
            return True
