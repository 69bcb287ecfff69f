"""The unit of work: what commits, what is dropped, in which order effects follow, and what failures mean."""

# ruff: noqa: PT012 - leaving the block is what raises
import logging
import socket
import threading

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError

from shared.auth.repository import insert_account
from shared.core.config import Misconfigured
from shared.core.config import forget as forget_settings
from shared.core.errors import OutcomeUnknown
from shared.core.ids import new_id
from shared.db.engine import engine, pool_size
from shared.db.errors import DatabaseBusy, DatabaseConflict, DatabaseDown
from shared.db.health import HealthCheck
from shared.db.unit_of_work import UnitOfWork


class Stop(Exception):
    """Something that the work itself raises."""


def names(database):
    return {name for (name,) in database.rows("select name from accounts")}


def test_leaving_cleanly_commits(database):
    account = new_id("acc")
    with database.uow(account) as uow:
        insert_account(uow, account, "kept")
        assert names(database) == set()
    assert names(database) == {"kept"}


def test_leaving_by_an_error_rolls_back_and_drops_hooks_and_effects(database):
    account, ran = new_id("acc"), []
    with pytest.raises(Stop), database.uow(account, forget=ran.extend) as uow:
        insert_account(uow, account, "lost")
        uow.before_commit(lambda: ran.append("before"))
        uow.after_commit(lambda: ran.append("after"))
        uow.stale("key")
        raise Stop
    assert names(database) == set()
    assert ran == []


def test_a_failing_hook_rolls_back_and_drops_the_effects(database):
    account, ran = new_id("acc"), []

    def fail():
        raise Stop

    with pytest.raises(Stop), database.uow(account) as uow:
        insert_account(uow, account, "lost")
        uow.after_commit(lambda: ran.append("after"))
        uow.before_commit(fail)
    assert names(database) == set()
    assert ran == []


def test_even_a_hook_that_ends_the_program_gives_the_connection_back(database):
    pool = create_engine(database.server.url("fn_app"), pool_size=1, max_overflow=0, pool_timeout=0.2)

    def end():
        raise SystemExit

    with pytest.raises(SystemExit), UnitOfWork(lambda: pool) as uow:
        uow.sql("select 1")
        uow.before_commit(end)
    with UnitOfWork(lambda: pool) as uow:
        assert uow.sql("select 1").scalar_one() == 1
    pool.dispose()


def test_a_refused_commit_rolls_back_and_drops_the_effects(database):
    """A ledger transaction that does not balance is refused at commit; only a superuser can write one."""
    account, ran = database.account(5), []
    superuser = database.server.engine("postgres")
    with pytest.raises(Exception, match="does not balance"), UnitOfWork(lambda: superuser, account) as uow:
        uow.after_commit(lambda: ran.append("after"))
        lot = uow.sql("select id from credit_lots where account_id = :a", a=account).scalar_one()
        entry = "insert into ledger_entries (transaction_id, lot, account_id, book, amount)"
        uow.sql(entry + " values (:lot, :lot, :a, 'held', 5)", lot=lot, a=account)
    assert database.rows("select held from balances") == [(0,)]
    assert ran == []


def test_hooks_run_inside_and_effects_after_the_transaction_in_order(database):
    account, ran = new_id("acc"), []
    with database.uow(account, forget=lambda keys: ran.append(tuple(keys))) as uow:
        insert_account(uow, account, "kept")
        uow.after_commit(lambda: ran.append(("effect", names(database))))
        uow.before_commit(lambda: (ran.append("hook 1"), uow.before_commit(lambda: ran.append("hook 3"))))
        uow.before_commit(lambda: ran.append(("hook 2", names(database))))
        uow.stale("a")
        uow.stale("b")
    # The cache forgets before anything else can tell somebody to read again.
    assert ran == ["hook 1", ("hook 2", set()), "hook 3", ("a", "b"), ("effect", {"kept"})]


def test_an_effect_that_fails_is_logged_and_keeps_nothing_else_from_happening(database, caplog):
    account, ran = new_id("acc"), []

    def fail():
        raise Stop

    with caplog.at_level(logging.ERROR), database.uow(account) as uow:
        insert_account(uow, account, "kept")
        uow.after_commit(fail)
        uow.after_commit(lambda: ran.append("next"))
    assert names(database) == {"kept"}
    assert ran == ["next"]
    assert [record.exc_info[0] for record in caplog.records] == [Stop]


def test_one_never_used_opens_no_connection():
    def unreachable():
        raise AssertionError("a connection was opened")

    ran = []
    with UnitOfWork(unreachable) as uow:
        uow.after_commit(lambda: ran.append("effect"))
        uow.act_for("acc_1")
    assert ran == ["effect"]


def test_the_account_may_come_later_but_never_change(database):
    a, b = database.account(), database.account()
    with database.uow() as uow:
        assert uow.sql("select id from accounts").all() == []
        uow.act_for(a)
        uow.act_for(a)
        assert uow.sql("select id from accounts").scalar_one() == a
        with pytest.raises(RuntimeError):
            uow.act_for(b)
        assert uow.sql("select id from accounts").scalar_one() == a


