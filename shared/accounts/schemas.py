"""Accounts as their owners see them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from shared.core.ids import id_pattern
from shared.ledger.prices import Medium
from shared.translation.order import SourceLanguage, Targets
from shared.translation.tags import AUTO

MAX_DAYS = 92
MAX_ROWS = 1000

KeyId = Annotated[str, Field(pattern=id_pattern("key"), examples=["key_01k9z3v5w8x2y4a6b8c0d2e4f6"])]
Location = Literal["global", "eu", "us"]
Credits = Annotated[int, Field(ge=0, le=10**12)]
Group = Literal["day", "medium", "language", "key"]


class Model(BaseModel):
    """Strict: an unknown member is an error."""

    model_config = ConfigDict(extra="forbid")


class Account(Model):
    """Whose jobs and credits these are."""

    id: str
    name: str
    plan: str
    created_at: datetime


class AccountSettings(Model):
    """What holds for all jobs of the account that are accepted, or end, from then on."""

    retention_days: int = Field(description="days that files are kept after a job's end")
    source_language: str = Field(description="of jobs that say none; `auto` when it is detected")
    targets: list[str] = Field(description="of jobs and inbox files that name none")
    location: Location = Field(description="where providers work")
    version: int

    @property
    def etag(self) -> str:
        """Changes whenever the settings do."""
        return str(self.version)


class ChangeSettings(Model):
    """The settings to change; the others stay."""

    retention_days: int = Field(30, ge=1, le=365)
    source_language: SourceLanguage = AUTO
    targets: Targets | Annotated[list[str], Field(max_length=0)] = Field([], description="empty for none")
    location: Location = "global"

    @model_validator(mode="after")
    def not_into_itself(self) -> Self:
        """Never from a language into itself, each target once."""
        if self.source_language in self.targets or len(set(self.targets)) != len(self.targets):
            raise PydanticCustomError("targets", "Each target once, and none of them the source.")
        return self


class SpendLimits(Model):
    """Credits that may be spent in a day and in a month (UTC); null is no limit, 0 is nothing."""

    daily: Credits | None
    monthly: Credits | None


class Spending(Model):
    """The limits, and what was spent in the day and the month that run."""

    daily: int | None
    monthly: int | None
    spent_today: int
    spent_this_month: int


class UsageFilter(Model):
    """Which days (UTC), and by what to tell them apart."""

    from_: date | None = Field(None, alias="from", description="first day; 29 days before `to` if left out")
    to: date | None = Field(None, description="last day; today if left out")
    group_by: list[Group] = Field(["day"], max_length=4, description="any of day, medium, language, key")

    @model_validator(mode="after")
    def bounded(self) -> Self:
        """No more than three months at once."""
        if self.from_ and self.to and not 0 <= (self.to - self.from_).days < MAX_DAYS:
            raise PydanticCustomError("range", f"From the first to the last day are 1 to {MAX_DAYS} days.")
        return self


class UsageRow(Model):
    """What was used; the members that were not grouped by are null.

    With `language` in `group_by`, a row without a language holds what is done once for all of a job's.
    """

    day: date | None = Field(None, description="on which the jobs were accepted (UTC)")
    medium: Medium | None = None
    language: str | None = None
    key: str | None = Field(None, description="the API key, or `inbox`")
    jobs: int
    targets: int = Field(description="languages that were done")
    pages: int = Field(description="pages times languages that were done")
    credits: int = Field(description="credits spent")
    provider_calls: int
    cache_hits: int


class Usage(Model):
    """The use of some days."""

    from_: date = Field(alias="from", serialization_alias="from")
    to: date
    rows: list[UsageRow]
    truncated: bool = Field(description=f"whether there are more than {MAX_ROWS} rows; ask for fewer days")
