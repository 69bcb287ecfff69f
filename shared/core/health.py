"""What a health check answers."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.core.errors import TransientError


class Unready(TransientError):
    """The database does not answer; nothing works without it."""

    slug = "unready"


class Health(BaseModel):
    """How the parts are. Redis may be away: everything works without it, slower."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["ok"] = "ok"
    database: Literal["ok"] | None = None
    cache: Literal["ok", "away", "off"] | None = None
