"""People: who a verified identity is here, and in which accounts they may do what.

The database decides. One record of each person is cached for a short life, by their identity, and forgotten
with every change; in it is the time before which no sign-in counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert

from shared.auth.errors import AccountNotFound, CredentialEnded
from shared.auth.failed_sign_ins import FailedSignIns
from shared.auth.principal import Principal
from shared.auth.roles import SCOPES_OF, Role
from shared.cache.read_through import invalidate, read_through
from shared.cache.redis import RedisCache, cache_key
from shared.core.ids import new_id
from shared.core.scopes import ADMIN
from shared.core.sealing import Vault
from shared.db.models import accounts, clock_now, memberships, platform_admins, users
from shared.db.unit_of_work import UnitOfWork

CACHE_SECONDS: Final = 10
ADDRESS: Final = "email"
NAME: Final = "name"
_PROFILE: Final = "profile"


class Identity(Protocol):
    """What a verified token says of somebody; times are seconds since 1970."""

    @property
    def uid(self) -> str:
        """Who it is to the identity service."""

    @property
    def email(self) -> str | None:
        """Their address, if they have one."""

    @property
    def email_verified(self) -> bool:
        """Whether they have shown that it is theirs."""

    @property
    def name(self) -> str | None:
        """What they call themselves."""

    @property
    def auth_time(self) -> float:
        """When they signed in."""

    @property
    def issued_at(self) -> int:
        """When the token was made, and so how old address and name are."""


@dataclass(frozen=True)
class Belonging:
    """An account that somebody belongs to, and what they are there."""

    account: str
    role: Role
    plan: str
    source: str | None
    targets: tuple[str, ...]
    platforms_own: bool


@dataclass(frozen=True)
class Person:
    """Somebody: their id, their accounts, the first joined first, and since when a sign-in counts.

    `verified` is whether their address is known to be theirs, by a token of the time `told_at`.
    """

    id: str
    disabled: bool
    valid_after: float
    verified: bool
    told_at: float
    belongings: tuple[Belonging, ...]


class People:
    """Finds people by verified identities, and keeps what is known of them."""

    def __init__(
        self,
        open_uow: Callable[[str], UnitOfWork],
        cache: RedisCache,
        vault: Vault,
        failed: FailedSignIns,
    ):
        """`open_uow` opens a unit of work that presents an identity."""
        self._open_uow = open_uow
        self._cache = cache
        self._vault = vault
        self._failed = failed

    def find(self, identity: Identity, account: str | None = None) -> Principal:
        """Who this is, for the account asked for or else the one they joined first.

        Somebody who was never seen is recorded. Raises `CredentialEnded` for somebody who is disabled or must
        sign in again, and `AccountNotFound` for an account that they do not belong to.
        """
        person = self._remembered(identity)
        if identity.email_verified and not person.verified and identity.issued_at > person.told_at:
            # Who has just shown that an address is theirs goes on at once.
            invalidate(self._cache, [person_cache_key(identity.uid)])
            person = self._remembered(identity)
        if person.disabled:
            accounts = [belonging.account for belonging in person.belongings]
            asked = account if account in accounts else next(iter(accounts), None)
            self._failed.tell(person.id, asked, "disabled")
            raise CredentialEnded("This person is disabled.")
        if identity.auth_time < person.valid_after:
            raise CredentialEnded("The sign-in was revoked; sign in again.")
        return _principal(person, account)

    def _remembered(self, identity: Identity) -> Person:
        person = read_through(
            self._cache,
            person_cache_key(identity.uid),
            CACHE_SECONDS,
            lambda: self._load(identity),
            _encode,
            _decode,
            name="person",
        )
        assert person is not None  # noqa: S101 - somebody who is not there is recorded
        return person

    def _load(self, identity: Identity) -> Person:
        profile = self._vault.lookup_hash(_PROFILE, json.dumps(_told(identity)))
        with self._open_uow(identity.uid) as uow:
            row = _known(uow, identity.uid)
            issued = datetime.fromtimestamp(identity.issued_at, UTC)
            if row is not None and (row.profile_hash == profile or row.profile_at >= issued):
                return _person(uow, row.id)
        if row is None and not identity.issued_at:
            raise CredentialEnded("This person is not known any more.")
        # What encrypts may be far away, so no transaction waits for it.
        self._record(identity, row.id if row is not None else new_id("usr"), profile)
        with self._open_uow(identity.uid) as uow:
            row = _known(uow, identity.uid)
            if row is None:
                raise CredentialEnded("This person is not known any more.")
            return _person(uow, row.id)

    def _record(self, identity: Identity, user: str, profile: bytes) -> None:
        """Write down what a token says of somebody, unless another one said something newer meanwhile."""
        seal, address = self._vault.seal, normal_address(identity.email) if identity.email else None
        values = {
            "email": seal(ADDRESS, str(identity.email).encode(), user) if address else None,
            "email_hash": self._vault.lookup_hash(ADDRESS, address) if address else None,
            "email_verified": bool(address) and identity.email_verified,
            "name": seal(NAME, identity.name.encode(), user) if identity.name else None,
            "profile_hash": profile,
            "profile_at": datetime.fromtimestamp(identity.issued_at, UTC),
        }
        with self._open_uow(identity.uid) as uow:
            new = insert(users).values(id=user, identity=identity.uid, **values)
            uow.execute(new.on_conflict_do_nothing(index_elements=["identity"]))
            older = (users.c.id == user, users.c.profile_at < values["profile_at"])
            uow.execute(update(users).where(*older).values(**values))


def person_cache_key(uid: str) -> str:
    """Where somebody is cached by their identity; what changes them invalidates it."""
    return cache_key(uid, "person")


def normal_address(email: str) -> str:
    """An address as it is compared: the part before the @ is taken for the same in capitals, too."""
    return email.strip().casefold()


def forget_people(uow: UnitOfWork, ids: Iterable[str]) -> None:
    """After commit, look these people up anew."""
    for uid in uow.execute(select(users.c.identity).where(users.c.id.in_(list(ids)))).scalars():
        uow.stale(person_cache_key(uid))


def forget_members(uow: UnitOfWork) -> None:
    """After commit, look everybody of the unit of work's account up anew."""
    mine = select(memberships.c.user_id).where(memberships.c.account_id == uow.account)
    forget_people(uow, uow.execute(mine).scalars().all())


