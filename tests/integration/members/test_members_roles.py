"""Who belongs to an account, and what they are there."""

from __future__ import annotations

import pytest

from shared.auth.errors import AccountNotFound
from shared.auth.principal import Principal
from shared.auth.roles import Role
from shared.core.ids import new_id
from shared.members import errors
from shared.members.schemas import ChangeRole, RemoveMember


def test_members_are_shown_with_names_and_addresses(world, acme):
    account, ann = acme
    bob = world.join(account, ann, "bob", "viewer")
    shown = [(m.id, m.role, m.email, m.name) for m in world.members("all", account).members]
    assert shown == [
        (ann.user, "owner", "ann@Example.com", "Ann"),
        (bob.user, "viewer", "bob@Example.com", "Bob"),
    ]


def test_a_role_changes_what_somebody_may(world, acme):
    account, ann = acme
    bob = world.join(account, ann, "bob", "viewer")
    assert "jobs:write" not in bob.scopes
    changed = world.members("change_role", account, ann, bob.user, ChangeRole(role=Role.EDITOR))
    assert (changed.id, changed.role) == (bob.user, "editor")
    assert "jobs:write" in world.person("bob", account).scopes
    world.members("change_role", account, ann, bob.user, ChangeRole(role=Role.EDITOR))
    assert world.recorded().count("role.changed") == 1
    for stranger in (new_id("usr"), world.person("eve").user):
        with pytest.raises(errors.MemberNotFound):
            world.members("change_role", account, ann, stranger, ChangeRole(role=Role.OWNER))
        with pytest.raises(errors.MemberNotFound):
            world.remove(account, ann, stranger)


def test_the_last_owner_is_neither_removed_nor_lowered_nor_leaves(world, acme):
    account, ann = acme
    with pytest.raises(errors.LastOwner):
        world.remove(account, ann, ann.user)
    with pytest.raises(errors.LastOwner):
        world.members("change_role", account, ann, ann.user, ChangeRole(role=Role.EDITOR))
    with pytest.raises(errors.LastOwner):
        world.own("leave", ann, account)
    assert world.roles(account) == {ann.user: "owner"}
    bob = world.join(account, ann, "bob", "owner")
    world.own("leave", ann, account)
    assert world.roles(account) == {bob.user: "owner"}
    with pytest.raises(AccountNotFound):
        world.own("leave", ann, account)


def test_only_who_may_decide_of_owners_does(world, acme):
    account, ann = acme
    bob = world.join(account, ann, "bob", "editor")
    key = Principal("key_1", account, frozenset({"members:read", "members:write"}))
    with pytest.raises(errors.OwnersOnly):
        world.members("change_role", account, key, bob.user, ChangeRole(role=Role.OWNER))
    with pytest.raises(errors.OwnersOnly):
        world.remove(account, key, ann.user)
    with pytest.raises(errors.OwnersOnly):
        world.invite(key, "eve", "owner")
    world.members("change_role", account, key, bob.user, ChangeRole(role=Role.VIEWER))
    world.remove(account, key, bob.user)


def test_nothing_of_another_account_is_seen_or_changed(world, acme):
    account, ann = acme
    bob = world.join(account, ann, "bob")
    ident, _ = world.invite(ann, "carl")
    other = world.open(eve := world.person("eve"))
    eve = world.person("eve", other)
    assert [m.id for m in world.members("all", other).members] == [eve.user]
    assert world.invitations("open", other).invitations == []
    for operation, arguments in (
        ("change_role", (eve, bob.user, ChangeRole(role=Role.OWNER))),
        ("remove", (eve, bob.user, RemoveMember())),
    ):
        with pytest.raises(errors.MemberNotFound):
            world.members(operation, other, *arguments)
    for operation, arguments in (("revoke", (ident,)), ("resend", (eve, ident))):
        with pytest.raises(errors.InvitationNotFound):
            world.invitations(operation, other, *arguments)
    with pytest.raises(AccountNotFound):
        world.own("leave", eve, account)
