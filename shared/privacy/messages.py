"""What the workers of exports and erasures are called with."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from shared.core.ids import id_pattern

EXPORT: Final = "export_account"
ERASE: Final = "erase_account"


class ExportAccount(BaseModel):
    """Which export to make."""

    model_config = ConfigDict(extra="forbid")

    account: str
    export: str = Field(pattern=id_pattern("exp"))


class EraseAccount(BaseModel):
    """Which erasure to go on with."""

    model_config = ConfigDict(extra="forbid")

    account: str
    erasure: str = Field(pattern=id_pattern("era"))
