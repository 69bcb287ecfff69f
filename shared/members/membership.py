"""What owners do with the people of their account."""

from __future__ import annotations

from collections.abc import Callable

from shared.audit.actions import Action
from shared.audit.log import record
from shared.auth.grants import revoke_grants
from shared.auth.made_keys import keys_made_by, revoke_keys
from shared.auth.people import ADDRESS, NAME
from shared.auth.principal import Principal
from shared.auth.roles import SCOPES_OF, Role
from shared.core.errors import Forbidden
from shared.core.scopes import ADMIN
from shared.core.sealing import Vault
from shared.db.unit_of_work import UnitOfWork
from shared.members.errors import MemberNotFound, OwnersOnly
from shared.members.repository import Memberships
from shared.members.schemas import (
    ChangedMembership,
    ChangeRole,
    KeysLeft,
    Member,
    MemberList,
    Removed,
    RemoveMember,
    WhatOfKeys,
)
from shared.members.syncing import sync_identity

OWNER_SCOPE = "account:owner"
KEYS_SCOPE = "keys:write"


class MemberService:
    """The operations. `current` gives the request's unit of work, `open_uow` another one like it."""

    def __init__(
        self,
        current: Callable[[], UnitOfWork],
        open_uow: Callable[[], UnitOfWork],
        vault: Callable[[], Vault],
    ):
        self._current = current
        self._open_uow = open_uow
        self._vault = vault

    def all(self) -> MemberList:
        """Everybody who belongs to the account."""
        with self._open_uow() as uow:
            rows = Memberships(uow).all()
        return MemberList(
            members=[
                Member(
                    id=row.user_id,
                    role=row.role,
                    email=self._opened(ADDRESS, row.email, row.user_id),
                    name=self._opened(NAME, row.name, row.user_id),
                    joined_at=row.joined_at,
                )
                for row in rows
            ]
        )

    def change_role(self, caller: Principal, user: str, change: ChangeRole) -> ChangedMembership:
        """Give a member another role. Raises `MemberNotFound`, `OwnersOnly`, `LastOwner`, `Forbidden`."""
        return change_role(self._current(), caller, user, change)

    def remove(self, caller: Principal, user: str, order: RemoveMember) -> Removed:
        """End a membership, and what the person let clients do here. Raises as `change_role` does."""
        uow = self._current()
        member = Memberships(uow).find(user, lock=True)
        if member is None:
            raise MemberNotFound()
        require_owner(caller, Role(member.role))
        end_membership(uow, user, role=member.role)
        left = _keys_left(uow, caller, user, order.keys, "member-removed")
        return Removed(id=user, **left.model_dump())

    def _opened(self, purpose: str, sealed: bytes | None, user: str) -> str | None:
        return None if sealed is None else self._vault().open(purpose, bytes(sealed), user).decode()


def end_membership(uow: UnitOfWork, user: str, *, role: str | None = None, left: bool | None = None) -> None:
    """Take somebody out of the unit of work's account at once, whatever they are signed in with.

    `left` is for somebody who goes by themselves. Raises `LastOwner`.
    """
    Memberships(uow).remove(user)
    revoke_grants(uow, user)
    sync_identity(uow, user)
    record(uow, Action.MEMBER_REMOVED, user, role=role, left=left)


def change_role(uow: UnitOfWork, caller: Principal, user: str, change: ChangeRole) -> ChangedMembership:
    """Give a member of the unit of work's account another role; raises as `MemberService.change_role`."""
    members, role = Memberships(uow), change.role
    member = members.find(user, lock=True)
    if member is None:
        raise MemberNotFound()
    if role != member.role:
        require_owner(caller, Role(member.role), role)
        members.change(user, role)
        sync_identity(uow, user)
        record(uow, Action.ROLE_CHANGED, user, role=role.value, before=member.role)
    left = _keys_left(uow, caller, user, change.keys, "role-changed", SCOPES_OF[role])
    return ChangedMembership(id=user, role=role, joined_at=member.joined_at, **left.model_dump())


def _keys_left(
    uow: UnitOfWork,
    caller: Principal,
    user: str,
    what: WhatOfKeys,
    reason: str,
    may: frozenset[str] = frozenset(),
) -> KeysLeft:
    """What becomes of keys that somebody made and that may do more than they `may` do from now on."""
    keys, revoke = keys_made_by(uow, user, may), what == "revoke"
    if revoke and not {KEYS_SCOPE, ADMIN} & caller.scopes:
        raise Forbidden(f"To revoke keys needs the scope {KEYS_SCOPE}.")
    if revoke:
        revoke_keys(uow, keys, reason)
    return KeysLeft(keys=[key.id for key in keys], keys_revoked=revoke and bool(keys))


def require_owner(caller: Principal, *roles: Role) -> None:
    """Only owners, keys with that scope, and admins make, change and remove owners; raises `OwnersOnly`."""
    if Role.OWNER in roles and not {OWNER_SCOPE, ADMIN} & caller.scopes:
        raise OwnersOnly()
