"""Sessions as callers see them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.core.ids import id_pattern

LONGEST_DAYS: Final = 14
"""What the identity service allows."""

SessionId = Annotated[str, Field(pattern=id_pattern("ses"), description="id of a session")]
SessionName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class CreateSession(BaseModel):
    """A session to begin."""

    model_config = ConfigDict(extra="forbid")

    name: SessionName | None = Field(None, description="what you call it, such as `my laptop`")
    days: int = Field(5, ge=1, le=LONGEST_DAYS, description="days after which it ends in any case")


class RenameSession(BaseModel):
    """A session's name."""

    model_config = ConfigDict(extra="forbid")

    name: SessionName | None = Field(description="what you call it; null for no name")


class Session(BaseModel):
    """A sign-in of a browser. There is never its cookie in it."""

    id: SessionId
    name: str | None
    device: str = Field(description="browser and system, as far as they say")
    network: str | None = Field(description="the network it began from; not the whole address")
    created_at: datetime
    last_seen_at: datetime = Field(description="at most some minutes before it was last used")
    expires_at: datetime
    current: bool = Field(description="whether it is the one that this call was made with")


class SessionList(BaseModel):
    """The sessions that have not ended, newest first."""

    sessions: list[Session]
