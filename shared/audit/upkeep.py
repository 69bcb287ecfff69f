"""What `sweep` does for the audit log: verify every chain as a whole once a day."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, Protocol

from shared.audit.actions import Action
from shared.audit.chain import PLATFORM, Fact, Mark
from shared.audit.verification import verify
from shared.db.unit_of_work import UnitOfWork

_log = logging.getLogger(__name__)

BATCH: Final = 100
SECONDS: Final = 60
"""After which a round begins no more chains; the next goes on."""
_DUE: Final = """
select chain from audit_heads where proved_at is null or proved_at < clock_now() - interval '1 day'
order by proved_at nulls first limit :limit
"""
_PROVED: Final = "update audit_heads set proved_at = clock_now() where chain = :chain"


class Tell(Protocol):
    """Tells of a security event."""

    def __call__(
        self, action: Action, target: str | None = None, account: None = None, **facts: Fact
    ) -> None:
        """Of what happened to `target`; in the platform's chain."""


class AuditUpkeep:
    """Runs as the system role; reads an account's chain under that account."""

    def __init__(
        self,
        open_uow: Callable[[str | None], UnitOfWork],
        anchors: Callable[[str], Iterable[Mark]],
        tell: Tell,
    ):
        """`anchors` gives what was published of a chain."""
        self._open_uow = open_uow
        self._anchors = anchors
        self._tell = tell

    def prove(self) -> None:
        """Verify the chains that were not verified for a day. One that is broken is told of each day."""
        until = time.monotonic() + SECONDS
        with self._open_uow(None) as uow:
            due = list(uow.sql(_DUE, limit=BATCH).scalars())
        for chain in due:
            if time.monotonic() < until:
                self._prove(chain)

    def _prove(self, chain: str) -> None:
        account = None if chain == PLATFORM else chain
        try:
            proof = verify(partial(self._open_uow, account), chain, self._anchors(chain))
            with self._open_uow(None) as uow:
                uow.sql(_PROVED, chain=chain)
        except Exception:
            # One chain's trouble must not keep the others waiting; the next round comes to it again.
            _log.exception("an audit chain could not be verified", extra={"fields": {"chain": chain}})
            return
        if not proof.proven:
            first = proof.flaws[0]
            flaws = [f"{each.what} {each.entry}" for each in proof.flaws]
            _log.error("an audit chain is broken", extra={"fields": {"chain": chain, "flaws": flaws}})
            self._tell(Action.AUDIT_BROKEN, chain, what=first.what, entry=first.entry, flaws=len(flaws))
