"""What `deliver_webhook` is called with, and what it sends."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from shared.core.ids import id_pattern

FUNCTION: Final = "deliver_webhook"
LARGEST_BYTES: Final = 20_000
"""Standard Webhooks wants messages below 20 KB."""


class DeliverWebhook(BaseModel):
    """The try number `number` (from 0) of a delivery; it does nothing when that try has ended."""

    model_config = ConfigDict(extra="forbid")

    account: str
    delivery: str = Field(pattern=id_pattern("whd"))
    number: int = Field(ge=0)


def message_bytes(type_: str, created_at: datetime, data: dict[str, Any]) -> bytes:
    """The body of a message: the same bytes each time for the same event."""
    moment = created_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    document = {"type": type_, "timestamp": moment, "data": data}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
