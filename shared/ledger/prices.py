"""Prices, by version: what a medium costs for each target language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.core.clock import utc_now

Medium = Literal["picture", "speech", "document", "text"]
Measure = Literal["pages", "seconds", "characters"]

FILE: Final = Path(__file__).with_name("prices.yaml")


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Price(_Frozen):
    """`credits` for each started `per` of the measure `of`."""

    credits: int = Field(ge=0)
    per: int = Field(ge=1)
    of: Measure

    def of_amount(self, amount: int) -> int:
        """The credits for `amount` of the measure; every unit that was started counts."""
        if amount < 0:
            raise ValueError("an amount is not negative")
        return self.credits * -(-amount // self.per)


class Prices(_Frozen):
    """One version of all prices."""

    version: int = Field(ge=1)
    effective: date
    picture: Price
    speech: Price
    document: Price
    text: Price
    standard_page: int = Field(ge=1, description="characters of a page, where a document has no pages")

    def of(self, medium: Medium) -> Price:
        """The price of a medium."""
        price: Price = getattr(self, medium)
        return price

    def cost(self, medium: Medium, amount: int) -> int:
        """The credits for one target language; `amount` is in the measure of the medium's price."""
        return self.of(medium).of_amount(amount)


class PriceList(_Frozen):
    """All versions, oldest first."""

    versions: tuple[Prices, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def in_order(self) -> Self:
        """Numbers count from 1, and no version is for earlier days than the one before."""
        if [each.version for each in self.versions] != list(range(1, len(self.versions) + 1)):
            raise ValueError("versions are numbered 1, 2, 3 …")
        days = [each.effective for each in self.versions]
        if days != sorted(days):
            raise ValueError("a version is not effective before an older one")
        return self

    def on(self, day: date) -> Prices:
        """The version that is effective on a day; the oldest one for any day before it."""
        return next((v for v in reversed(self.versions) if v.effective <= day), self.versions[0])


def current() -> Prices:
    """The prices of today (UTC)."""
    return _price_list().on(utc_now().date())


def version(number: int) -> Prices:
    """The prices that a job was accepted with; raises `LookupError` for a version that never was."""
    versions: Sequence[Prices] = _price_list().versions
    if not 1 <= number <= len(versions):
        raise LookupError(f"there is no version {number} of the prices")
    return versions[number - 1]


@cache
def _price_list() -> PriceList:
    import yaml

    return PriceList.model_validate(yaml.safe_load(FILE.read_text(encoding="utf-8")))
