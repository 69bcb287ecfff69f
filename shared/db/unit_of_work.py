"""One transaction and what follows it. The only place that commits.

Leaving the block cleanly runs the before-commit hooks, commits, and then runs the after-commit effects;
leaving it by an exception rolls back and drops both. The account stands in the transaction's own setting
`app.account`, which the row-level security policies read; without it no tenant's row is visible.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from shared.db.errors import translate
from shared.db.outbox import Deliver, Outbox

if TYPE_CHECKING:
    from sqlalchemy import Connection, CursorResult, Engine, Executable

_log = logging.getLogger(__name__)
# The limits keep one stuck or frozen instance from holding an account's rows against everybody.
_BIND = """select set_config('app.account', :account, true), set_config('app.key_hash', :key_hash, true),
  set_config('lock_timeout', '5s', true), set_config('statement_timeout', '30s', true),
  set_config('idle_in_transaction_session_timeout', '60s', true)"""


class UnitOfWork:
    """A transaction that begins with its first statement, so that one never used costs no connection."""

    def __init__(
        self,
        engine: Callable[[], Engine],
        account: str | None = None,
        key_hash: str | None = None,
        deliver: Deliver = lambda effects: None,
        forget: Callable[[list[str]], None] = lambda keys: None,
    ):
        """`account` may come later by `act_for`; `key_hash` lets the caller see the key it presents.

        `deliver` sends the outbox's effects and `forget` drops cache keys, both after commit.
        """
        self._engine = engine
        self._deliver = deliver
        self._forget = forget
        self._stale: list[str] = []
        self._connection: Connection | None = None
        self._before: list[Callable[[], None]] = []
        self._after: list[Callable[[], None]] = []
        self._undo: list[Callable[[], None]] = []
        self._key_hash = key_hash or ""
        self.account = account

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        failure = error
        if failure is None:
            failure = self._finish()
        self._close(rollback=failure is not None)
        if error is not None:
            _run(self._undo)
        if failure is not None:
            ours = translate(failure)
            if ours is not None:
                raise ours from failure
            if error is None:
                raise failure
            return
        _run(self._after)

    def act_for(self, account: str) -> None:
        """Work under this account from the next statement on. A unit of work never changes accounts."""
        if self.account not in (None, account):
            raise RuntimeError("a unit of work belongs to one account")
        self.account = account
        if self._connection is not None:
            self._bind(self._connection)

    @property
    def connection(self) -> Connection:
        """The connection, with the transaction begun and the account set."""
        if self._connection is None:
            self._connection = self._engine().connect()
            self._bind(self._connection)
        return self._connection

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run one statement in the transaction."""
        return self.connection.execute(statement, parameters)

    def sql(self, statement: str, **parameters: object) -> CursorResult[Any]:
        """Run one statement written in SQL, with `:name` parameters."""
        from sqlalchemy import text

        return self.connection.execute(text(statement), parameters)

    @cached_property
    def outbox(self) -> Outbox:
        """Effects that leave after commit and are not lost by a crash."""
        return Outbox(self, self._deliver)

    def stale(self, key: str) -> None:
        """After commit, forget what the cache holds under `key`."""
        if not self._stale:
            self._after.insert(0, lambda: self._forget(self._stale))
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

    def _bind(self, connection: Connection) -> None:
        from sqlalchemy import text

        connection.execute(text(_BIND), {"account": self.account or "", "key_hash": self._key_hash})

    def _finish(self) -> BaseException | None:
        try:
            for hook in self._before:
                hook()
            if self._connection is not None:
                self._connection.commit()
        except BaseException as error:
            return error
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


def _run(effects: list[Callable[[], None]]) -> None:
    for effect in effects:
        try:
            effect()
        except Exception:
            _log.exception("an effect after the transaction failed; what matters of it stands in the outbox")
