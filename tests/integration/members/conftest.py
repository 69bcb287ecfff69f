"""People who sign in, and the services as each of them gets them."""

from __future__ import annotations

import pytest

from shared.auth.people import People
from shared.auth.principal import Principal
from shared.auth.roles import Role
from shared.cache.redis import RedisCache
from shared.core.config import RedisSettings
from shared.mail.post import PURPOSE as MAIL
from shared.members.belonging import BelongingService
from shared.members.invitations import InvitationService
from shared.members.membership import MemberService
from shared.members.schemas import AcceptInvitation, CreateInvitation, OpenAccount, RemoveMember
from tests.integration.test_people import Signed, Vault, untold


class World:
    """People who sign in, and the services as each of them gets them."""

    def __init__(self, database):
        self.database, self.vault, self.sent, self.welcome = database, Vault(), [], 0
        cache = RedisCache(RedisSettings())
        self.people = People(lambda uid: database.uow(identity=uid), cache, self.vault, untold())

    def person(self, name: str, account: str | None = None, **facts) -> Principal:
        signed = Signed(uid=name, email=f"{name}@Example.com", name=name.title(), **facts)
        return self.people.find(signed, account)

    def own(self, operation: str, caller: Principal, *arguments):
        with self.database.uow(user=caller.user, deliver=self.sent.extend) as uow:

            def present(digest: bytes):
                return self.database.uow(key_hash=digest.hex(), user=caller.user, deliver=self.sent.extend)

            service = BelongingService(lambda: uow, present, lambda: self.welcome)
            return getattr(service, operation)(caller, *arguments)

    def open(self, caller: Principal, name: str = "Acme") -> str:
        return self.own("open", caller, OpenAccount(name=name)).id

    def members(self, operation: str, account: str, *arguments):
        with self.database.uow(account, deliver=self.sent.extend) as uow:
            service = MemberService(lambda: uow, lambda: self.database.uow(account), lambda: self.vault)
            return getattr(service, operation)(*arguments)

    def remove(self, account: str, caller: Principal, user: str, **order):
        return self.members("remove", account, caller, user, RemoveMember(**order))

    def invitations(self, operation: str, account: str, *arguments):
        with self.database.uow(account, deliver=self.sent.extend) as uow:
            service = InvitationService(
                lambda: uow,
                lambda: self.database.uow(account),
                lambda: self.vault,
                lambda: "https://app.example/",
            )
            return getattr(service, operation)(*arguments)

    def invite(self, caller: Principal, name: str, role: str = "editor") -> tuple[str, str]:
        """Invite; the invitation's id, and the token that the e-mail says."""
        order = CreateInvitation(email=f"{name}@example.com", role=Role(role))
        made = self.invitations("create", caller.account, caller, order)
        return made.id, self.token()

    def token(self) -> str:
        (row,) = self.database.rows("select id, sealed from emails order by created_at desc, id desc limit 1")
        return self.vault.open(MAIL, bytes(row.sealed), row.id).decode().partition("#invitation=")[2][:43]

    def accept(self, caller: Principal, token: str):
        return self.own("accept", caller, AcceptInvitation(token=token))

    def join(self, account: str, owner: Principal, name: str, role: str = "editor") -> Principal:
        someone = self.person(name)
        self.accept(someone, self.invite(owner, name, role)[1])
        return self.person(name, account)

    def roles(self, account: str) -> dict[str, str]:
        rows = self.database.rows("select user_id, role from memberships where account_id = :a", a=account)
        return {row.user_id: row.role for row in rows}

    def recorded(self) -> list[str]:
        return [row.action for row in self.database.rows("select action from audit_entries order by number")]


@pytest.fixture
def world(database):
    return World(database)


@pytest.fixture
def acme(world):
    """An account, and its owner."""
    account = world.open(world.person("ann"))
    return account, world.person("ann", account)
