"""Whether a chain is as it was written: read from the rows alone, with nothing that the database computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from shared.audit.chain import Flaw, Mark, flaws
from shared.audit.entries import links_of
from shared.audit.schemas import AuditFlaw, AuditProof
from shared.db.unit_of_work import UnitOfWork

MOST_FLAWS: Final = 100
# One statement, so that it sees one moment: entries that come meanwhile are not taken for forged.
_END: Final = """
select coalesce(h.number, 0) as number, coalesce(h.hash, '') as hash, coalesce(h.anchored, 0) as anchored,
  coalesce(e.last, 0) as last
from (select max(number) as last from audit_entries where chain = :chain) e
left join audit_heads h on h.chain = :chain
"""


@dataclass(frozen=True)
class End:
    """Where the database says that a chain ends, how far it was published, and its last entry's number."""

    head: Mark
    anchored: int
    last: int


def end_of(uow: UnitOfWork, chain: str) -> End:
    """The end of a chain."""
    row = uow.sql(_END, chain=chain).one()
    return End(Mark(row.number, bytes(row.hash)), row.anchored, row.last)


def verify(open_uow: Callable[[], UnitOfWork], chain: str, anchors: Iterable[Mark]) -> AuditProof:
    """Check every entry of a chain against the one before, the head and what was published of it."""
    with open_uow() as uow:
        end = end_of(uow, chain)
    until = max(end.head.number, end.last)
    links = links_of(open_uow, chain, None, until)
    published = list(anchors)
    found = list(islice(flaws(links, end.head, published), MOST_FLAWS))
    return proof(chain, end.head.number, max((mark.number for mark in published), default=0), found)


def proof(chain: str, entries: int, anchored: int, found: list[Flaw]) -> AuditProof:
    """The result of a verification."""
    wrong = [AuditFlaw(what=flaw.what, entry=f"aud_{flaw.number}") for flaw in found]
    return AuditProof(chain=chain, proven=not wrong, entries=entries, anchored=anchored, flaws=wrong)
