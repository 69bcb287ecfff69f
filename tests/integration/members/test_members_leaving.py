"""What stays of somebody who leaves an account or may do less in it: their keys, if they are wanted."""

from __future__ import annotations

import secrets

import pytest

from shared.auth.made_keys import keys_made_by
from shared.auth.principal import Principal
from shared.auth.repository import insert_key
from shared.auth.roles import Role
from shared.core.errors import Forbidden
from shared.core.ids import new_id
from shared.members.schemas import ChangeRole


@pytest.fixture
def make_key(database):
    """Makes a key as somebody would have."""

    def make(account: str, maker: str, *scopes: str, **columns) -> str:
        ident = new_id("key")
        with database.uow(account) as uow:
            insert_key(uow, ident, "k", "h", secrets.token_bytes(8), [*scopes], created_by=maker, **columns)
        return ident

    return make


@pytest.fixture
def bob(world, acme):
    account, ann = acme
    return world.join(account, ann, "bob", "owner")


def revoked(database) -> set[str]:
    return {row.id for row in database.rows("select id from api_keys where revoked_at is not null")}


def test_keys_of_somebody_who_is_removed_stay_and_are_named(world, acme, bob, make_key, database):
    account, ann = acme
    mine, theirs = make_key(account, ann.user, "jobs:read"), make_key(account, bob.user, "keys:write")
    made_by_it = make_key(account, theirs, "jobs:read")
    gone = world.remove(account, ann, bob.user)
    assert (gone.id, gone.keys, gone.keys_revoked) == (bob.user, [theirs, made_by_it], False)
    assert revoked(database) == set()
    assert mine not in gone.keys


def test_keys_of_somebody_who_is_removed_are_revoked_if_it_is_asked_for(world, acme, bob, make_key, database):
    account, ann = acme
    make_key(account, ann.user, "jobs:read")
    theirs = make_key(account, bob.user, "keys:write")
    made_by_it = make_key(account, theirs, "jobs:read")
    gone = world.remove(account, ann, bob.user, keys="revoke")
    assert gone.keys_revoked
    assert revoked(database) == {theirs, made_by_it}
    assert world.recorded()[-3:] == ["member.removed", "key.revoked", "key.revoked"]


def test_a_lower_role_names_and_revokes_the_keys_that_may_do_more(world, acme, bob, make_key, database):
    account, ann = acme
    reader, writer = (make_key(account, bob.user, f"jobs:{what}") for what in ("read", "write"))

    def lower(role: Role, what: str):
        return world.members("change_role", account, ann, bob.user, ChangeRole(role=role, keys=what))

    assert lower(Role.EDITOR, "keep").keys == []
    kept = lower(Role.VIEWER, "keep")
    assert (kept.keys, kept.keys_revoked) == ([writer], False)
    assert lower(Role.VIEWER, "revoke").keys_revoked
    assert revoked(database) == {writer}
    assert reader not in revoked(database)


def test_keys_are_revoked_only_by_who_may(world, acme, make_key, database):
    account, ann = acme
    bob = world.join(account, ann, "bob", "editor")
    make_key(account, bob.user, "jobs:read")
    key = Principal("key_1", account, frozenset({"members:write"}))
    with pytest.raises(Forbidden):
        world.remove(account, key, bob.user, keys="revoke")
    assert world.roles(account)[bob.user] == "editor"
    assert len(world.remove(account, key, bob.user).keys) == 1


def test_keys_that_have_ended_and_those_of_other_accounts_are_not_named(world, acme, bob, make_key, database):
    account, ann = acme
    make_key(account, bob.user, "jobs:read", expires_at=world_start(database))
    elsewhere = world.open(bob)
    other = make_key(elsewhere, bob.user, "jobs:read")
    for system in (False, True):
        with database.uow(account, system=system) as uow:
            assert keys_made_by(uow, bob.user) == []
    world.remove(account, ann, bob.user, keys="revoke")
    assert other not in revoked(database)


def world_start(database):
    return database.value("select clock_now()")


@pytest.mark.parametrize("leaves", [False, True])
def test_grants_end_with_the_membership_and_do_not_come_back_with_it(world, acme, bob, database, leaves):
    account, ann = acme
    statement = (
        "insert into oauth_grants (id, account_id, user_id, client_id, redirect_uri, challenge, scopes,"
        " code_hash, code_expires_at, expires_at) select :id, :account, :user, 'c', 'u', 'c', '{}',"
        " convert_to(:id, 'UTF8'), clock_now(), clock_now() + interval '1 day'"
    )
    for ident, user in (("gra_1", bob.user), ("gra_2", ann.user)):
        database.run(statement, id=ident, account=account, user=user)
    if leaves:
        world.own("leave", bob, account)
    else:
        world.remove(account, ann, bob.user)
    ended = database.rows("select id from oauth_grants where revoked_at is not null")
    assert [row.id for row in ended] == ["gra_1"]
