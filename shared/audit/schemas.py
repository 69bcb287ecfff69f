"""The audit log as callers read it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.audit.actions import Action
from shared.audit.chain import What
from shared.core.actor import ActorKind
from shared.core.ids import id_pattern

Number = Annotated[str, Field(pattern=r"^aud_[1-9][0-9]{0,17}$", examples=["aud_12"])]
Hash = Annotated[str, Field(pattern="^([0-9a-f]{64})?$")]
Format = Literal["jsonl", "csv"]
MEDIA_TYPES: Final = {"jsonl": "application/jsonl; charset=utf-8", "csv": "text/csv; charset=utf-8"}


class Model(BaseModel):
    """Strict: an unknown member is an error."""

    model_config = ConfigDict(extra="forbid")


class AuditActor(Model):
    """Who did it."""

    kind: ActorKind = Field(description="`admin` is one of the platform's own people")
    id: str = Field(description="a key's or a person's id, or the name of what acted by itself")


class AuditEntry(Model):
    """One thing that was done. Each entry's hash covers its content and the hash of the one before."""

    id: Number = Field(description="numbered without gaps within its chain")
    chain: str = Field(description="the account, or `platform` for what belongs to none")
    at: datetime
    actor: AuditActor
    action: Action
    target: str | None = Field(description="id of what it was done to")
    address: str | None = Field(description="network of the caller, never the whole address")
    request: str | None = Field(description="id of the request")
    facts: dict[str, str | int | bool | None]
    previous: Hash = Field(description="hash of the entry before; empty for the first")
    hash: Hash


class AuditFilter(Model):
    """Which entries; all of those given must hold."""

    action: Action | None = None
    actor: str | None = Field(None, max_length=100)
    target: str | None = Field(None, max_length=200)
    since: datetime | None = Field(None, description="not before")
    until: datetime | None = Field(None, description="before")


class AuditQuery(AuditFilter):
    """A page of entries, newest first."""

    limit: int = Field(50, ge=1, le=200)
    cursor: Number | None = Field(None, description="`next_cursor` of the page before")


class AuditExport(AuditFilter):
    """What to export, oldest first."""

    format: Format = "jsonl"


class ChainName(Model):
    """Whose chain."""

    account: str | None = Field(None, pattern=id_pattern("acc"), description="of the platform if left out")


class AuditQueryOf(AuditQuery, ChainName):
    """A page of somebody's entries."""


class AuditExportOf(AuditExport, ChainName):
    """What of whom to export."""


class AuditPage(Model):
    """Some entries."""

    entries: list[AuditEntry]
    next_cursor: Number | None = Field(description="null on the last page")


class AuditFlaw(Model):
    """Something that is wrong with a chain."""

    what: What = Field(
        description="`edited`: the content is not what was hashed; `missing`: entries before it are gone; "
        "`order`: it stands twice or out of order; `forged`: it does not follow from the one before; "
        "`truncated`: this entry was there and is gone; `head`: the chain does not end where it is said to; "
        "`anchor`: it is not the entry that was published"
    )
    entry: str


class AuditProof(Model):
    """Whether a chain is as it was written."""

    chain: str
    proven: bool
    entries: int
    anchored: int = Field(description="entries up to the last one whose hash was published elsewhere")
    flaws: list[AuditFlaw] = Field(description="at most 100")
