"""Who a verified identity is, what their role lets them do, and that an account keeps an owner."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from sqlalchemy.exc import DBAPIError

from shared.auth.errors import AccountNotFound
from shared.auth.failed_sign_ins import FailedSignIns
from shared.auth.people import People, forget_members, person_cache_key, revoke_tokens
from shared.auth.roles import SCOPES_OF, Role
from shared.cache.rate_limit import RateLimiter
from shared.cache.redis import RedisCache
from shared.core.config import RedisSettings
from shared.core.errors import Unauthenticated
from shared.core.scopes import ADMIN, SCOPES
from shared.db.errors import diagnostics

NOW = 2_000_000_000


@dataclass(frozen=True)
class Signed:
    uid: str = "uid-1"
    email: str | None = "Ann@Example.com"
    email_verified: bool = True
    name: str | None = "Ann"
    auth_time: int = NOW
    issued_at: int = NOW


class Vault:
    """Turns bytes around, which is enough to see what was sealed, and for whom."""

    def seal(self, purpose: str, plaintext: bytes, context: str) -> bytes:
        return f"{purpose}:{context}:".encode() + plaintext[::-1]

    def open(self, purpose: str, sealed: bytes, context: str) -> bytes:
        head = f"{purpose}:{context}:".encode()
        assert sealed.startswith(head)
        return sealed[len(head) :][::-1]

    def lookup_hash(self, purpose: str, value: str) -> bytes:
        return hashlib.sha256(f"{purpose}:{value}".encode()).digest()


def untold() -> FailedSignIns:
    """Without a Redis nothing is told of sign-ins that failed."""
    return FailedSignIns(RateLimiter(RedisCache(RedisSettings())), lambda **_: None, lambda key: None)


@pytest.fixture
def people(database) -> People:
    return People(lambda uid: database.uow(identity=uid), RedisCache(RedisSettings()), Vault(), untold())


@pytest.fixture
def join(database) -> Callable[..., None]:
    """Makes somebody a member."""

    def join(account: str, user: str, role: str = "owner") -> None:
        statement = "insert into memberships (account_id, user_id, role) values (:a, :u, :r)"
        database.run(statement, a=account, u=user, r=role)

    return join


def test_somebody_who_was_never_seen_is_recorded_once_and_belongs_to_nothing(database, people):
    found = people.find(Signed())
    assert (found.kind, found.user, found.account, found.scopes) == ("user", found.id, "", frozenset())
    assert people.find(Signed()).id == found.id
    (row,) = database.rows("select * from users")
    assert bytes(row.email) == f"email:{found.id}:".encode() + b"moc.elpmaxE@nnA"
    assert bytes(row.email_hash) == Vault().lookup_hash("email", "ann@example.com")
    assert row.email_verified


def test_what_a_newer_token_says_is_kept_and_what_an_older_one_says_is_not(database, people):
    user = people.find(Signed()).id
    newer = Signed(email="ann@work.example", issued_at=NOW + 60)
    people.find(newer)
    people.find(replace(newer, email="old@example.com", issued_at=NOW + 30))
    assert bytes(database.value("select email from users")).endswith(b"elpmaxe.krow@nna")
    people.find(Signed(email=None, name=None, email_verified=True, issued_at=NOW + 90))
    (row,) = database.rows("select * from users")
    assert (row.id, row.email, row.email_hash, row.email_verified, row.name) == (
        user,
        None,
        None,
        False,
        None,
    )


@pytest.mark.parametrize("role", Role)
def test_a_person_may_do_what_their_role_may(database, people, join, role):
    join(account := database.account(), people.find(Signed()).id, role)
    found = people.find(Signed())
    assert (found.account, found.plan, found.scopes) == (account, "standard", SCOPES_OF[role])


def test_each_role_may_do_all_that_the_one_before_may_and_none_is_the_platforms_own():
    viewer, editor, owner = (SCOPES_OF[role] for role in Role)
    assert viewer < editor < owner == set(SCOPES)
    assert all(word.endswith(":read") for word in viewer)
    assert ADMIN not in owner


def test_of_several_accounts_the_first_joined_or_the_one_asked_for_counts(database, people, join):
    user, first, second = people.find(Signed()).id, database.account(), database.account()
    join(first, user, "viewer")
    join(second, user, "owner")
    assert people.find(Signed()).account == first
    assert people.find(Signed(), second).scopes == set(SCOPES)
    for foreign in (database.account(), "", "acc_x"):
        with pytest.raises(AccountNotFound):
            people.find(Signed(), foreign)


def test_a_closed_account_is_none(database, people, join):
    join(account := database.account(), people.find(Signed()).id)
    database.run("update accounts set deleted_at = clock_now()")
    assert people.find(Signed()).account == ""
    with pytest.raises(AccountNotFound):
        people.find(Signed(), account)


def test_only_owners_of_the_platforms_own_account_are_admins_and_only_there(database, people, join):
    user, operators, other = people.find(Signed()).id, database.account(), database.account()
    join(operators, user, "editor")
    join(other, user, "owner")
    database.run("insert into platform_admins (account_id) values (:a)", a=operators)
    assert ADMIN not in people.find(Signed(), operators).scopes | people.find(Signed(), other).scopes
    database.run("update memberships set role = 'owner'")
    assert ADMIN in people.find(Signed(), operators).scopes
    assert ADMIN not in people.find(Signed(), other).scopes


def test_somebody_disabled_is_nobody(database, people, join):
    join(database.account(), people.find(Signed()).id)
    database.run("update users set disabled_at = clock_now()")
    with pytest.raises(Unauthenticated):
        people.find(Signed())


def test_sign_ins_before_the_revocation_do_not_count(database, people):
    user, forgotten = people.find(Signed()).id, []
    with database.uow(user=user, forget=forgotten.extend) as uow:
        revoke_tokens(uow, user)
    moment = int(database.value("select tokens_valid_after from users").timestamp())
    assert forgotten == [person_cache_key("uid-1")]
    with pytest.raises(Unauthenticated, match="sign in again"):
        people.find(Signed(auth_time=moment))
    assert people.find(Signed(auth_time=moment + 1)).id == user


def test_a_change_of_an_account_forgets_all_of_its_people(database, people, join):
    account, forgotten = database.account(), []
    for uid in ("uid-1", "uid-2", "uid-3"):
        user = people.find(Signed(uid=uid)).id
        join(database.account() if uid == "uid-3" else account, user)
    with database.uow(account, forget=forgotten.extend) as uow:
        forget_members(uow)
    assert sorted(forgotten) == [person_cache_key("uid-1"), person_cache_key("uid-2")]


LEAVE = "delete from memberships where account_id = :a and user_id = :u"
LOWER = "update memberships set role = 'editor' where account_id = :a and user_id = :u"


def _refused(work: Callable[[], object]) -> bool:
    try:
        work()
    except DBAPIError as error:
        return diagnostics(error)["C"] == "IM030"
    return False


@pytest.mark.parametrize("statement", [LEAVE, LOWER])
def test_the_last_owner_stays(database, people, join, statement):
    account, one, two = database.account(), *(people.find(Signed(uid=uid)).id for uid in ("1", "2"))
    join(account, one)
    join(account, two, "editor")

    def go(user: str) -> bool:
        def work() -> None:
            with database.uow(account) as uow:
                uow.sql(statement, a=account, u=user)

        return _refused(work)

    assert go(one)
    database.run("update memberships set role = 'owner'")
    database.run("update users set disabled_at = clock_now() where id = :u", u=two)
    assert go(one), "an owner who cannot sign in is none"
    database.run("update users set disabled_at = null")
    assert not go(one)
    assert go(two)


def test_of_two_owners_who_leave_at_once_one_stays(database, people, join):
    account = database.account()
    owners = [people.find(Signed(uid=uid)).id for uid in ("1", "2")]
    for user in owners:
        join(account, user)
    ready, left = threading.Barrier(2), []

    def leave(user: str) -> None:
        def work() -> None:
            with database.uow(account) as uow:
                uow.sql(LEAVE, a=account, u=user)
                # Without the lock both come here before either commits.
                with contextlib.suppress(threading.BrokenBarrierError):
                    ready.wait(0.5)

        left.append(not _refused(work))

    threads = [threading.Thread(target=leave, args=(user,)) for user in owners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(left) == [False, True]
    assert len(database.rows("select * from memberships")) == 1
