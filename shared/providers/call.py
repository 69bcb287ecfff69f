"""A call of a provider: measured for the receipt, counted, retried within one budget for each provider."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from shared.core.errors import ImangorError
from shared.core.metrics import Metric, count
from shared.core.tracing import Kind, span
from shared.providers.budget import RetryBudget, call_with_retry
from shared.providers.errors import Failure, classify

T = TypeVar("T")

_budgets: defaultdict[str, RetryBudget] = defaultdict(RetryBudget)


@dataclass(frozen=True)
class Call:
    """One call. `units` are what the provider bills: pictures, or code points of text."""

    provider: str
    method: str
    units: int
    milliseconds: int
    retries: int
    outcome: str = "ok"


def failed_call(error: BaseException) -> Call | None:
    """The receipt's line about the call that ended with this error, if one did."""
    found = getattr(error, "provider_call", None)
    return found if isinstance(found, Call) else None


def call(
    provider: str,
    method: str,
    units: int,
    rpc: Callable[[float], T],
    *,
    deadline: float,
    attempt_seconds: float,
) -> tuple[T, Call]:
    """Run `rpc` (given its timeout in seconds) with retries; gives its answer and the receipt's line.

    Each attempt counts as a call, whatever becomes of it. Raises the errors of `shared.providers.errors`.
    """
    tried = 0

    def attempt(seconds: float) -> T:
        nonlocal tried
        tried += 1
        answer = rpc(seconds)
        count(Metric.PROVIDER_CALLS, provider=provider, method=method, outcome="ok")
        return answer

    def judge(error: Exception) -> Failure | None:
        failure = classify(error, provider)
        if failure is not None:
            slug, kind = failure.error.slug, type(error).__name__
            count(Metric.PROVIDER_CALLS, provider=provider, method=method, outcome=slug, kind=kind)
        return failure

    start = time.monotonic()
    try:
        with span(f"{provider} {method}", Kind.CLIENT, {"imangor.units": units}):
            answer, retries = call_with_retry(
                attempt, deadline, _budgets[provider], judge, attempt_seconds=attempt_seconds
            )
    except ImangorError as error:
        _leave(error, Call(provider, method, units, _milliseconds(start), max(0, tried - 1), error.slug))
        raise
    return answer, _counted(Call(provider, method, units, _milliseconds(start), retries))


def _counted(done: Call) -> Call:
    """Count what an answered call bought, and what it took."""
    if done.units:
        count(Metric.PROVIDER_UNITS, done.units, provider=done.provider, method=done.method)
    if done.retries:
        count(Metric.PROVIDER_RETRIES, done.retries, provider=done.provider, method=done.method)
    return done


def _leave(error: ImangorError, call: Call) -> None:
    error.provider_call = call  # type: ignore[attr-defined]


def _milliseconds(start: float) -> int:
    return round((time.monotonic() - start) * 1000)
