"""What `send_email` is called with."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from shared.core.ids import id_pattern

FUNCTION: Final = "send_email"


class SendEmail(BaseModel):
    """Which e-mail to send."""

    model_config = ConfigDict(extra="forbid")

    account: str
    email: str = Field(pattern=id_pattern("eml"))
