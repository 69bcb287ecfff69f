"""Memberships and invitations in the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_once
from sqlalchemy.exc import DBAPIError

from shared.auth.people import forget_people
from shared.auth.roles import Role
from shared.db.errors import diagnostics
from shared.db.models import accounts, clock_now, invitations, memberships, users
from shared.db.unit_of_work import UnitOfWork
from shared.members.errors import LastOwner

_M: Final = memberships.c
_I: Final = invitations.c
_OPEN: Final = and_(_I.accepted_at.is_(None), _I.revoked_at.is_(None))


class Memberships:
    """Who belongs to the unit of work's account."""

    def __init__(self, uow: UnitOfWork):
        self._uow = uow

    def all(self) -> Sequence[Row[Any]]:
        """Everybody with what is sealed of them, the oldest members first."""
        columns = (_M.user_id, _M.role, _M.joined_at, users.c.email, users.c.name)
        return self._uow.execute(
            select(*columns)
            .join(users, users.c.id == _M.user_id)
            .where(_M.account_id == self._uow.account)
            .order_by(_M.joined_at, _M.user_id)
        ).all()

    def find(self, user: str, *, lock: bool = False) -> Row[Any] | None:
        """One membership."""
        found = select(_M.user_id, _M.role, _M.joined_at).where(self._of(user))
        return self._uow.execute(found.with_for_update() if lock else found).first()

    def count(self) -> int:
        """How many people belong to the account."""
        mine = select(func.count()).select_from(memberships).where(_M.account_id == self._uow.account)
        return int(self._uow.execute(mine).scalar_one())

    def has_address(self, email_hash: bytes) -> bool:
        """Whether somebody with this address belongs to the account."""
        theirs = select(users.c.id).join(memberships, _M.user_id == users.c.id)
        where = (_M.account_id == self._uow.account, users.c.email_hash == email_hash)
        return self._uow.execute(theirs.where(*where)).first() is not None

    def add(self, user: str, role: Role) -> bool:
        """Make somebody a member; False for somebody who is one."""
        new = insert_once(memberships).values(account_id=self._uow.account, user_id=user, role=role)
        done = self._uow.execute(new.on_conflict_do_nothing().returning(_M.user_id)).first() is not None
        forget_people(self._uow, [user])
        return done

    def change(self, user: str, role: Role) -> None:
        """Give a member another role. Raises `LastOwner`."""
        with _an_owner_stays():
            self._uow.execute(update(memberships).where(self._of(user)).values(role=role))
        forget_people(self._uow, [user])

    def remove(self, user: str) -> None:
        """End a membership. Raises `LastOwner`."""
        forget_people(self._uow, [user])
        with _an_owner_stays():
            self._uow.execute(delete(memberships).where(self._of(user)))

    def _of(self, user: str) -> ColumnElement[bool]:
        return and_(_M.account_id == self._uow.account, _M.user_id == user)


class Invitations:
    """Who is invited to the unit of work's account."""

    def __init__(self, uow: UnitOfWork):
        self._uow = uow

    def open(self) -> Sequence[Row[Any]]:
        """Those that were neither accepted nor taken back, the newest first."""
        columns = (*_SHOWN, (_I.expires_at <= clock_now()).label("expired"))
        found = select(*columns).where(_OPEN, _I.account_id == self._uow.account)
        return self._uow.execute(found.order_by(_I.created_at.desc(), _I.id.desc())).all()

    def find(self, invitation: str) -> Row[Any] | None:
        """One of those."""
        where = (_OPEN, _I.account_id == self._uow.account, _I.id == invitation)
        return self._uow.execute(select(*_SHOWN).where(*where)).first()

    def add(self, lifetime: timedelta, **values: Any) -> Row[Any]:
        """Invite somebody. An invitation to the same address that is too old gives way."""
        same = (_OPEN, _I.account_id == self._uow.account, _I.email_hash == values["email_hash"])
        old = update(invitations).where(*same, _I.expires_at <= clock_now())
        self._uow.execute(old.values(revoked_at=clock_now()))
        new = insert(invitations).values(
            account_id=self._uow.account, expires_at=clock_now() + lifetime, **values
        )
        return self._uow.execute(new.returning(*_SHOWN)).one()

    def has_address(self, email_hash: bytes) -> bool:
        """Whether this address has an invitation that can be accepted."""
        alive = (_OPEN, _I.expires_at > clock_now(), _I.account_id == self._uow.account)
        return self._uow.execute(select(_I.id).where(*alive, _I.email_hash == email_hash)).first() is not None

    def renew(self, invitation: str, token_hash: bytes, lifetime: timedelta) -> Row[Any] | None:
        """Give an invitation another token and a new time; the token before is worth nothing."""
        values = {"token_hash": token_hash, "expires_at": clock_now() + lifetime}
        return self._change(invitation, values)

    def revoke(self, invitation: str) -> bool:
        """Take an invitation back; False when it is not open."""
        return self._change(invitation, {"revoked_at": clock_now()}) is not None

    def accept(self, invitation: str, user: str) -> Role | None:
        """Use an invitation up; None when it cannot be any more."""
        alive = (_OPEN, _I.expires_at > clock_now(), _I.id == invitation)
        done = update(invitations).where(*alive).values(accepted_at=clock_now(), accepted_by=user)
        role = self._uow.execute(done.returning(_I.role)).scalar_one_or_none()
        return None if role is None else Role(role)

    def _change(self, invitation: str, values: dict[str, Any]) -> Row[Any] | None:
        mine = (_OPEN, _I.account_id == self._uow.account, _I.id == invitation)
        return self._uow.execute(update(invitations).where(*mine).values(**values).returning(*_SHOWN)).first()


_SHOWN: Final = (_I.id, _I.email, _I.role, _I.created_by, _I.created_at, _I.expires_at)


def presented(uow: UnitOfWork, token_hash: bytes) -> Row[Any] | None:
    """The invitation whose token the unit of work presents."""
    columns = (_I.id, _I.account_id, _I.email_hash, _I.role, _I.accepted_by)
    return uow.execute(select(*columns).where(_I.token_hash == token_hash)).first()


def lock_account(uow: UnitOfWork) -> Row[Any] | None:
    """The account's name and plan, while nobody else counts or adds its people; None for a closed one."""
    columns = (accounts.c.id, accounts.c.name, accounts.c.plan)
    alive = (accounts.c.id == uow.account, accounts.c.deleted_at.is_(None))
    return uow.execute(select(*columns).where(*alive).with_for_update(key_share=True)).first()


@contextmanager
def _an_owner_stays() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if diagnostics(error).get("C") == "IM030":
            raise LastOwner() from error
        raise
