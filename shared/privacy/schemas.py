"""Exports and erasures as callers see them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.core.ids import id_pattern
from shared.ledger.schemas import AccountId

ExportId = Annotated[str, Field(pattern=id_pattern("exp"), examples=["exp_01k9z3v5w8x2y4a6b8c0d2e4f6"])]
ExportState = Literal["pending", "done", "failed"]
ErasureState = Literal["waiting", "cancelled", "running", "done"]
ReceiptId = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{32}$", description="from `receipt_url`")]


class Model(BaseModel):
    """Strict: an unknown member is an error."""

    model_config = ConfigDict(extra="forbid")


class CreateExport(Model):
    """What to export besides the account's data."""

    files: bool = Field(True, description="sources and results of jobs, the newest jobs first, up to 5 GiB")


class Export(Model):
    """A zip file of everything that is kept of an account."""

    id: ExportId
    state: ExportState
    files: bool
    created_by: str = Field(description="the key or person who asked for it")
    bytes: int | None = Field(description="size of the zip file")
    sha256: str | None = Field(description="of the zip file, in hexadecimal digits")
    entries: int | None = Field(description="files in it; its `manifest.json` lists them")
    omitted: int | None = Field(
        description="files left out because of their size; `omitted.jsonl` lists them"
    )
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None = Field(description="when the zip file is erased")


class ExportList(Model):
    """The exports that are there, newest first."""

    exports: list[Export]


class ExportFile(Model):
    """Where the zip file can be fetched for a short time."""

    url: str
    expires_at: datetime


class OrderErasure(Model):
    """An account to erase."""

    account: AccountId = Field(description="the account's id once more, so that no other is meant")


class Erasure(Model):
    """An erasure that waits or is under way."""

    id: str
    state: ErasureState
    requested_by: str = Field(description="the key or person who asked for it")
    requested_at: datetime
    due_at: datetime = Field(description="when it begins; until then it can be stopped")
    receipt_url: str = Field(
        description="tells how far it is, also when the account is gone; keep it, and keep it to yourself"
    )


class ErasureReceipt(Model):
    """How far an erasure is, and its receipt."""

    state: ErasureState
    requested_at: datetime
    due_at: datetime
    finished_at: datetime | None
    receipt: str | None = Field(
        description="when it is done: a JWS (RFC 7515) by a key of `/.well-known/jwks.json` that says who "
        "asked when, and how many rows, files and people were erased"
    )
