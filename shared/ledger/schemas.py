"""Credits as callers see them."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from shared.core.ids import id_pattern

MAX_CREDITS: Final = 1_000_000_000_000
_ENTRY_PATTERN: Final = r"^txn_[1-9][0-9]{0,17}$"

EntryId = Annotated[str, Field(pattern=_ENTRY_PATTERN, examples=["txn_1024"])]
Month = Annotated[str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", examples=["2026-11"])]
AccountId = Annotated[str, Field(pattern=id_pattern("acc"), examples=["acc_01k9z3v5w8x2y4a6b8c0d2e4f6"])]
Reference = Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]{1,100}$", examples=["invoice-2026-117"])]
Expiry = Annotated[
    AwareDatetime,
    Field(ge=datetime(2020, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC)),
]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Model(BaseModel):
    """Strict: an unknown member is an error."""

    model_config = ConfigDict(extra="forbid")


class Kind(StrEnum):
    """What a transaction of the ledger did."""

    GRANT = "grant"
    HOLD = "hold"
    EXTENSION = "extension"
    CAPTURE = "capture"
    RELEASE = "release"
    ADJUSTMENT = "adjustment"
    REFUND = "refund"
    EXPIRY = "expiry"


class Expiring(Model):
    """Credits that expire together."""

    credits: int
    at: datetime


class Balance(Model):
    """What an account has."""

    available: int = Field(description="credits for new jobs")
    held: int = Field(description="credits set aside for jobs that are under way")
    expiring: Expiring | None = Field(None, description="what of `available` expires next, if anything does")


class Entry(Model):
    """One transaction of the ledger. `available` and `held` are by how much it changed these."""

    id: EntryId
    kind: Kind
    at: datetime
    job: str | None
    target: str | None
    credits: int = Field(description="given, set aside, spent, given back, corrected or expired")
    available: int
    held: int
    reference: str | None = Field(description="the payment, voucher or correction behind it")
    reason: str | None
    expires_at: datetime | None = Field(description="when what is left of a grant expires")
    shortfall: int = Field(description="credits that a refund found already spent; they are not collected")


class EntryPage(Model):
    """Some transactions, newest first."""

    entries: list[Entry]
    next_cursor: EntryId | None = Field(None, description="`cursor` of the next page; null on the last")


class ExportFilter(Model):
    """Which transactions to export."""

    kind: Kind | None = None
    job: Annotated[str, Field(pattern=id_pattern("job"))] | None = None
    since: AwareDatetime | None = Field(None, description="not before this time")
    until: AwareDatetime | None = Field(None, description="before this time")


class EntryFilter(ExportFilter):
    """Which transactions to list."""

    limit: int = Field(50, ge=1, le=200)
    cursor: EntryId | None = Field(None, description="`next_cursor` of the page before")


class Position(Model):
    """What an account had at one moment."""

    credits: int = Field(description="available and held together")
    held: int


class CapturedJob(Model):
    """What a job spent in the month."""

    job: str
    targets: int = Field(description="languages that were done")
    credits: int


class Statement(Model):
    """A month in UTC: opening + granted + adjusted - refunded - captured - expired = closing, in credits."""

    month: Month
    final: bool = Field(description="the month is over and nothing is added to it any more")
    opening: Position
    granted: int
    adjusted: int
    refunded: int
    captured: int
    expired: int
    closing: Position
    jobs: list[CapturedJob] = Field(description="the jobs behind `captured`, in the order of their ids")
    next_cursor: str | None = Field(None, description="`cursor` of the next page of jobs; null on the last")


class StatementFilter(Model):
    """Which of the statement's jobs to list."""

    limit: int = Field(100, ge=1, le=1000)
    cursor: Annotated[str, Field(pattern=id_pattern("job"))] | None = Field(
        None, description="`next_cursor` of the page before"
    )


class CreateGrant(Model):
    """Credits to give."""

    credits: int = Field(gt=0, le=MAX_CREDITS)
    expires_at: Expiry | None = Field(None, description="when what is left of them expires")
    reason: Sentence | None = Field(None, description="for the account's owner to read")


class CreateAdjustment(Model):
    """A correction of a balance."""

    credits: int = Field(ge=-MAX_CREDITS, le=MAX_CREDITS, description="by how much; not zero")
    reason: Sentence = Field(description="for the account's owner to read")

    @field_validator("credits")
    @classmethod
    def not_zero(cls, credits: int) -> int:
        """A correction changes something."""
        if credits == 0:
            raise PydanticCustomError("zero", "This must not be zero.")
        return credits


class PaymentData(Model):
    """What was paid for, or paid back."""

    account: AccountId
    reference: Reference = Field(description="the provider's own, which no other payment has")
    credits: int = Field(gt=0, le=MAX_CREDITS)
    purchase: Reference | None = Field(None, description="of a refund: the reference of its purchase")
    expires_at: Expiry | None = Field(None, description="of a purchase: when what is left of it expires")


class PaymentEvent(Model):
    """A message of the payment provider's adapter."""

    type: Literal["purchase", "refund"]
    timestamp: AwareDatetime = Field(description="when it happened")
    data: PaymentData

    @model_validator(mode="after")
    def whole(self) -> Self:
        """A refund names its purchase; only a purchase can expire."""
        refund = self.type == "refund"
        if refund != (self.data.purchase is not None):
            raise PydanticCustomError("purchase", "A refund, and only a refund, names its purchase.")
        if refund and self.data.expires_at is not None:
            raise PydanticCustomError("expires-at", "A refund does not expire.")
        return self


class Finding(Model):
    """Something in the books that does not follow from the entries."""

    what: Literal["transaction", "amount", "lot", "balance", "hold"]
    which: str


class Proof(Model):
    """The balance, and what contradicts it; with no findings it is proven."""

    account: str
    proven: bool
    available: int
    held: int
    findings: list[Finding]
