"""Heads of chains published outside of the database, so that a tail cannot be cut off unnoticed.

Whoever can change the database can shorten a chain and its head with it. So `sweep` writes each head that
grew, at most once a day, into the results bucket as an empty object whose name says everything, and into
the logs, which neither the database's administrators nor any function can change.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from shared.audit.chain import Mark
from shared.db.unit_of_work import UnitOfWork

_log = logging.getLogger(__name__)

BATCH: Final = 100
FOLDER: Final = "audit-anchors/"
_NAME: Final = re.compile(r"(?P<number>[0-9]{12})-(?P<hash>[0-9a-f]{64})")
_GROWN: Final = """
select chain, number, hash from audit_heads
where anchored < number and (anchored_at is null or anchored_at < clock_now() - interval '1 day')
order by anchored_at nulls first limit :limit
"""
_ANCHORED: Final = """
update audit_heads set anchored = greatest(anchored, :number), anchored_at = clock_now() where chain = :chain
"""


class Folder(Protocol):
    """Where anchors are kept."""

    def write(self, name: str) -> None:
        """Write an empty object; one that is there stays as it is."""

    def names(self, prefix: str) -> Iterator[str]:
        """The names that begin with `prefix`."""


class Anchors:
    """Publishes heads, and reads what was published."""

    def __init__(self, folder: Folder):
        self._folder = folder

    def publish(self, open_uow: Callable[[str | None], UnitOfWork]) -> None:
        """Publish the heads that grew since they were published a day ago or more."""
        with open_uow(None) as uow:
            grown = [(row.chain, Mark(row.number, bytes(row.hash))) for row in uow.sql(_GROWN, limit=BATCH)]
        for chain, mark in grown:
            facts = {"chain": chain, "number": mark.number, "hash": mark.hash.hex()}
            self._folder.write(f"{FOLDER}{chain}/{mark.number:012}-{mark.hash.hex()}")
            _log.info("an audit chain's head", extra={"fields": {"audit_head": facts}})
            with open_uow(None) as uow:
                uow.sql(_ANCHORED, chain=chain, number=mark.number)

    def of(self, chain: str) -> Iterator[Mark]:
        """What was published of a chain."""
        prefix = f"{FOLDER}{chain}/"
        for name in self._folder.names(prefix):
            match = _NAME.fullmatch(name.removeprefix(prefix))
            if match is not None:
                yield Mark(int(match["number"]), bytes.fromhex(match["hash"]))
