"""What somebody who signed in does as themselves: open an account, accept an invitation, leave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import select

from shared.audit.actions import Action
from shared.audit.log import record
from shared.auth.errors import AccountNotFound
from shared.auth.principal import Principal
from shared.auth.repository import insert_account
from shared.auth.roles import Role
from shared.core.ids import new_id
from shared.db.models import accounts, memberships, users
from shared.db.unit_of_work import UnitOfWork
from shared.ledger.service import Ledger
from shared.members.errors import (
    EmailNotVerified,
    InvitationEnded,
    InvitationForAnother,
    InvitationNotFound,
    TooManyAccounts,
)
from shared.members.invitations import token_hash
from shared.members.membership import end_membership
from shared.members.repository import Invitations, Memberships, lock_account, presented
from shared.members.schemas import AcceptInvitation, Belonging, BelongingList, OpenAccount
from shared.members.syncing import sync_identity

MOST_ACCOUNTS: Final = 20
WELCOME: Final = "welcome:"
"""Before a person's id, the reference of the credits for their first account; the database knows it once."""


class BelongingService:
    """The operations of one person."""

    def __init__(
        self,
        current: Callable[[], UnitOfWork],
        present: Callable[[bytes], UnitOfWork],
        welcome_credits: Callable[[], int],
    ):
        """`current` gives the request's unit of work, which is the person's own; `present` opens one that
        presents the hash of an invitation's token, too. `welcome_credits` are for a person's first account.
        """
        self._current = current
        self._present = present
        self._welcome_credits = welcome_credits

    def all(self, caller: Principal) -> BelongingList:
        """The person's accounts."""
        return BelongingList(accounts=_belongings(self._current(), str(caller.user)))

    def open(self, caller: Principal, order: OpenAccount) -> Belonging:
        """Open an account, whose owner the person is. Raises `EmailNotVerified` and `TooManyAccounts`."""
        uow, user, account = self._current(), str(caller.user), new_id("acc")
        _verified_address(uow, user)
        if len(_belongings(uow, user)) >= MOST_ACCOUNTS:
            raise TooManyAccounts()
        uow.act_for(account)
        insert_account(uow, account, order.name)
        Memberships(uow).add(user, Role.OWNER)
        credits = self._welcome_credits()
        if credits:
            Ledger(uow).grant(credits, WELCOME + user, reason="welcome", actor=user)
        sync_identity(uow, user)
        record(uow, Action.ACCOUNT_OPENED, account)
        return _belongings(uow, user, account)[0]

    def accept(self, caller: Principal, order: AcceptInvitation) -> Belonging:
        """Use an invitation. Repeating it is harmless.

        Raises `InvitationNotFound`, `InvitationEnded`, `EmailNotVerified`, `InvitationForAnother` and
        `TooManyAccounts`.
        """
        digest, user = token_hash(order.token), str(caller.user)
        with self._present(digest) as uow:
            found = presented(uow, digest)
            if found is None:
                raise InvitationNotFound()
            address = _verified_address(uow, user)
            if address != bytes(found.email_hash):
                raise InvitationForAnother()
            known = _belongings(uow, user)
            uow.act_for(found.account_id)
            if found.accepted_by == user and any(each.id == found.account_id for each in known):
                return _belongings(uow, user, found.account_id)[0]
            if len(known) >= MOST_ACCOUNTS:
                raise TooManyAccounts()
            self._join(uow, found.id, user)
            return _belongings(uow, user, found.account_id)[0]

    def leave(self, caller: Principal, account: str) -> None:
        """Leave an account. Raises `AccountNotFound` and `LastOwner`."""
        uow, user = self._current(), str(caller.user)
        if not _belongings(uow, user, account):
            raise AccountNotFound()
        uow.act_for(account)
        end_membership(uow, user, left=True)

    def _join(self, uow: UnitOfWork, invitation: str, user: str) -> None:
        account = lock_account(uow)
        role = Invitations(uow).accept(invitation, user) if account else None
        if role is None:
            raise InvitationEnded()
        joined = Memberships(uow).add(user, role)
        record(uow, Action.INVITATION_ACCEPTED, invitation)
        if joined:
            sync_identity(uow, user)
            record(uow, Action.MEMBER_ADDED, user, role=role.value)


def _verified_address(uow: UnitOfWork, user: str) -> bytes:
    """The hash of the person's address, whose row is locked, so that they do one thing after the other."""
    columns = (users.c.email_hash, users.c.email_verified)
    row = uow.execute(select(*columns).where(users.c.id == user).with_for_update(key_share=True)).one()
    if not row.email_verified:
        raise EmailNotVerified()
    return bytes(row.email_hash)


def _belongings(uow: UnitOfWork, user: str, account: str | None = None) -> list[Belonging]:
    """The accounts of a person, or the one."""
    columns = (accounts.c.id, accounts.c.name, accounts.c.plan, memberships.c.role, memberships.c.joined_at)
    where = [memberships.c.user_id == user, accounts.c.deleted_at.is_(None)]
    where += [accounts.c.id == account] if account else []
    found = select(*columns).join(memberships, memberships.c.account_id == accounts.c.id).where(*where)
    rows = uow.execute(found.order_by(memberships.c.joined_at, accounts.c.id))
    return [Belonging.model_validate(dict(row._mapping)) for row in rows]