def revoke_tokens(uow: UnitOfWork, user: str) -> None:
    """From now on nobody is this person who signed in before; the unit of work must see them."""
    uow.execute(update(users).where(users.c.id == user).values(tokens_valid_after=clock_now()))
    forget_people(uow, [user])


def _known(uow: UnitOfWork, uid: str) -> Row[Any] | None:
    columns = (users.c.id, users.c.profile_hash, users.c.profile_at)
    return uow.execute(select(*columns).where(users.c.identity == uid)).first()


def _told(identity: Identity) -> list[object]:
    return [identity.email, identity.email_verified, identity.name]


def _person(uow: UnitOfWork, user: str) -> Person:
    uow.act_as(user)
    columns = (users.c.disabled_at, users.c.tokens_valid_after, users.c.email_verified, users.c.profile_at)
    facts = uow.execute(select(*columns).where(users.c.id == user)).one()
    after = facts.tokens_valid_after
    disabled, valid_after = facts.disabled_at is not None, after.timestamp() if after else 0.0
    told = (facts.email_verified, facts.profile_at.timestamp())
    return Person(user, disabled, valid_after, *told, belongings_of(uow, user))


def belongings_of(uow: UnitOfWork, user: str) -> tuple[Belonging, ...]:
    """The open accounts of the person that the unit of work is, the first joined first."""
    return tuple(map(_belonging, uow.execute(_BELONGINGS.where(memberships.c.user_id == user))))


_BELONGINGS: Final = (
    select(
        *(memberships.c.account_id, memberships.c.role),
        *(accounts.c.plan, accounts.c.default_source, accounts.c.default_targets),
        platform_admins.c.account_id.is_not(None).label("platforms_own"),
    )
    .join(accounts, accounts.c.id == memberships.c.account_id)
    .outerjoin(platform_admins, platform_admins.c.account_id == memberships.c.account_id)
    .where(accounts.c.deleted_at.is_(None))
    .order_by(memberships.c.joined_at, memberships.c.account_id)
)


def _belonging(row: Row[Any]) -> Belonging:
    defaults = (row.plan, row.default_source, tuple(row.default_targets))
    return Belonging(row.account_id, Role(row.role), *defaults, row.platforms_own)


def _principal(person: Person, account: str | None) -> Principal:
    if account is None and not person.belongings:
        return Principal(person.id, "", frozenset(), kind="user", user=person.id)
    belonging = next((b for b in person.belongings if account in (None, b.account)), None)
    if belonging is None:
        raise AccountNotFound()
    scopes = SCOPES_OF[belonging.role]
    if belonging.platforms_own and belonging.role is Role.OWNER:
        scopes |= {ADMIN}
    defaults = (belonging.plan, belonging.source, belonging.targets)
    return Principal(person.id, belonging.account, scopes, *defaults, kind="user", user=person.id)


def _encode(person: Person) -> bytes:
    return json.dumps(asdict(person)).encode()


def _decode(data: bytes) -> Person:
    facts = json.loads(data)
    belongings = tuple(
        Belonging(**{**b, "role": Role(b["role"]), "targets": tuple(b["targets"])})
        for b in facts.pop("belongings")
    )
    return Person(**facts, belongings=belongings)
