"""Jobs from quotes: what of the order must be as quoted, and that the file is no more than quoted."""

from __future__ import annotations

from shared.db.unit_of_work import UnitOfWork
from shared.jobs.repository import JobRecord
from shared.jobs.schemas import CreateJob
from shared.quotes.errors import QuoteExceeded, QuoteExpired, QuoteMismatch
from shared.quotes.repository import QuoteRecord, QuoteRepository


def quoted(uow: UnitOfWork, quote: str) -> QuoteRecord:
    """The quote that a job is to be created from.

    Raises `QuoteNotFound`, `QuoteExpired`, and `QuoteMismatch` for another medium.
    """
    record, valid = QuoteRepository(uow).get(quote)
    if not valid:
        raise QuoteExpired()
    if record.medium != "picture":
        raise QuoteMismatch(f"The quote is for a medium ({record.medium}) that jobs cannot be created for.")
    return record


def refuse_others(quote: QuoteRecord, order: CreateJob) -> None:
    """Raise `QuoteMismatch` for languages that were not quoted, and other work than was quoted as free."""
    strangers = [target for target in order.targets if target not in quote.targets]
    if strangers:
        raise QuoteMismatch(f"The quote is not for {', '.join(strangers)}.")
    if order.language != quote.source_language:
        raise QuoteMismatch("The quote is for another source language.")
    if quote.free and order.left_alone is not None:
        # What is left alone shapes what must be bought, which would then be given away.
        raise QuoteMismatch("The quote is free for the picture as a whole; nothing of it can be left alone.")


def refuse_more(quote: QuoteRecord, pages: int, sha256: str) -> None:
    """Raise `QuoteExceeded` for a file of more pages, or another one where languages are to be free."""
    if pages > (quote.pages or 1):
        raise QuoteExceeded(f"The file has {pages} pages; {quote.pages} were quoted.")
    if quote.free and sha256 != quote.sha256:
        raise QuoteExceeded("The quote is free for a file that was bought before; this is another one.")


def keep_quote(uow: UnitOfWork, job: JobRecord, pages: int, sha256: str) -> None:
    """Hold a job's file to its quote, if it has one, before anything is bought for it."""
    if job.quote_id is not None:
        refuse_more(QuoteRepository(uow).get(job.quote_id)[0], pages, sha256)
