"""Quotes in the database."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, insert, select

from shared.db.models import clock_now, jobs, quotes
from shared.db.unit_of_work import UnitOfWork
from shared.ledger.prices import Medium
from shared.quotes.errors import QuoteNotFound

VALID_FOR: Final = timedelta(hours=1)


@dataclass(frozen=True)
class QuoteRecord:
    """A row of `quotes`. `targets` gives each language its credits; 0 for one that was bought before."""

    id: str
    account_id: str
    medium: Medium
    media_type: str | None
    pages: int | None
    seconds: float | None
    characters: int | None
    pixels: int | None
    sha256: str | None
    source_language: str | None
    targets: dict[str, int]
    free: list[str]
    price_version: int
    created_at: datetime
    expires_at: datetime


_COLUMNS: Final = tuple(quotes.c[field.name] for field in fields(QuoteRecord))


class QuoteRepository:
    """Reads and writes the quotes of the unit of work's account."""

    def __init__(self, uow: UnitOfWork):
        self._uow = uow

    def add(self, values: dict[str, Any]) -> QuoteRecord:
        """Insert a quote that is valid from now on for as long as quotes are."""
        until = clock_now() + func.make_interval(0, 0, 0, 0, 0, 0, VALID_FOR.total_seconds())
        statement = insert(quotes).values(account_id=self._uow.account, expires_at=until, **values)
        return QuoteRecord(**self._uow.execute(statement.returning(*_COLUMNS)).one()._mapping)

    def get(self, quote: str) -> tuple[QuoteRecord, bool]:
        """The quote, and whether it is still valid; raises `QuoteNotFound`."""
        statement = select(*_COLUMNS, (quotes.c.expires_at > clock_now()).label("valid"))
        row = self._uow.execute(statement.where(quotes.c.id == quote)).first()
        if row is None:
            raise QuoteNotFound()
        values = dict(row._mapping)
        return QuoteRecord(**{k: v for k, v in values.items() if k != "valid"}), values["valid"]

    def job_of(self, quote: str) -> str | None:
        """The job that was created from the quote."""
        found: str | None = self._uow.execute(select(jobs.c.id).where(jobs.c.quote_id == quote)).scalar()
        return found
