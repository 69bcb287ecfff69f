"""Invitations by e-mail: for one address, once, for a week. Only a hash of the token is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, select

from shared.audit.actions import Action
from shared.audit.log import record
from shared.auth.people import ADDRESS, NAME, normal_address
from shared.auth.principal import Principal
from shared.auth.roles import Role
from shared.core.ids import new_id
from shared.core.sealing import Vault
from shared.db.models import accounts, users
from shared.db.unit_of_work import UnitOfWork
from shared.mail.letters import Kind
from shared.mail.message import checked
from shared.mail.post import Envelope, envelope
from shared.members.errors import (
    AlreadyInvited,
    AlreadyMember,
    InvitationNotFound,
    TooManyMembers,
)
from shared.members.membership import require_owner
from shared.members.repository import Invitations, Memberships, lock_account
from shared.members.schemas import CreateInvitation, Invitation, InvitationList

LIFETIME: Final = timedelta(days=7)
MOST_MEMBERS: Final = 200
PURPOSE: Final = "invitation"
_NOBODY: Final = "Somebody"


class InvitationService:
    """The operations. `current` gives the request's unit of work, `open_uow` another one like it."""

    def __init__(
        self,
        current: Callable[[], UnitOfWork],
        open_uow: Callable[[], UnitOfWork],
        vault: Callable[[], Vault],
        app_url: Callable[[], str],
    ):
        """`app_url` is the page that invitations are accepted on."""
        self._current = current
        self._open_uow = open_uow
        self._vault = vault
        self._app_url = app_url

    def create(self, caller: Principal, order: CreateInvitation) -> Invitation:
        """Invite somebody.

        Raises `NoAddress`, `OwnersOnly`, `AlreadyMember`, `AlreadyInvited` and `TooManyMembers`.
        """
        address = checked(order.email)
        require_owner(caller, order.role)
        ident, token, vault = new_id("inv"), new_token(), self._vault()
        email_hash = vault.lookup_hash(ADDRESS, normal_address(address))
        sealed = vault.seal(PURPOSE, address.encode(), ident)
        letter = self._letter(caller, address, order.role, token)
        uow = self._current()
        members, invitations = Memberships(uow), Invitations(uow)
        lock_account(uow)
        if members.has_address(email_hash):
            raise AlreadyMember()
        if invitations.has_address(email_hash):
            raise AlreadyInvited()
        if members.count() + len(invitations.open()) >= MOST_MEMBERS:
            raise TooManyMembers()
        values = {"id": ident, "role": order.role, "created_by": caller.id, "token_hash": token_hash(token)}
        row = invitations.add(LIFETIME, email=sealed, email_hash=email_hash, **values)
        letter.post(uow)
        record(uow, Action.INVITATION_CREATED, ident, role=order.role.value)
        return _shown(row, address, expired=False)

    def open(self) -> InvitationList:
        """The invitations that nobody has used or taken back."""
        with self._open_uow() as uow:
            rows = Invitations(uow).open()
        return InvitationList(
            invitations=[_shown(row, self._address(row), expired=row.expired) for row in rows]
        )

    def resend(self, caller: Principal, invitation: str) -> Invitation:
        """Send it again with another token, for another week. Raises `InvitationNotFound`, `OwnersOnly`."""
        with self._open_uow() as uow:
            found = Invitations(uow).find(invitation)
        if found is None:
            raise InvitationNotFound()
        require_owner(caller, Role(found.role))
        address, token = self._address(found), new_token()
        letter = self._letter(caller, address, Role(found.role), token)
        uow = self._current()
        row = Invitations(uow).renew(invitation, token_hash(token), LIFETIME)
        if row is None:
            raise InvitationNotFound()
        letter.post(uow)
        record(uow, Action.INVITATION_CREATED, invitation, role=row.role, again=True)
        return _shown(row, address, expired=False)

    def revoke(self, invitation: str) -> None:
        """Take an invitation back. Raises `InvitationNotFound`."""
        uow = self._current()
        if not Invitations(uow).revoke(invitation):
            raise InvitationNotFound()
        record(uow, Action.INVITATION_REVOKED, invitation)

    def _letter(self, caller: Principal, address: str, role: Role, token: str) -> Envelope:
        with self._open_uow() as uow:
            account = uow.execute(select(accounts.c.name).where(accounts.c.id == uow.account)).scalar_one()
            sealed = uow.execute(select(users.c.name).where(users.c.id == caller.user)).scalar_one_or_none()
            expires = uow.now + LIFETIME
        vault = self._vault()
        inviter = vault.open(NAME, bytes(sealed), str(caller.user)).decode() if sealed else _NOBODY
        facts = {"account": account, "inviter": inviter, "role": role.value, "expires": _moment(expires)}
        link = {"link": f"{self._app_url()}#invitation={token}"}
        return envelope(vault, Kind.INVITATION, address, facts | link)

    def _address(self, row: Row[Any]) -> str:
        return self._vault().open(PURPOSE, bytes(row.email), row.id).decode()


def new_token() -> str:
    """Make a token: 256 random bits, so a plain hash of it tells nothing."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


def _moment(when: datetime) -> str:
    """A time in words; the letter says that it is UTC."""
    utc = when.astimezone(UTC)
    return f"{utc.day} {utc:%B %Y}"


def _shown(row: Row[Any], address: str, *, expired: bool) -> Invitation:
    return Invitation(
        id=row.id,
        email=address,
        role=row.role,
        state="expired" if expired else "open",
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
