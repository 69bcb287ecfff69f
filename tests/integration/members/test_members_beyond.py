"""What the identity service is told of people, and what the platform's own do about them."""

from __future__ import annotations

import pytest

from shared.auth.errors import AccountNotFound
from shared.auth.principal import Principal
from shared.auth.roles import Role
from shared.core.actor import Actor
from shared.core.errors import Unauthenticated
from shared.core.ids import new_id
from shared.core.scopes import ADMIN
from shared.members import errors
from shared.members.administration import UserAdministration
from shared.members.messages import SyncIdentity
from shared.members.schemas import ChangeRole, UserFilter
from shared.members.syncing import CLAIM, IdentitySync, StillChanging


class Directory:
    """Keeps what it is told; `meanwhile` happens while it is told."""

    def __init__(self, meanwhile=lambda: None):
        self.claims, self.disabled, self.revoked = None, None, 0
        self._meanwhile = meanwhile

    def set_claims(self, uid, claims):
        self._meanwhile()
        self.claims = claims

    def set_disabled(self, uid, disabled):
        self.disabled = disabled

    def revoke(self, uid):
        self.revoked += 1


def sync(world, user, directory):
    task = SyncIdentity(account="acc_1", user=user)
    IdentitySync(lambda user: world.database.uow(user=user), lambda: directory).sync(task)


def test_the_identity_service_is_told_what_the_database_says(world, acme, database):
    account, ann = acme
    directory = Directory()
    directory.claims = {CLAIM: {"acc_forged": "owner"}}
    sync(world, ann.user, directory)
    assert (directory.claims, directory.disabled) == ({CLAIM: {account: "owner"}}, False)
    database.run("update users set disabled_at = clock_now()")
    sync(world, ann.user, directory)
    assert (directory.disabled, directory.revoked) == (True, 1)
    sync(world, new_id("usr"), Directory())


def test_what_changes_while_it_is_told_is_told_again(world, acme):
    account, ann = acme
    bob = world.join(account, ann, "bob", "viewer")
    roles = iter([Role.EDITOR, Role.VIEWER, Role.EDITOR])

    def change() -> None:
        if role := next(roles, None):
            world.members("change_role", account, ann, bob.user, ChangeRole(role=role))

    directory = Directory(change)
    sync(world, bob.user, directory)
    assert directory.claims == {CLAIM: {account: "editor"}}
    flips = iter([Role.VIEWER, Role.EDITOR] * 9)

    def flip() -> None:
        world.members("change_role", account, ann, bob.user, ChangeRole(role=next(flips)))

    with pytest.raises(StillChanging):
        sync(world, bob.user, Directory(flip))


@pytest.fixture
def admin(world, database):
    """Runs an operation of the platform's people, as the system's role."""
    operator = Principal("key_admin", database.account(), frozenset({ADMIN}), key="key_admin")

    def run(operation: str, *arguments):
        def open_uow(account):
            actor = Actor("key", operator.id, operator.account)
            options = {"deliver": world.sent.extend, "actor": lambda: actor}
            return database.uow(account, system=True, **options)

        return getattr(UserAdministration(open_uow, lambda: world.vault), operation)(operator, *arguments)

    return run


def test_admins_find_people_by_address_account_and_id(world, acme, admin):
    account, ann = acme
    bob = world.join(account, ann, "bob", "viewer")
    for query in ({"email": "BOB@example.com"}, {"id": bob.user}, {"id": bob.user, "account": account}):
        (found,) = admin("find", UserFilter(**query)).users
        assert (found.id, found.email, found.name) == (bob.user, "bob@Example.com", "Bob")
        assert [(each.account, each.role) for each in found.accounts] == [(account, "viewer")]
    assert {u.id for u in admin("find", UserFilter(account=account)).users} == {ann.user, bob.user}
    assert admin("find", UserFilter(email="bob")).users == []


def test_who_is_disabled_is_nobody_until_enabled_and_signed_in_again(world, acme, admin):
    _, ann = acme
    world.sent.clear()
    assert admin("disable", ann.user).disabled_at is not None
    with pytest.raises(Unauthenticated):
        world.person("ann")
    assert [(e.destination, e.payload["user"]) for e in world.sent] == [("sync_identity", ann.user)]
    assert admin("enable", ann.user).disabled_at is None
    with pytest.raises(Unauthenticated, match="sign in again"):
        world.person("ann", auth_time=1_700_000_000)
    assert world.person("ann").user == ann.user
    assert world.recorded()[-2:] == ["user.disabled", "user.enabled"]
    with pytest.raises(errors.UserNotFound):
        admin("disable", new_id("usr"))


def test_sign_ins_are_ended_without_disabling(world, acme, admin):
    _, ann = acme
    assert admin("revoke", ann.user).disabled_at is None
    with pytest.raises(Unauthenticated):
        world.person("ann", auth_time=1_700_000_000)
    assert world.recorded()[-1] == "tokens.revoked"


def test_admins_set_roles_but_leave_an_owner(world, acme, admin, database):
    account, ann = acme
    bob = world.join(account, ann, "bob", "viewer")
    assert admin("set_role", account, bob.user, ChangeRole(role=Role.OWNER)).role == "owner"
    admin("set_role", account, ann.user, ChangeRole(role=Role.VIEWER))
    with pytest.raises(errors.LastOwner):
        admin("set_role", account, bob.user, ChangeRole(role=Role.VIEWER))
    with pytest.raises(errors.MemberNotFound):
        admin("set_role", database.account(), bob.user, ChangeRole(role=Role.VIEWER))
    with pytest.raises(AccountNotFound):
        admin("set_role", new_id("acc"), bob.user, ChangeRole(role=Role.VIEWER))
    kinds = database.rows("select chain, actor_kind from audit_entries where action = 'role.changed'")
    assert {tuple(row) for row in kinds} == {(account, "admin"), ("platform", "admin")}
