"""What a job's targets cost, by the prices that the job was accepted with.

A target costs its price, or nothing: it is free when neither what was read in the picture nor any text of the
target was bought for this job or for one that it retries. So what a job costs does not depend on the order
in which its languages end, and a retry costs what the first try would have cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from shared.db.unit_of_work import UnitOfWork
from shared.jobs.repository import JobRecord, JobRepository
from shared.jobs.states import TARGET_ENDED
from shared.ledger import prices
from shared.ledger.service import Ledger
from shared.scenes.repository import SceneRepository
from shared.translation.memory import bought_for

UNREAD_PAGES: Final = 1
"""The pages that a picture counts as before it was read."""
PAGES: Final = "pages"
"""The reference of what is held for further pages."""
REMEMBERED: Final = "remembered"
NOTHING_TO_TRANSLATE: Final = "nothing_to_translate"
"""Why a target is free: all of it was bought by earlier jobs, or read by one and has no text to translate."""


def hold_credits(uow: UnitOfWork, job: JobRecord, targets: Sequence[str]) -> None:
    """Set the credits of each target aside; raises `InsufficientCredits`."""
    credits = prices.version(job.price_version).cost("picture", UNREAD_PAGES)
    Ledger(uow).hold(job.id, targets, credits)


def hold_pages(uow: UnitOfWork, job: JobRecord, pages: int) -> None:
    """Hold what further pages cost, once it is known how many there are; raises `InsufficientCredits`.

    Done again it changes nothing.
    """
    if pages <= UNREAD_PAGES or JobRepository(uow).find(job.id, lock=True) is None:
        return
    price = prices.version(job.price_version)
    more = price.cost("picture", pages) - price.cost("picture", UNREAD_PAGES)
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
