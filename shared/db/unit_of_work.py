"""One transaction and what follows it. The only place that commits.

Leaving the block cleanly runs the before-commit hooks, commits, and then runs the after-commit effects;
leaving it by an exception rolls back and drops both. When the connection is lost while it commits, nobody
knows what became of the work, so neither effects nor undoing follow.

The account stands in the transaction's own setting `app.account`, which the row-level security policies read;
without it no tenant's row is visible, and with `app.visitor` only that visitor's jobs. A person's own rows,
which belong to no account, are visible by `app.user`, or by `app.identity` where they are not known yet.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache, cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from shared.core.actor import SYSTEM, Actor
from shared.core.errors import OutcomeUnknown
from shared.core.tracing import Kind, span
from shared.db.batch import Then, WriteBatch
from shared.db.errors import DatabaseDown, refused, translate
from shared.db.outbox import Deliver, Outbox
from shared.db.pool import connected

if TYPE_CHECKING:
    from sqlalchemy import Connection, CursorResult, Engine, Executable, TextClause

    from shared.db.batch import Write

_log = logging.getLogger(__name__)
# The limits keep one stuck or frozen instance from holding an account's rows against everybody.
BIND = """select set_config('app.account', :account, true), set_config('app.key_hash', :key_hash, true),
  set_config('app.user', :user, true), set_config('app.identity', :identity, true),
  set_config('app.visitor', :visitor, true),
  set_config('lock_timeout', '5s', true), set_config('statement_timeout', '30s', true),
  set_config('idle_in_transaction_session_timeout', '60s', true), clock_now()"""


class UnitOfWork:
    """A transaction that begins with its first statement, so that one never used costs no connection."""

    def __init__(
        self,
        engine: Callable[[], Engine],
        account: str | None = None,
        key_hash: str | None = None,
        deliver: Deliver = lambda effects: None,
        forget: Callable[[list[str]], None] = lambda keys: None,
        *,
        user: str | None = None,
        identity: str | None = None,
        visitor: str | None = None,
        actor: Callable[[], Actor] = lambda: SYSTEM,
    ):
        """`account` may come later by `act_for`; `key_hash` lets the caller see the key, or the invitation,
        that it presents. `user` and `identity` are the person whose own rows are seen, `visitor` who alone of
        the account's visitors it is for.

        `deliver` sends the outbox's effects and `forget` drops cache keys, both after commit. `actor` tells
        who is at work, for the audit log.
        """
        self._engine = engine
        self._deliver = deliver
        self._forget = forget
        self._actor = actor
        self._stale: list[str] = []
        self._connection: Connection | None = None
        self._batch = WriteBatch()
        self._before: list[Callable[[], None]] = []
        self._after: list[Callable[[], None]] = []
        self._undo: list[Callable[[], None]] = []
        self._key_hash = key_hash or ""
        self._identity = identity or ""
        self._visitor = visitor or ""
        self._now: datetime | None = None
        self.account = account
        self.user = user

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        failure = error if error is not None else self._finish()
        self._close(rollback=failure is not None)
        if failure is None:
            _run([lambda: self._forget(self._stale)] if self._stale else [])
            _run(self._after)
            return
        if error is not None or not isinstance(failure, OutcomeUnknown):
            _run(self._undo)
        ours = translate(failure)
        if ours is not None:
            raise ours from failure
        if error is None:
            raise failure

    def act_for(self, account: str) -> None:
        """Work under this account from the next statement on. A unit of work never changes accounts."""
        if self.account not in (None, account):
            raise RuntimeError("a unit of work belongs to one account")
        self.account = account
        if self._connection is not None:
            self._bind(self._connection)

    def act_as(self, user: str) -> None:
        """Be this person from the next statement on. A unit of work never changes persons."""
        if self.user not in (None, user):
            raise RuntimeError("a unit of work belongs to one person")
        self.user = user
        if self._connection is not None:
            self._bind(self._connection)

    @property
    def actor(self) -> Actor:
        """Who is at work."""
        return self._actor()

    @property
    def connection(self) -> Connection:
        """The connection, with the transaction begun, the account set and nothing waiting."""
        self.flush()
        if self._connection is None:
            self._connection = self._begin()
        return self._connection

    @property
    def now(self) -> datetime:
        """The database's time when the transaction began."""
        if self._now is None:
            self._connection = self._begin()
        assert self._now is not None  # noqa: S101 - set with the connection
        return self._now

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run one statement in the transaction, after those that wait."""
        return self.connection.execute(statement, parameters)

    def sql(self, statement: str, **parameters: object) -> CursorResult[Any]:
        """Run one statement written in SQL, with `:name` parameters."""
        return self.connection.execute(_text(statement), parameters)

    def later(
        self,
        write: Write,
        parameters: dict[str, Any] | None = None,
        then: Then | None = None,
        key: Hashable = None,
    ) -> None:
        """Do a write in one statement with others, before the next statement or the commit.

        `write` is built once for the process. The names of its `parameters` are its own and begin with `p_`,
        because SQLAlchemy takes one that is named like a column for that column's value. `then` is given the
        rows that it returns, as JSON has them. It must not touch a row that another waiting write touches;
        one with the same `key` takes its place.
        """
        if self._batch.clashes(parameters or {}, key):
            self.flush()
        self._batch.add(write, parameters or {}, then, key)

    def waits(self, key: Hashable) -> bool:
        """Whether a write with this key is waiting."""
        return key in self._batch

    def flush(self) -> None:
        """Send what waits."""
        if not self._batch:
            return
        statement, parameters, wanted = self._batch.take()
        columns = self.connection.execute(statement, parameters).one()
        for then, rows in zip(wanted, columns, strict=False):
            then(rows or [])

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part of the work that may fail alone: by an exception its writes and hooks are undone."""
        connection = self.connection
        hooks, effects = list(self._before), list(self._after)
        with connection.begin_nested():
            try:
                yield
                self.flush()
            except BaseException:
                self._batch.clear()
                self._before, self._after = hooks, effects
                raise

    @cached_property
    def outbox(self) -> Outbox:
        """Effects that leave after commit and are not lost by a crash."""
        return Outbox(self, self._deliver)

    def stale(self, key: str) -> None:
        """After commit, before anything else follows, forget what the cache holds under `key`."""
        self._stale.append(key)

    def before_commit(self, hook: Callable[[], None]) -> None:
        """Run `hook` inside the transaction, just before it commits; hooks may add hooks."""
        self._before.append(hook)

    def after_commit(self, effect: Callable[[], None]) -> None:
        """Run `effect` once the transaction is committed. It may be lost by a crash: see the outbox."""
        self._after.append(effect)

    def after_rollback(self, undo: Callable[[], None]) -> None:
        """Run `undo` when the work is certainly undone: not when a commit's outcome is unknown."""
        self._undo.append(undo)

    def _begin(self) -> Connection:
        """Connect and begin. A pooled connection may have died since it was last used; then nothing was done
        on it yet, and a fresh one takes its place. Asking each one first would cost a round trip every time.
        """
        connection = connected(self._engine())
        try:
            self._bind(connection)
        except Exception as error:
            connection.invalidate()
            connection.close()
            if not isinstance(translate(error), DatabaseDown):
                raise
            connection = connected(self._engine())
            try:
                self._bind(connection)
            except BaseException:
                connection.close()
                raise
        return connection

    def _bind(self, connection: Connection) -> None:
        who = {"account": self.account or "", "user": self.user or "", "identity": self._identity}
        who |= {"key_hash": self._key_hash, "visitor": self._visitor}
        self._now = connection.execute(_text(BIND), who).one()[-1]

    def _finish(self) -> BaseException | None:
        try:
            for hook in self._before:
                hook()
            self.flush()
        except BaseException as error:
            return error
        try:
            if self._connection is not None:
                with span("COMMIT", Kind.CLIENT, {"db.system.name": "postgresql"}):
                    self._connection.commit()
        except BaseException as error:
            if refused(error):
                return error
            unknown = OutcomeUnknown()
            unknown.__cause__ = error
            return unknown
        return None

    def _close(self, *, rollback: bool) -> None:
        if self._connection is None:
            return
        try:
            if rollback:
                self._connection.rollback()
        except Exception:
            self._connection.invalidate()
        finally:
            self._connection.close()
            self._connection = None


@cache
def _text(statement: str) -> TextClause:
    from sqlalchemy import text

    return text(statement)


def _run(effects: list[Callable[[], None]]) -> None:
    for effect in effects:
        try:
            effect()
        except Exception:
            _log.exception("an effect after the transaction failed; what matters of it stands in the outbox")
