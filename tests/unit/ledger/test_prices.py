"""Prices: the published file, and what any amount costs."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.ledger import prices
from shared.ledger.prices import Price, PriceList

FIRST = prices.version(1)
MEDIA = ("picture", "speech", "document", "text")


def _list(*days: date) -> PriceList:
    versions = [{**FIRST.model_dump(), "version": n, "effective": day} for n, day in enumerate(days, 1)]
    return PriceList.model_validate({"versions": versions})


@pytest.mark.parametrize(
    ("medium", "amount", "credits"),
    [
        ("picture", 1, 1), ("picture", 7, 7), ("document", 3, 3),
        ("speech", 1, 1), ("speech", 60, 1), ("speech", 61, 2),
        ("text", 0, 0), ("text", 1, 1), ("text", 1000, 1), ("text", 1001, 2),
    ],
)  # fmt: skip
def test_the_first_version_costs_what_was_published(medium, amount, credits):
    assert FIRST.cost(medium, amount) == credits


@given(credits=st.integers(0, 50), per=st.integers(1, 5000), amount=st.integers(0, 10**7))
def test_every_started_unit_counts_whole_and_only_those(credits, per, amount):
    cost = Price(credits=credits, per=per, of="characters").of_amount(amount)
    units = cost // credits if credits else -(-amount // per)
    assert cost == units * credits
    assert (units - 1) * per < amount <= units * per


def test_an_amount_below_zero_is_refused():
    with pytest.raises(ValueError, match="not negative"):
        FIRST.cost("text", -1)


def test_the_current_version_is_the_newest_that_is_effective():
    listed = _list(date(2026, 1, 1), date(2026, 6, 1), date(2026, 6, 1))
    days = {date(2025, 12, 31): 1, date(2026, 5, 31): 1, date(2026, 6, 1): 3, date(2030, 1, 1): 3}
    assert {day: listed.on(day).version for day in days} == days


def test_a_version_that_never_was_is_refused():
    assert prices.version(prices.current().version) == prices.current()
    for number in (0, -1, 10**6):
        with pytest.raises(LookupError, match=str(number)):
            prices.version(number)


def test_a_list_out_of_order_is_refused():
    with pytest.raises(ValidationError, match="not effective before"):
        _list(date(2026, 6, 1), date(2026, 1, 1))
    second = {**FIRST.model_dump(), "version": 2}
    with pytest.raises(ValidationError, match="numbered"):
        PriceList.model_validate({"versions": [second]})


def test_prices_are_whole_and_cannot_be_changed():
    assert all(isinstance(FIRST.of(medium).credits, int) for medium in MEDIA)
    with pytest.raises(ValidationError):
        FIRST.version = 2
    with pytest.raises(ValidationError):
        Price.model_validate({"credits": 0.5, "per": 1, "of": "pages"})
