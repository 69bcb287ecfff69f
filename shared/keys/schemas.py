"""API keys as callers see them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from shared.accounts.schemas import KeyId as KeyId
from shared.accounts.schemas import SpendLimits
from shared.core.scopes import ADMIN, SCOPES

MOST_KEYS: Final = 100
LONGEST_OVERLAP_HOURS: Final = 30 * 24
_KNOWN: Final = (*SCOPES, ADMIN)

Kind = Literal["live", "test"]


def _known(scope: str) -> str:
    if scope not in _KNOWN:
        raise PydanticCustomError("scope", "There is no such scope.")
    return scope


Scope = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": list(_KNOWN)})]
Name = Annotated[str, Field(min_length=1, max_length=100, description="for people")]
Rate = Annotated[
    int, Field(ge=1, le=100_000, description="requests in a minute, over all operations; null is no limit")
]

_KIND = Field(
    description="a `test` key may do what its scopes allow, but what costs credits is refused",
)


class Model(BaseModel):
    """Strict: an unknown member is an error."""

    model_config = ConfigDict(extra="forbid")


class CreateKey(Model):
    """What the key is for. Its scopes are among those of whoever makes it."""

    name: Name
    scopes: list[Scope] = Field(min_length=1, max_length=len(_KNOWN))
    kind: Annotated[Kind, _KIND] = "live"
    expires_at: AwareDatetime | None = Field(None, description="null for a key that does not expire")
    rate_limit: Rate | None = None
    limits: SpendLimits | None = Field(None, description="credits it may spend; not for a test key")

    @model_validator(mode="after")
    def test_spends_nothing(self) -> Self:
        """A test key has no limits but nothing."""
        if self.kind == "test" and self.limits is not None:
            raise PydanticCustomError("test-key", "A test key spends nothing; it has no limits to set.")
        return self


class ChangeKey(Model):
    """What to change; what is not given stays."""

    name: Name = ""
    rate_limit: Rate | None = None
    limits: SpendLimits | None = Field(None, description="null for none; not for a test key")


class RotateKey(Model):
    """How long the secret that is replaced stays good."""

    overlap_hours: int = Field(24, ge=0, le=LONGEST_OVERLAP_HOURS, description="0 ends it at once")


class KeyFilter(Model):
    """Which keys to list."""

    active: bool = Field(False, description="leave out those that have expired or were revoked")
    created_by: str | None = Field(None, max_length=100, description="id of the person or key that made them")
    limit: int = Field(50, ge=1, le=100)
    cursor: str | None = Field(None, max_length=200)


class Replaced(Model):
    """The secret before the last rotation, while it is good."""

    hint: str
    expires_at: datetime


class Key(Model):
    """An API key; its secret is not known any more."""

    id: str
    name: str
    kind: Kind
    hint: str = Field(description="begin and end of the secret")
    scopes: list[str]
    created_at: datetime
    created_by: str | None = Field(description="the person or key that made it")
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="to within some minutes")
    rate_limit: int | None = Field(description="requests in a minute, over all operations")
    limits: SpendLimits
    replaced: Replaced | None
    version: int

    @property
    def etag(self) -> str:
        """Changes whenever the key is changed."""
        return str(self.version)


class KeyWithSecret(Key):
    """A key with its secret, which is shown once."""

    secret: str = Field(description="what to send as `Authorization: Bearer …` or `X-Api-Key`")


class KeyPage(Model):
    """Keys, newest first."""

    keys: list[Key]
    next_cursor: str | None
