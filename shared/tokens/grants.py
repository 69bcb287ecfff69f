"""What people let clients do, in the database: codes and refresh tokens are kept as hashes alone."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import insert, or_, select, update

from shared.core.ids import new_id
from shared.db.models import accounts, clock_now, memberships, oauth_grants, users
from shared.db.unit_of_work import UnitOfWork

CODE_LIFE: Final = timedelta(seconds=60)
GRANT_LIFE: Final = timedelta(days=30)
FORGET: Final = (
    "delete from oauth_grants where expires_at < clock_now()",
    "delete from oauth_grants where redeemed_at is null and code_expires_at < clock_now() - interval '1 day'",
)


@dataclass(frozen=True)
class GrantRecord:
    """A row of `oauth_grants`."""

    id: str
    account_id: str
    user_id: str
    client_id: str
    redirect_uri: str
    challenge: str
    scopes: list[str]
    session_id: str | None
    code_expires_at: datetime
    redeemed_at: datetime | None
    secret_hash: bytes | None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True)
class RefreshToken:
    """A refresh token: what it shares with all of its grant, and what is its own."""

    family: str
    secret: str

    @classmethod
    def make(cls, family: str | None = None) -> RefreshToken:
        """A new one, of the same family if there is one."""
        return cls(family or secrets.token_urlsafe(16), secrets.token_urlsafe(32))

    @classmethod
    def read(cls, text: str) -> RefreshToken:
        """The parts of a token; of what is none, parts that fit nothing."""
        family, _, secret = text.partition(".")
        return cls(family, secret)

    def __str__(self) -> str:
        return f"{self.family}.{self.secret}"


def sha256(text: str) -> bytes:
    """What is kept of a code or token: they are too long to be guessed, so no more is needed."""
    return hashlib.sha256(text.encode()).digest()


_g = oauth_grants.c
_COLUMNS: Final = tuple(_g[field.name] for field in fields(GrantRecord))


class Grants:
    """Those that a unit of work sees: of its account, or the one whose code or token it presents."""

    def __init__(self, uow: UnitOfWork):
        self._uow = uow

    def add(self, code: str, **values: Any) -> str:
        """Keep a grant whose code is good for a minute; its id."""
        ident = new_id("gra")
        ends = {"code_expires_at": clock_now() + CODE_LIFE, "expires_at": clock_now() + GRANT_LIFE}
        row = {"id": ident, "account_id": self._uow.account, "code_hash": sha256(code)}
        self._uow.execute(insert(oauth_grants).values(**row, **ends, **values))
        return ident

    def take(self, presented: bytes) -> GrantRecord | None:
        """The grant whose code or token has this hash; nobody else takes it before the transaction ends.

        From then on the unit of work is of the grant's account.
        """
        which = or_(_g.code_hash == presented, _g.family_hash == presented)
        account = self._uow.execute(select(_g.account_id).where(which)).scalar()
        if account is None:
            return None
        self._uow.act_for(account)
        row = self._uow.execute(select(*_COLUMNS).where(which).with_for_update()).one()
        return GrantRecord(**row._mapping)

    def change(self, grant: str, **values: Any) -> None:
        """Write something down of a grant."""
        self._uow.execute(update(oauth_grants).where(_g.id == grant).values(**values))

    def keep(self, grant: str, token: RefreshToken, **values: Any) -> None:
        """From now on this is the one refresh token of a grant that is good."""
        hashes = {"family_hash": sha256(token.family), "secret_hash": sha256(token.secret)}
        self.change(grant, **hashes, **values)

    def identity_of(self, user: str) -> str | None:
        """Who a member of the account is to the identity service; None for somebody who left it."""
        return self._uow.execute(select(users.c.identity).where(users.c.id == user)).scalar()


def account_of_member(uow: UnitOfWork, user: str, account: str | None) -> str | None:
    """The account asked for, or else the one they joined first; None where they do not belong to it."""
    statement = (
        select(memberships.c.account_id)
        .join(accounts, accounts.c.id == memberships.c.account_id)
        .where(memberships.c.user_id == user, accounts.c.deleted_at.is_(None))
        .order_by(memberships.c.joined_at, memberships.c.account_id)
    )
    if account is not None:
        statement = statement.where(memberships.c.account_id == account)
    return uow.execute(statement.limit(1)).scalar()
