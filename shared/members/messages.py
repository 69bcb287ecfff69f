"""What `sync_identity` is called with."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from shared.core.ids import id_pattern

FUNCTION: Final = "sync_identity"


class SyncIdentity(BaseModel):
    """Whom the identity service shall know as the database does."""

    model_config = ConfigDict(extra="forbid")

    account: str
    user: str = Field(pattern=id_pattern("usr"))
