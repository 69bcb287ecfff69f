"""Quotes as callers see them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from shared.core.ids import id_pattern
from shared.ledger.prices import Medium
from shared.translation.order import LanguageOrder

AVAILABLE: Final[frozenset[Medium]] = frozenset({"picture"})
"""The media that jobs can be created for."""

MAX_PAGES: Final = 10_000
MAX_SECONDS: Final = 24 * 3600
MAX_CHARACTERS: Final = 10_000_000

QuoteId = Annotated[str, Field(pattern=id_pattern("quo"), examples=["quo_01k9z3v5w8x2y4a6b8c0d2e4f6"])]

_MEASURES: Final[dict[Medium, tuple[str, ...]]] = {
    "picture": ("pages", "pixels"),
    "speech": ("seconds",),
    "document": ("pages", "characters"),
    "text": ("characters",),
}


class CreateQuote(LanguageOrder):
    """What to find out the price of: a text, or a medium and how much of it; or a file sent along."""

    medium: Medium | None = Field(None, description="of a file that is not sent")
    pages: int | None = Field(
        None, ge=1, le=MAX_PAGES, description="of a picture (1 unless said) or document"
    )
    seconds: float | None = Field(None, gt=0, le=MAX_SECONDS, description="of a recording or film")
    characters: int | None = Field(
        None, ge=1, le=MAX_CHARACTERS, description="code points of a text, or a document without fixed pages"
    )
    pixels: int | None = Field(None, ge=1, description="of a picture: width times height")
    text: str | None = Field(None, min_length=1, max_length=MAX_CHARACTERS, description="the text itself")

    @model_validator(mode="after")
    def one_source(self) -> Self:
        """Either a text, or a medium with what measures it, or nothing but languages for a file."""
        given = [n for n in ("pages", "seconds", "characters", "pixels") if getattr(self, n) is not None]
        if self.text is not None and (self.medium not in {None, "text"} or given):
            raise PydanticCustomError("one-source", "With a text there is nothing else to declare.")
        if self.text is not None:
            return self
        known = _MEASURES[self.medium] if self.medium else ()
        strangers = [name for name in given if name not in known]
        if strangers:
            which = self.medium or "a quote without a medium"
            raise PydanticCustomError("measure", f"{strangers[0]} does not measure {which}.")
        if self.medium not in {None, "picture"} and len(given) != 1:
            raise PydanticCustomError("measure", f"A {self.medium} needs {' or '.join(known)}.")
        return self


class Units(BaseModel):
    """How much there is to translate, in the measures that its medium has."""

    model_config = ConfigDict(extra="forbid")

    pages: int | None = Field(None, description="of a document without fixed pages: standard pages")
    seconds: float | None = None
    characters: int | None = Field(None, description="Unicode code points")
    pixels: int | None = None


class QuotedTarget(BaseModel):
    """What one language costs at most."""

    model_config = ConfigDict(extra="forbid")

    language: str
    credits: int
    free: bool = Field(description="whether everything was bought for the account before; then credits are 0")


class Quote(BaseModel):
    """What a job costs at most, for one job that is created before it expires."""

    model_config = ConfigDict(extra="forbid")

    id: QuoteId
    medium: Medium
    media_type: str | None = Field(description="found from the content; null where facts were declared")
    units: Units
    source_language: str
    targets: list[QuotedTarget]
    credits: int = Field(description="the total; a job from this quote is never charged more")
    price_version: int
    available: bool = Field(description="whether jobs of this medium can be created here today")
    created_at: datetime
    expires_at: datetime
    job: str | None = Field(None, description="the job that was created from it")
