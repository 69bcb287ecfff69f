"""What a job would cost, before there is one."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from shared.auth.principal import Principal
from shared.core.errors import FieldError, InvalidInput
from shared.core.ids import new_id
from shared.db.unit_of_work import UnitOfWork
from shared.ledger import prices
from shared.ledger.prices import Prices
from shared.probes.facts import Facts
from shared.quotes.free import bought_before
from shared.quotes.repository import QuoteRecord, QuoteRepository
from shared.quotes.schemas import AVAILABLE, CreateQuote, Quote, QuotedTarget, Units
from shared.translation.languages import Languages
from shared.translation.tags import AUTO


class File(Protocol):
    """A file that came with the request."""

    def data(self) -> bytes:
        """Its content."""


class QuoteService:
    """The operations. `current` gives the request's unit of work."""

    def __init__(self, current: Callable[[], UnitOfWork], languages: Languages):
        self._current = current
        self._languages = languages

    def create(self, principal: Principal, order: CreateQuote, file: File | None = None) -> Quote:
        """Measure what is sent or declared, and price it for an hour.

        Raises `UnsupportedLanguage`, and for a file what is wrong with it.
        """
        order = order.filled(principal.source, principal.targets)
        self._languages.require(order.language, order.targets)
        data = None if file is None else file.data()
        facts = _declared(order) if data is None else _measured(order, data)
        sha256 = None if data is None else hashlib.sha256(data).hexdigest()
        uow = self._current()
        free: list[str] = []
        if sha256 is not None and facts.medium == "picture":
            free = bought_before(uow, sha256, facts.pages or 1, order.language, order.targets)
        version = prices.current()
        facts = _paged(facts, version)
        cost = version.cost(facts.medium, _amount(facts))
        values: dict[str, Any] = {
            "id": new_id("quo"),
            "created_by": principal.id,
            "sha256": sha256,
            "source_language": order.language,
            "targets": {target: 0 if target in free else cost for target in order.targets},
            "free": free,
            "price_version": version.version,
            **{name: getattr(facts, name) for name in _KEPT},
        }
        return _shown(QuoteRepository(uow).add(values))

    def get(self, quote: str) -> Quote:
        """Read a quote, also one that has expired while it is kept. Raises `QuoteNotFound`."""
        repository = QuoteRepository(self._current())
        record, _ = repository.get(quote)
        return _shown(record, repository.job_of(quote))


_KEPT = ("medium", "media_type", "pages", "seconds", "characters", "pixels")


def _declared(order: CreateQuote) -> Facts:
    if order.text is not None:
        return Facts("text", "text/plain", characters=len(order.text))
    if order.medium is None:
        missing = FieldError("/medium", "required", "Send a file, a text, or a medium and its measure.")
        raise InvalidInput(errors=[missing])
    if order.pixels is not None:
        _refuse_pixels(order.pixels)
    pages = 1 if order.medium == "picture" and order.pages is None else order.pages
    return Facts(order.medium, None, pages, order.seconds, order.characters, order.pixels)


def _refuse_pixels(pixels: int) -> None:
    from shared.imaging.errors import TooManyPixels
    from shared.imaging.files.decode import MAX_PIXELS

    if pixels > MAX_PIXELS:
        limit = MAX_PIXELS // 1_000_000
        raise TooManyPixels(f"The limit is {limit} megapixels; this picture has {pixels} pixels.")


def _measured(order: CreateQuote, data: bytes) -> Facts:
    from shared.probes.content import measure

    if order.text is not None or order.medium is not None:
        both = FieldError("/request", "one-source", "With a file there is nothing else to declare.")
        raise InvalidInput(errors=[both])
    return measure(data)


def _paged(facts: Facts, version: Prices) -> Facts:
    """The facts with standard pages, where a document has none of its own."""
    if facts.medium != "document" or facts.pages is not None:
        return facts
    return replace(facts, pages=max(1, -(-(facts.characters or 0) // version.standard_page)))


def _amount(facts: Facts) -> int:
    if facts.medium == "speech":
        return math.ceil(facts.seconds or 0)
    return (facts.characters if facts.medium == "text" else facts.pages) or 0


def _shown(record: QuoteRecord, job: str | None = None) -> Quote:
    free = set(record.free)
    targets = [
        QuotedTarget(language=language, credits=credits, free=language in free)
        for language, credits in sorted(record.targets.items())
    ]
    return Quote(
        id=record.id,
        medium=record.medium,
        media_type=record.media_type,
        units=Units(
            pages=record.pages, seconds=record.seconds, characters=record.characters, pixels=record.pixels
        ),
        source_language=record.source_language or AUTO,
        targets=targets,
        credits=sum(target.credits for target in targets),
        price_version=record.price_version,
        available=record.medium in AVAILABLE,
        created_at=record.created_at,
        expires_at=record.expires_at,
        job=job,
    )
