"""What owners do with erasures: order one, stop it while it waits, and read its receipt."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, select

from shared.audit.actions import Action
from shared.audit.log import record
from shared.auth.people import ADDRESS
from shared.auth.principal import Principal
from shared.auth.repository import is_platforms_own
from shared.auth.roles import Role
from shared.core.credentials import Credentials
from shared.core.errors import FieldError, InvalidInput
from shared.core.ids import new_id
from shared.core.sealing import Vault
from shared.db.models import accounts
from shared.db.unit_of_work import UnitOfWork
from shared.mail.letters import Kind
from shared.mail.post import Envelope, envelope
from shared.members.repository import Memberships
from shared.privacy.errors import ErasureBegun, PlatformsAccount
from shared.privacy.record import Erasures
from shared.privacy.schemas import Erasure, ErasureReceipt, OrderErasure
from shared.sessions.recency import RecentSignIn

RECEIPTS = "/v1/erasures"


class ErasureService:
    """The operations. `current` gives the request's unit of work, `open_uow` another one like it."""

    def __init__(
        self,
        current: Callable[[], UnitOfWork],
        open_uow: Callable[[], UnitOfWork],
        vault: Callable[[], Vault],
        recent: RecentSignIn,
        grace: timedelta,
        origin: str,
    ):
        """`grace` is the time in which it can be stopped; `origin` is what the API is reached by."""
        self._current = current
        self._open_uow = open_uow
        self._vault = vault
        self._recent = recent
        self._grace = grace
        self._origin = origin

    def order(self, caller: Principal, credentials: Credentials, order: OrderErasure) -> Erasure:
        """Have the account erased after the grace period; its owners are told.

        Raises `InvalidInput` for another account, `SignInTooOld`, `PlatformsAccount`, `ErasureUnderWay`.
        """
        if order.account != caller.account:
            wrong = FieldError("/account", "not-this-account", "It is not the account that this call is for.")
            raise InvalidInput(errors=[wrong])
        self._recent.require(caller, credentials)
        receipt = secrets.token_urlsafe(24)
        letters = self._letters(Kind.ERASURE_ORDERED, self._url(receipt), self._grace)
        uow = self._current()
        if is_platforms_own(uow):
            raise PlatformsAccount()
        who = {"requested_kind": caller.kind, "requested_by": caller.id}
        row = Erasures(uow).add(self._grace, id=new_id("era"), receipt_id=receipt, **who)
        for letter in letters:
            letter.post(uow)
        record(uow, Action.ERASURE_ORDERED, row.id, due_at=row.due_at.isoformat())
        return self._shown(row)

    def get(self) -> Erasure:
        """The erasure that waits or is under way. Raises `ErasureNotFound`."""
        return self._shown(Erasures(self._current()).open())

    def cancel(self, caller: Principal) -> None:
        """Stop an erasure while it waits. Raises `ErasureNotFound` and `ErasureBegun`."""
        with self._open_uow() as uow:
            receipt = Erasures(uow).open().receipt_id
        letters = self._letters(Kind.ERASURE_CANCELLED, self._url(receipt), timedelta())
        uow = self._current()
        row = Erasures(uow).open(lock=True)
        if row.state != "waiting":
            raise ErasureBegun()
        ended = {"state": "cancelled", "cancelled_at": uow.now, "cancelled_by": caller.id, "next_at": None}
        Erasures(uow).change(row.id, **ended)
        for letter in letters:
            letter.post(uow)
        record(uow, Action.ERASURE_CANCELLED, row.id)

    def _letters(self, kind: Kind, url: str, grace: timedelta) -> list[Envelope]:
        with self._open_uow() as uow:
            name = uow.execute(select(accounts.c.name).where(accounts.c.id == uow.account)).scalar_one()
            owners, due = sealed_owners(uow), uow.now + grace
        facts = {"account": name, "due": moment(due), "link": url}
        return [envelope(self._vault(), kind, each, facts) for each in addresses(self._vault(), owners)]

    def _url(self, receipt: str) -> str:
        return f"{self._origin}{RECEIPTS}/{receipt}"

    def _shown(self, row: Row[Any]) -> Erasure:
        same = {name: row._mapping[name] for name in Erasure.model_fields if name != "receipt_url"}
        return Erasure.model_validate({**same, "receipt_url": self._url(row.receipt_id)})


class Receipts:
    """What whoever knows a receipt's id reads, also when the account is gone."""

    def __init__(self, present: Callable[[str], UnitOfWork]):
        """`present` opens a unit of work that presents a receipt's id."""
        self._present = present

    def get(self, receipt: str) -> ErasureReceipt:
        """How far an erasure is. Raises `ErasureNotFound`."""
        with self._present(receipt) as uow:
            row = Erasures(uow).presented(receipt)
        return ErasureReceipt.model_validate(
            {name: row._mapping[name] for name in ErasureReceipt.model_fields}
        )


def sealed_owners(uow: UnitOfWork) -> list[tuple[str, bytes]]:
    """The ids of the account's owners that have an address, and the addresses sealed."""
    rows = Memberships(uow).all()
    return [(row.user_id, bytes(row.email)) for row in rows if row.role == Role.OWNER and row.email]


def addresses(vault: Vault, owners: Sequence[tuple[str, bytes]]) -> list[str]:
    """Their addresses. Call it outside of transactions."""
    return [vault.open(ADDRESS, sealed, user).decode() for user, sealed in owners]


def moment(when: datetime) -> str:
    """A day in words; the letters say that it is UTC."""
    utc = when.astimezone(UTC)
    return f"{utc.day} {utc:%B %Y}"
