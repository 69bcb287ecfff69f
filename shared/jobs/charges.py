"""What a job's targets cost, by the prices that the job was accepted with.

A target costs its price, or nothing: it is free when neither what was read in the picture nor any text of the
target was bought for this job or for one that it retries. So what a job costs does not depend on the order
in which its languages end, and a retry costs what the first try would have cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy.exc import DBAPIError

from shared.db.errors import violated
from shared.db.unit_of_work import UnitOfWork
from shared.jobs.repository import JobRecord, JobRepository
from shared.jobs.states import TARGET_ENDED
from shared.ledger import prices
from shared.ledger.service import Ledger
from shared.quotes.errors import QuoteUsed
from shared.quotes.repository import QuoteRecord, QuoteRepository
from shared.scenes.repository import SceneRepository
from shared.translation.memory import bought_for

UNREAD_PAGES: Final = 1
"""The pages that a picture counts as before it was looked at."""
PAGES: Final = "pages"
"""The reference of what is held for further pages."""
REMEMBERED: Final = "remembered"
NOTHING_TO_TRANSLATE: Final = "nothing_to_translate"
"""Why a target is free: all of it was bought by earlier jobs, or read by one and has no text to translate."""


def hold_credits(uow: UnitOfWork, job: JobRecord, targets: Sequence[str]) -> None:
    """Set the credits of each target aside: those quoted, or those of the pages that are known.

    Nothing is held for a target that was quoted as free. Raises `InsufficientCredits`, `QuoteUsed`.
    """
    pages = _known_pages(job)
    if job.quote_id is not None:
        quote = _quote_of(uow, job.quote_id)
        pages, targets = quote.pages or UNREAD_PAGES, [tag for tag in targets if quote.targets[tag]]
    if targets:
        Ledger(uow).hold(job.id, targets, cost(job, pages))


def cost(job: JobRecord, pages: int) -> int:
    """What a target costs for which something is bought."""
    return prices.version(job.price_version).cost("picture", pages)


def _known_pages(job: JobRecord) -> int:
    """What the job's first hold was for: a file that came with the order has been looked at."""
    return job.pages or UNREAD_PAGES


def _quote_of(uow: UnitOfWork, quote: str) -> QuoteRecord:
    """The quote of a job whose row is inserted at the latest by the statement that reads it."""
    try:
        return QuoteRepository(uow).get(quote)[0]
    except DBAPIError as error:
        if violated(error, "jobs_once_per_quote"):
            raise QuoteUsed() from error
        raise


def hold_pages(uow: UnitOfWork, job: JobRecord, pages: int) -> None:
    """Hold what further pages cost, once it is known how many there are; raises `InsufficientCredits`.

    For a job from a quote all is held that was quoted. Done again it changes nothing.
    """
    known = _known_pages(job)
    if job.quote_id is not None or pages <= known or JobRepository(uow).find(job.id, lock=True) is None:
        return
    more = cost(job, pages) - cost(job, known)
    for target in JobRepository(uow).targets([job.id])[job.id]:
        if target.state not in TARGET_ENDED:
            Ledger(uow).extend(job.id, target.language, more, PAGES)


def why_free(uow: UnitOfWork, job: JobRecord, texts: list[bytes], *, called: bool) -> str | None:
    """Why a target costs nothing; None where something was bought for it.

    `texts` are the keys of the answers in the target, `called` is whether the provider was just asked.
    """
    if called or SceneRepository(uow).was_bought(job.id) or bought_for(uow, texts, job.id):
        return None
    return REMEMBERED if texts else NOTHING_TO_TRANSLATE