def test_a_lost_connection_means_that_the_database_is_down(database):
    account, ran = database.account(), []
    with pytest.raises(DatabaseDown), database.uow(account) as uow:
        uow.after_commit(lambda: ran.append("effect"))
        backend = uow.sql("select pg_backend_pid()").scalar_one()
        database.run("select pg_terminate_backend(:p)", p=backend)
        uow.sql("select 1")
    assert ran == []
    with database.uow(account) as uow:
        assert uow.sql("select 1").scalar_one() == 1


def test_a_connection_lost_at_commit_leaves_unknown_what_became_of_the_work(database):
    account, ran = new_id("acc"), []
    with pytest.raises(OutcomeUnknown), database.uow(account) as uow:
        insert_account(uow, account, "lost")
        uow.after_commit(lambda: ran.append("effect"))
        uow.after_rollback(lambda: ran.append("undone"))
        backend = uow.sql("select pg_backend_pid()").scalar_one()
        database.run("select pg_terminate_backend(:p)", p=backend)
    assert names(database) == set()
    assert ran == []


def test_nobody_listening_means_that_the_database_is_down():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    nobody = create_engine(f"postgresql+pg8000://u@127.0.0.1:{port}/x")
    with pytest.raises(DatabaseDown), UnitOfWork(lambda: nobody) as uow:
        uow.sql("select 1")


def test_too_many_connections_mean_that_the_database_is_down(database):
    database.run("alter role fn_app connection limit 0")
    refused = create_engine(database.server.url("fn_app"))
    try:
        with pytest.raises(DatabaseDown), UnitOfWork(lambda: refused) as uow:
            uow.sql("select 1")
    finally:
        database.run("alter role fn_app connection limit -1")


def test_an_exhausted_pool_means_that_the_database_is_down(database):
    small = create_engine(database.server.url("fn_app"), pool_size=1, max_overflow=0, pool_timeout=0.05)
    with UnitOfWork(lambda: small) as holder:
        holder.sql("select 1")
        with pytest.raises(DatabaseDown), UnitOfWork(lambda: small) as waiting:
            waiting.sql("select 1")
    small.dispose()


def test_a_deadlock_means_that_the_work_can_be_done_again(database, together):
    accounts, meet = [database.account(), database.account()], threading.Barrier(2)
    lock = "select pg_advisory_xact_lock(:n)"

    def work(first, second):
        with database.uow(accounts[0]) as uow:
            uow.sql(lock, n=first)
            meet.wait()
            uow.sql(lock, n=second)

    results = together(lambda: work(1, 2), lambda: work(2, 1))
    assert sorted(type(result) for result in results if result is not None) == [DatabaseConflict]


def test_a_cancelled_statement_means_that_the_work_can_be_done_again(database):
    with pytest.raises(DatabaseBusy), database.uow() as uow:
        uow.sql("set local statement_timeout = '20ms'")
        uow.sql("select pg_sleep(5)")


def test_a_broken_constraint_is_a_fault_of_ours_and_stays_what_it_is(database):
    account = database.account()
    with pytest.raises(IntegrityError), database.uow(account) as uow:
        insert_account(uow, account, "again")


def test_health_asks_the_database():
    from shared.cache.redis import RedisCache
    from shared.core.config import RedisSettings
    from shared.core.health import Unready

    nobody = create_engine("postgresql+pg8000://u@127.0.0.1:1/x")
    check = HealthCheck(lambda account: UnitOfWork(lambda: nobody, account), RedisCache(RedisSettings()))
    with pytest.raises(Unready):
        check.check()


def test_health_tells_that_redis_is_not_configured(database):
    from shared.cache.redis import RedisCache
    from shared.core.config import RedisSettings

    health = HealthCheck(database.uow, RedisCache(RedisSettings())).check()
    assert (health.status, health.database, health.cache) == ("ok", "ok", "off")


@pytest.fixture
def fresh_engine(monkeypatch):
    def forget():
        engine.cache_clear()
        forget_settings()

    monkeypatch.delenv("INSTANCE_CONNECTION_NAME", raising=False)
    forget()
    yield
    forget()


def test_the_process_engine_connects_by_url_with_a_pool_as_large_as_its_concurrency(
    database, fresh_engine, monkeypatch
):
    monkeypatch.setenv("DATABASE_URL", database.server.url("fn_app"))
    monkeypatch.setenv("CONCURRENCY", "3")
    with UnitOfWork(engine) as uow:
        assert uow.sql("select current_user").scalar_one() == "fn_app"
    assert engine().pool.size() == 3
    assert engine() is engine()
    engine().dispose()


def test_without_any_address_the_engine_says_what_is_missing(fresh_engine, monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(Misconfigured, match="DATABASE_URL"):
        engine()


def test_an_instance_holds_at_most_five_connections():
    assert [pool_size(n) for n in (1, 5, 20)] == [1, 5, 5]
