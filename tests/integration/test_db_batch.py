"""Writes that go together, savepoints, connections that died, and commits of which nobody heard."""

# ruff: noqa: PT012 - leaving the block is what raises
import contextlib
import socket
import threading

import pytest
from sqlalchemy import create_engine, insert, update

from shared.core.errors import OutcomeUnknown
from shared.core.ids import new_id
from shared.db.idempotency import Finished, IdempotencyKeys, Reserved
from shared.db.models import accounts, deadlines
from shared.db.unit_of_work import UnitOfWork


class Stop(Exception):
    """Something that the work itself raises."""


def opened(account, name):
    return insert(accounts).values(id=account, name=name).returning(accounts.c.name)


def test_writes_wait_and_go_in_one_statement(database):
    account, told = new_id("acc"), []
    with database.statements() as seen, database.uow(account) as uow:
        uow.later(opened(account, "a"), then=told.extend)
        uow.outbox.event("topic", {"n": 1})
        uow.outbox.event("topic", {"n": 2})
    assert len(seen) == 2
    assert told == [{"name": "a"}]
    assert database.value("select count(*) from outbox") == 2


def test_a_statement_sees_what_was_written_before_it(database):
    account = new_id("acc")
    with database.uow(account) as uow:
        uow.later(opened(account, "a"))
        assert uow.sql("select name from accounts").scalar_one() == "a"
        uow.later(update(accounts).values(name="b"))
        assert uow.sql("select name from accounts").scalar_one() == "b"


def test_of_two_writes_with_one_key_the_last_is_done(database):
    account = database.account()
    job = database.job(account, "es")
    row = insert(deadlines).values(job_id=job, account_id=account)
    with database.uow(account) as uow:
        for action in ("rescue", "erase"):
            uow.later(row.values(action=action, due_at=uow.now), key=job)
    assert database.value("select action from deadlines") == "erase"


def test_what_fails_inside_a_savepoint_leaves_nothing_and_the_rest_goes_on(database):
    account, sent = database.account(), []
    with database.uow(account, deliver=sent.extend) as uow:
        uow.outbox.event("kept", {})
        with pytest.raises(Stop), uow.savepoint():
            uow.outbox.event("flushed", {})
            uow.sql("update accounts set name = 'lost'")
            uow.before_commit(lambda: uow.sql("update accounts set name = 'late'"))
            uow.outbox.event("waiting", {})
            raise Stop
        uow.outbox.event("also kept", {})
    assert [effect.destination for effect in sent] == ["kept", "also kept"]
    assert database.rows("select destination from outbox order by id") == [("kept",), ("also kept",)]
    assert database.value("select name from accounts") == "Somebody"


def test_work_that_a_hook_refuses_is_undone_for_certain(database):
    ran = []

    def refuse():
        raise Stop

    with pytest.raises(Stop), database.uow(database.account()) as uow:
        uow.after_rollback(lambda: ran.append("undone"))
        uow.before_commit(refuse)
    assert ran == ["undone"]


def test_a_pooled_connection_that_died_is_replaced(database):
    account = database.account()
    pool = create_engine(database.server.url("fn_app"), pool_size=1, max_overflow=0)
    with UnitOfWork(lambda: pool, account) as uow:
        backend = uow.sql("select pg_backend_pid()").scalar_one()
    database.run("select pg_terminate_backend(:p)", p=backend)
    with UnitOfWork(lambda: pool, account) as uow:
        assert uow.sql("select id from accounts").scalar_one() == account
    pool.dispose()


class Line:
    """A TCP line to the server that breaks at COMMIT: at the request, or at the answer."""

    def __init__(self, port, *, committed):
        self._server, self.broke = ("127.0.0.1", port), False
        self._last = (None, b"COMMIT\0") if committed else (b"commit", None)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                for way in ((client, server, self._last[0]), (server, client, self._last[1])):
                    threading.Thread(target=self._pump, args=way, daemon=True).start()

    def _pump(self, source, sink, last):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if last and last in data:
                    self.broke = True
                    break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        self._listener.close()


@pytest.mark.parametrize("committed", [True, False])
def test_a_key_tells_what_became_of_a_commit_that_nobody_heard_of(database, committed):
    account, ran = database.account(), []
    line = Line(database.server.port, committed=committed)
    broken = create_engine(f"postgresql+pg8000://fn_app@127.0.0.1:{line.port}/imangor")
    keys = IdempotencyKeys("key_1", lambda: database.uow(account), lambda: uow)
    reserved = keys.reserve("create", "k", "f")
    with pytest.raises(OutcomeUnknown), UnitOfWork(lambda: broken, account) as uow:
        uow.sql("update accounts set name = 'done'")
        uow.after_commit(lambda: ran.append("effect"))
        uow.after_rollback(lambda: ran.append("undone"))
        keys.finish(reserved, 201, {}, b"done")
    assert line.broke
    assert ran == []
    keys.abandon(reserved)
    outcome = keys.reserve("create", "k", "f")
    assert isinstance(outcome, Finished if committed else Reserved)
    assert database.value("select name from accounts") == ("done" if committed else "Somebody")
    line.close()
