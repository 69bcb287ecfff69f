"""What owners do with the people of their account."""

from __future__ import annotations

from collections.abc import Callable

from shared.audit.actions import Action
from shared.audit.log import record
from shared.auth.people import ADDRESS, NAME
from shared.auth.principal import Principal
from shared.auth.roles import Role
from shared.core.scopes import ADMIN
from shared.core.sealing import Vault
from shared.db.unit_of_work import UnitOfWork
from shared.members.errors import MemberNotFound, OwnersOnly
from shared.members.repository import Memberships
from shared.members.schemas import ChangeRole, Member, MemberList, Membership
from shared.members.syncing import sync_identity

OWNER_SCOPE = "account:owner"


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

    def change_role(self, caller: Principal, user: str, change: ChangeRole) -> Membership:
        """Give a member another role. Raises `MemberNotFound`, `OwnersOnly` and `LastOwner`."""
        return change_role(self._current(), caller, user, change.role)

    def remove(self, caller: Principal, user: str) -> None:
        """End a membership. Raises as `change_role` does."""
        uow = self._current()
        member = Memberships(uow).find(user, lock=True)
        if member is None:
            raise MemberNotFound()
        require_owner(caller, Role(member.role))
        Memberships(uow).remove(user)
        sync_identity(uow, user)
        record(uow, Action.MEMBER_REMOVED, user, role=member.role)

    def _opened(self, purpose: str, sealed: bytes | None, user: str) -> str | None:
        return None if sealed is None else self._vault().open(purpose, bytes(sealed), user).decode()


def change_role(uow: UnitOfWork, caller: Principal, user: str, role: Role) -> Membership:
    """Give a member of the unit of work's account another role; raises as `MemberService.change_role`."""
    members = Memberships(uow)
    member = members.find(user, lock=True)
    if member is None:
        raise MemberNotFound()
    if role != member.role:
        require_owner(caller, Role(member.role), role)
        members.change(user, role)
        sync_identity(uow, user)
        record(uow, Action.ROLE_CHANGED, user, role=role.value, before=member.role)
    return Membership(id=user, role=role, joined_at=member.joined_at)


def require_owner(caller: Principal, *roles: Role) -> None:
    """Only owners, keys with that scope, and admins make, change and remove owners; raises `OwnersOnly`."""
    if Role.OWNER in roles and not {OWNER_SCOPE, ADMIN} & caller.scopes:
        raise OwnersOnly()
