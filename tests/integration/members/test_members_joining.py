"""Accounts that people open, and invitations to them."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from shared.mail.errors import NoAddress
from shared.members import errors
from shared.members.belonging import MOST_ACCOUNTS
from shared.members.schemas import CreateInvitation
from shared.members.upkeep import forget_ended


def test_who_opens_an_account_owns_it(world):
    account = world.open(ann := world.person("ann"))
    assert world.roles(account) == {ann.user: "owner"}
    assert world.person("ann").account == account
    (mine,) = world.own("all", ann).accounts
    assert (mine.id, mine.name, mine.role) == (account, "Acme", "owner")
    assert [effect.destination for effect in world.sent] == ["sync_identity"]
    assert world.recorded() == ["account.opened"]


def test_nobody_opens_one_with_an_address_that_may_not_be_theirs(world):
    for facts in ({"email_verified": False}, {"email_verified": False, "issued_at": 2_000_000_100}):
        with pytest.raises(errors.EmailNotVerified):
            world.open(world.person("eve", **facts))


def test_nobody_opens_accounts_without_end(world):
    ann = world.person("ann")
    for _ in range(MOST_ACCOUNTS):
        world.open(ann)
    with pytest.raises(errors.TooManyAccounts):
        world.open(ann)


def test_welcome_credits_come_once_a_person_also_when_two_accounts_are_opened_at_once(world, database):
    world.welcome, ann, bob = 25, world.person("ann"), world.person("bob")
    threads = [threading.Thread(target=world.open, args=(ann,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.open(bob)
    grants = database.rows("select reference, amount from ledger_transactions order by reference")
    assert sorted(map(tuple, grants)) == sorted((f"welcome:{who.user}", 25) for who in (ann, bob))
    assert len(world.own("all", ann).accounts) == 3


def test_an_invitation_makes_its_address_a_member_once(world, acme):
    account, ann = acme
    _, token = world.invite(ann, "bob")
    bob = world.person("bob")
    for _ in range(2):
        joined = world.accept(bob, token)
        assert (joined.id, joined.role) == (account, "editor")
    assert world.roles(account) == {ann.user: "owner", bob.user: "editor"}
    assert world.invitations("open", account).invitations == []
    assert world.recorded()[1:] == ["invitation.created", "invitation.accepted", "member.added"]
    world.remove(account, ann, bob.user)
    with pytest.raises(errors.InvitationEnded):
        world.accept(bob, token)


def test_an_invitation_is_for_its_address_alone_and_that_must_be_verified(world, acme):
    account, ann = acme
    _, token = world.invite(ann, "bob")
    with pytest.raises(errors.InvitationForAnother):
        world.accept(world.person("eve"), token)
    with pytest.raises(errors.EmailNotVerified):
        world.accept(world.person("bob", email_verified=False), token)
    with pytest.raises(errors.InvitationNotFound):
        world.accept(world.person("bob", issued_at=2_000_000_100), "x" * 43)
    assert list(world.roles(account)) == [ann.user]
    world.accept(world.person("bob"), token)


def test_an_invitation_ends_with_its_time_or_when_it_is_taken_back(world, acme, database):
    account, ann = acme
    ident, token = world.invite(ann, "bob")
    world.invitations("revoke", account, ident)
    with pytest.raises(errors.InvitationNotFound):
        world.invitations("revoke", account, ident)
    with pytest.raises(errors.InvitationEnded):
        world.accept(world.person("bob"), token)
    _, token = world.invite(ann, "bob")
    database.move_clock(timedelta(days=7, seconds=1))
    with pytest.raises(errors.InvitationEnded):
        world.accept(world.person("bob"), token)
    assert [each.state for each in world.invitations("open", account).invitations] == ["expired"]
    world.accept(world.person("bob"), world.invite(ann, "bob")[1])


def test_an_invitation_sent_again_has_another_token_and_more_time(world, acme, database):
    account, ann = acme
    ident, first = world.invite(ann, "bob")
    database.move_clock(timedelta(days=6))
    again = world.invitations("resend", account, ann, ident)
    assert (again.id, again.email) == (ident, "bob@example.com")
    database.move_clock(timedelta(days=8))
    with pytest.raises(errors.InvitationNotFound):
        world.accept(world.person("bob"), first)
    assert world.accept(world.person("bob"), world.token()).id == account
    with pytest.raises(errors.InvitationNotFound):
        world.invitations("resend", account, ann, ident)


def test_who_is_there_or_invited_is_not_invited_again(world, acme):
    _, ann = acme
    with pytest.raises(errors.AlreadyMember):
        world.invite(ann, "ANN")
    world.invite(ann, "bob")
    with pytest.raises(errors.AlreadyInvited):
        world.invite(ann, "Bob")
    for wrong in ("bob", "bob@x", "bob@example.com, eve@example.com"):
        with pytest.raises(NoAddress):
            world.invitations("create", ann.account, ann, CreateInvitation(email=wrong))


def test_ended_invitations_and_emails_are_forgotten_after_a_while(world, acme, database):
    _, ann = acme
    world.invite(ann, "bob")
    database.run("update emails set state = 'sent', sealed = null, finished_at = clock_now()")

    def left() -> list[int]:
        forget_ended(lambda account: database.uow(account, system=True))
        return [len(database.rows(f"select 1 from {table}")) for table in ("invitations", "emails")]  # noqa: S608

    database.move_clock(timedelta(days=29))
    assert left() == [1, 1]
    database.move_clock(timedelta(days=31))
    assert left() == [1, 0]
    database.move_clock(timedelta(days=38))
    assert left() == [0, 0]
