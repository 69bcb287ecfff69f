"""The worker that erases accounts: closes one, erases, waits until nothing is at work any more, erases again.

What began before the closing may still write a file or a row afterwards. It has certainly ended when every
lease of the account has run out and no call or event can be under way any more; then everything is erased
once more, and only after that is there a receipt. Each step finds what is left to do in the database and the
buckets, so a worker that died is followed by one that goes on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.audit.actions import Action
from shared.audit.log import record
from shared.core.errors import ImangorError, RetryLater
from shared.core.sealing import Vault
from shared.db.leases import Lease, acquire, confirm, release
from shared.db.unit_of_work import UnitOfWork
from shared.mail.letters import Kind
from shared.mail.post import Envelope, envelope
from shared.privacy.closing import close, stop_jobs, void_credits
from shared.privacy.erasures import RECEIPTS, addresses, moment, sealed_owners
from shared.privacy.leavers import Directory, Leavers
from shared.privacy.messages import EraseAccount
from shared.privacy.objects import ObjectEraser
from shared.privacy.receipt import KIND, claims
from shared.privacy.record import Erasures
from shared.privacy.rows import RowEraser
from shared.privacy.rules import LAST
from shared.storage.gcs import Storage

if TYPE_CHECKING:
    from shared.tokens.signing import SigningKeys

SETTLE: Final = timedelta(minutes=15)
"""After the closing. Longer than any call, event or transaction lasts; tasks have leases."""
WORK_SECONDS: Final = 400
"""After so long a worker hands over to the next, well within the time that a task may take."""
AGAIN: Final = timedelta(minutes=10)
"""After a failure, or a worker's death, the sweep begins anew."""
_PURPOSE: Final = "erasure"


class GoOn(RetryLater):
    """There is more to erase than one run can."""


@dataclass(frozen=True)
class Run:
    """One run at an erasure, under its lease."""

    account: str
    erasure: str
    lease: Lease
    until: float
    open_uow: Callable[[str, str | None], UnitOfWork]

    @contextmanager
    def open(self, user: str | None = None) -> Iterator[UnitOfWork]:
        """A unit of work of the account, as a person if one is given. Raises `LeaseLost` and `GoOn`."""
        with self.open_uow(self.account, user) as uow:
            confirm(uow, self.lease)
            if time.monotonic() > self.until:
                raise GoOn(uow.now)
            yield uow


class Eraser:
    """Erases accounts."""

    def __init__(
        self,
        open_uow: Callable[[str, str | None], UnitOfWork],
        vault: Vault,
        storage: Storage,
        buckets: dict[str, str],
        directory: Callable[[], Directory],
        keys: Callable[[], SigningKeys],
        settle: timedelta = SETTLE,
    ):
        """`open_uow` opens a unit of work under an account, as a person if one is given; `buckets` gives the
        names of the buckets `uploads` and `results`.
        """
        self._open_uow = open_uow
        self._vault = vault
        self._storage = storage
        self._buckets = buckets
        self._directory = directory
        self._keys = keys
        self._settle = settle

    def erase(self, task: EraseAccount, lease_seconds: float) -> None:
        """Go on with an erasure. Raises `LeaseHeld` while another worker does, and `GoOn`."""
        run = self._claim(task, lease_seconds)
        if run is None:
            return
        try:
            self._work(run)
        except ImangorError:
            with self._open_uow(task.account, None) as uow:
                release(uow, run.lease)
            raise

    def _claim(self, task: EraseAccount, lease_seconds: float) -> Run | None:
        with self._open_uow(task.account, None) as uow:
            row = Erasures(uow).find(task.erasure)
            if row is None or row.state not in ("waiting", "running") or row.due_at > uow.now:
                return None
            lease = acquire(uow, f"erase {task.account}", lease_seconds)
            Erasures(uow).change(task.erasure, state="running", next_at=uow.now + AGAIN)
        until = time.monotonic() + WORK_SECONDS
        return Run(task.account, task.erasure, lease, until, self._open_uow)

    def _work(self, run: Run) -> None:
        self._close(run)
        stop_jobs(run.open)
        Leavers(run.erasure, run.open, self._directory).leave()
        self._erase(run)
        with run.open() as uow:
            quiet_at = Erasures(uow).quiet_at(run.erasure, run.lease.name, self._settle)
            if quiet_at is not None:
                Erasures(uow).change(run.erasure, next_at=quiet_at)
                release(uow, run.lease)
                return
        # Once more, since what was under way may have written something after it was erased.
        stop_jobs(run.open)
        self._erase(run)
        self._finish(run)

    def _close(self, run: Run) -> None:
        with run.open() as uow:
            row = Erasures(uow).find(run.erasure)
            owners = sealed_owners(uow)
        if row is None or row.closed_at is not None:
            return
        told = json.dumps(addresses(self._vault, owners)).encode()
        sealed = self._vault.seal(_PURPOSE, told, run.erasure) if owners else None
        with run.open() as uow:
            close(uow, run.erasure, sealed)

    def _erase(self, run: Run) -> None:
        ObjectEraser(run.erasure, run.account, run.open, self._storage, self._buckets).erase()
        RowEraser(run.erasure, run.open, run.lease.name).erase()

    def _finish(self, run: Run) -> None:
        with run.open() as uow:
            told = uow.sql(_RECORDED, chain=run.account, erasure=run.erasure).first() is not None
            if not told:
                void_credits(uow, run.erasure)
                record(uow, Action.ACCOUNT_ERASED, run.erasure)
        letters = self._letters(run)
        with run.open() as uow:
            RowEraser(run.erasure, run.open, run.lease.name).erase_last(uow, LAST)
            done = {"state": "done", "finished_at": uow.now, "next_at": None, "sealed": None}
            row = Erasures(uow).find(run.erasure)
            assert row is not None  # noqa: S101 - nobody deletes erasures
            head = uow.sql(_HEAD, account=run.account).one()
            said = claims({**row._mapping, **done}, int(head.number), bytes(head.hash))
            Erasures(uow).change(run.erasure, **done, receipt=self._keys().attest(KIND, said))
            for letter in letters:
                letter.post(uow)
            release(uow, run.lease)

    def _letters(self, run: Run) -> list[Envelope]:
        with run.open() as uow:
            row = Erasures(uow).find(run.erasure)
            now = uow.now
        if row is None or row.sealed is None:
            return []
        told: list[str] = json.loads(self._vault.open(_PURPOSE, bytes(row.sealed), run.erasure))
        facts = {"due": moment(now), "link": f"{self._keys().issuer}{RECEIPTS}/{row.receipt_id}"}
        return [envelope(self._vault, Kind.ERASURE_DONE, address, facts) for address in told]


_RECORDED: Final = """
select number from audit_entries where chain = :chain and action = 'account.erased' and target = :erasure
"""
_HEAD: Final = "select number, hash from audit_heads where account_id = :account"
