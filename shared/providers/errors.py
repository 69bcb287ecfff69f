"""What providers' failures mean to us. No message repeats what the provider said: it may quote content."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.core.errors import DependencyDown, ImangorError, TransientError

if TYPE_CHECKING:
    from google.api_core.exceptions import GoogleAPICallError

_log = logging.getLogger(__name__)

_UNAVAILABLE: Final = frozenset({408, 409, 499, 500, 502, 503, 504})
_DAILY: Final = re.compile(r"daily ?limit|per ?day", re.IGNORECASE)
_RATE: Final = re.compile(r"rate ?limit|quota exceeded", re.IGNORECASE)
_PAIR: Final = re.compile(r"language pair|(source|target) language", re.IGNORECASE)


class ProviderBusy(DependencyDown):
    """A provider's rate limit is reached for everybody; slow down."""

    slug = "provider-busy"


class ProviderUnavailable(TransientError):
    """A provider does not answer now; the same request may work later."""

    slug = "provider-unavailable"


class ProviderMisconfigured(TransientError):
    """A provider does not accept this service's credentials or settings; an operator must act."""

    slug = "provider-misconfigured"


class QuotaExhausted(ImangorError):
    """The provider's daily quota is used up; retrying today cannot help."""

    slug, status, title = "provider-quota-exhausted", 503, "Provider quota exhausted"


class ProviderRefused(ImangorError):
    """A provider refuses this content."""

    slug, status, title = "provider-refused", 422, "Refused by the provider"


class UnsupportedPair(ImangorError):
    """There is no translation between these two languages."""

    slug, status, title = "unsupported-pair", 422, "Unsupported language pair"


@dataclass(frozen=True)
class Failure:
    """A provider's failure in our terms, and whether trying again within the same request can help."""

    error: ImangorError
    again: bool = False


def classify(error: Exception, provider: str) -> Failure | None:
    """Say what an exception of a Google client means; None when it is not a provider's failure."""
    from google.api_core.exceptions import GoogleAPICallError, RetryError
    from google.auth.exceptions import GoogleAuthError, TransportError

    if isinstance(error, (RetryError, TransportError)):
        return _unavailable(provider)
    if isinstance(error, GoogleAuthError):
        return _misconfigured(provider, 401, str(error))
    if not isinstance(error, GoogleAPICallError):
        return None
    return judge(int(error.code or 500), _said(error), provider)


def judge(status: int, said: str, provider: str) -> Failure:
    """The meaning of an HTTP status (gRPC codes have one each) and of what the provider said with it."""
    if status == 429 or (status == 403 and (_RATE.search(said) or _DAILY.search(said))):
        if _DAILY.search(said):
            return Failure(QuotaExhausted(f"The daily quota of {provider} is used up"))
        return Failure(ProviderBusy(f"{provider} limits the rate of requests now"), again=True)
    if status in _UNAVAILABLE:
        return _unavailable(provider)
    if status == 400 and _PAIR.search(said):
        return Failure(UnsupportedPair())
    if status in {400, 413}:
        return Failure(ProviderRefused(f"{provider} refuses this content"))
    return _misconfigured(provider, status, said)


def _unavailable(provider: str) -> Failure:
    return Failure(ProviderUnavailable(f"{provider} does not answer now"), again=True)


def _misconfigured(provider: str, status: int, reason: str) -> Failure:
    # These refusals come before the provider looks at the content, and their words tell what to repair.
    _log.error(
        "a provider does not accept this service's credentials or settings",
        extra={"fields": {"provider": provider, "status": status, "reason": reason}},
    )
    return Failure(ProviderMisconfigured(f"{provider} does not accept this service's requests"))


def _said(error: GoogleAPICallError) -> str:
    """The message with the machine-readable reason, for matching only."""
    limit = (error.metadata or {}).get("quota_limit", "")
    return f"{error.message} {error.reason or ''} {limit}"
