"""What the platform's own people do about people. The system's role sees everybody's rows here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, select, update

from shared.audit.actions import Action
from shared.audit.log import record
from shared.auth.people import ADDRESS, NAME, forget_people, normal_address, revoke_tokens
from shared.auth.principal import Principal
from shared.core.sealing import Vault
from shared.db.models import clock_now, memberships, users
from shared.db.unit_of_work import UnitOfWork
from shared.ledger.references import require_account
from shared.members.errors import UserNotFound
from shared.members.membership import change_role
from shared.members.schemas import AccountRole, ChangedMembership, ChangeRole, User, UserFilter, UserList
from shared.members.syncing import sync_identity

MOST: Final = 100


class UserAdministration:
    """The operations, each in a unit of work of the admin's account, or of the one that it is about."""

    def __init__(self, open_uow: Callable[[str], UnitOfWork], vault: Callable[[], Vault]):
        """`open_uow` opens a unit of work under an account."""
        self._open_uow = open_uow
        self._vault = vault

    def find(self, admin: Principal, query: UserFilter) -> UserList:
        """The people with an address, of an account, or with an id; at most `MOST`, the newest first."""
        wanted = self._wanted(query)
        with self._open_uow(admin.account) as uow:
            rows = uow.execute(select(users).where(*wanted).order_by(users.c.id.desc()).limit(MOST)).all()
            roles = _roles(uow, [row.id for row in rows])
        return UserList(users=[self._shown(row, roles[row.id]) for row in rows])

    def disable(self, admin: Principal, user: str) -> User:
        """Let somebody in no more, not even those who are signed in. Raises `UserNotFound`."""
        return self._change(admin, user, Action.USER_DISABLED, disabled_at=clock_now())

    def enable(self, admin: Principal, user: str) -> User:
        """Let somebody sign in again. Raises `UserNotFound`."""
        return self._change(admin, user, Action.USER_ENABLED, disabled_at=None)

    def revoke(self, admin: Principal, user: str) -> User:
        """End everything that somebody is signed in with. Raises `UserNotFound`."""
        return self._change(admin, user, Action.TOKENS_REVOKED)

    def set_role(self, admin: Principal, account: str, user: str, change: ChangeRole) -> ChangedMembership:
        """Set a member's role. Raises `AccountNotFound`, `MemberNotFound` and `LastOwner`."""
        with self._open_uow(account) as uow:
            require_account(uow)
            return change_role(uow, admin, user, change)

    def _change(self, admin: Principal, user: str, action: Action, **values: Any) -> User:
        with self._open_uow(admin.account) as uow:
            if uow.execute(select(users.c.id).where(users.c.id == user).with_for_update()).first() is None:
                raise UserNotFound()
            if values:
                uow.execute(update(users).where(users.c.id == user).values(**values))
            if action is not Action.USER_ENABLED:
                revoke_tokens(uow, user)
            forget_people(uow, [user])
            sync_identity(uow, user)
            record(uow, action, user)
        return self.find(admin, UserFilter(id=user)).users[0]

    def _wanted(self, query: UserFilter) -> list[ColumnElement[bool]]:
        wanted: list[ColumnElement[bool]] = []
        if query.id:
            wanted.append(users.c.id == query.id)
        if query.email:
            hashed = self._vault().lookup_hash(ADDRESS, normal_address(query.email))
            wanted.append(users.c.email_hash == hashed)
        if query.account:
            theirs = select(memberships.c.user_id).where(memberships.c.account_id == query.account)
            wanted.append(users.c.id.in_(theirs))
        return wanted

    def _shown(self, row: Row[Any], roles: list[AccountRole]) -> User:
        def opened(purpose: str, sealed: bytes | None) -> str | None:
            return None if sealed is None else self._vault().open(purpose, bytes(sealed), row.id).decode()

        return User(
            id=row.id,
            identity=row.identity,
            email=opened(ADDRESS, row.email),
            email_verified=row.email_verified,
            name=opened(NAME, row.name),
            created_at=row.created_at,
            disabled_at=row.disabled_at,
            accounts=roles,
        )


def _roles(uow: UnitOfWork, people: list[str]) -> dict[str, list[AccountRole]]:
    found: dict[str, list[AccountRole]] = defaultdict(list)
    columns = (memberships.c.user_id, memberships.c.account_id, memberships.c.role)
    theirs = select(*columns).where(memberships.c.user_id.in_(people)).order_by(memberships.c.joined_at)
    for row in uow.execute(theirs):
        found[row.user_id].append(AccountRole(account=row.account_id, role=row.role))
    return found
