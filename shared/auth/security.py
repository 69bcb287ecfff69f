"""Security events: what somebody who watches over the service should hear of."""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import Final

from shared.core.credentials import Credentials, address_prefix
from shared.core.metrics import Metric, count

_log: Final = logging.getLogger(__name__)


class SecurityEvent(StrEnum):
    """What may have happened."""

    GUESSING = "guessing"
    TOKEN_REUSED = "token_reused"  # noqa: S105 - a name, not a token


def tell(event: SecurityEvent, **facts: object) -> None:
    """Write a warning with the field `security_event`, and count it; nothing secret is among the facts."""
    _log.warning("security event", extra={"fields": {"security_event": event.value, **facts}})
    count(Metric.SECURITY_EVENTS, event=event.value)


def report_guessing(credentials: Credentials) -> None:
    """Tell that somebody has used up their guesses at credentials."""
    tell(SecurityEvent.GUESSING, address=address_prefix(credentials.address))
