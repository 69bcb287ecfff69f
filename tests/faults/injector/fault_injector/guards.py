"""The guards that a control takes away, each by the name under which the harness removes it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from fault_injector.hooks import around, when_imported
from fault_injector.orders import removed


def _without(owner: Any, name: str, guard: str, instead: Callable[..., Any]) -> None:
    """While `guard` is removed, call `instead(original, *arguments)`."""

    def call(original: Callable[..., Any], *positional: Any, **named: Any) -> Any:
        if removed(guard):
            return instead(original, *positional, **named)
        return original(*positional, **named)

    around(owner, name, call)


class _States(frozenset):  # type: ignore[type-arg]
    """A set of states that nothing is in while the guard that asks it is removed."""

    guard = ""

    def __contains__(self, state: object) -> bool:
        return not removed(self.guard) and super().__contains__(state)


def _forgetful(module: Any, names: tuple[str, ...], guard: str) -> None:
    for name in names:
        states = _States(getattr(module, name))
        states.guard = guard
        setattr(module, name, states)


@when_imported("shared.jobs.repository")
def _one_transaction(module: Any) -> None:
    def add(original: Any, repository: Any, *rest: Any) -> Any:
        record = original(repository, *rest)
        uow = repository._uow
        uow.connection.commit()
        uow._bind(uow.connection)
        return record

    _without(module.JobRepository, "add", "one-transaction", add)
    _without(module.JobRepository, "of_inbox_object", "inbox", lambda *_: None)


@when_imported("shared.db.idempotency")
def _idempotency(module: Any) -> None:
    keys = module.IdempotencyKeys

    def own(original: Any, store: Any, operation: str, key: str, fingerprint: str) -> Any:
        return module.Reserved(operation, key, None)

    _without(keys, "reserve", "reservation", own)
    _without(keys, "finish", "reservation", lambda *_: None)
    _without(keys, "finish", "finished-record", lambda *_: None)


@when_imported("shared.edge.steps")
def _fingerprint(module: Any) -> None:
    _without(module, "fingerprint", "fingerprint", lambda *_: "always the same")


@when_imported("shared.jobs.upkeep")
def _sweeper(module: Any) -> None:
    def unlocked(original: Any, uow: Any, limit: int) -> Any:
        from sqlalchemy.sql.selectable import Select

        lock = Select.with_for_update
        Select.with_for_update = lambda select, **_: select  # type: ignore[method-assign,assignment]
        try:
            return original(uow, limit)
        finally:
            Select.with_for_update = lock  # type: ignore[method-assign]

    _without(module, "claim_unsent", "resend", lambda *_: [])
    _without(module, "claim_unsent", "claim-lock", unlocked)


@when_imported("shared.jobs.steps")
def _steps(module: Any) -> None:
    _forgetful(module, ("ENDED", "TARGET_ENDED"), "done-once")
    _without(module, "acquire", "lease", lambda _, uow, name, seconds: module.Lease(name, 0))
    _without(module, "confirm", "lease", lambda *_: None)
    _without(module, "confirm", "fencing", lambda *_: None)
    _without(module, "acquire", "database-clock", _by_process_clock)


def _by_process_clock(original: Any, uow: Any, name: str, seconds: float) -> Any:
    """Compare leases with this process's own time, which may be wrong."""
    from sqlalchemy import literal

    from shared.core.clock import utc_now
    from shared.db import leases

    database_clock, leases.clock_now = leases.clock_now, lambda: literal(utc_now())
    try:
        return original(uow, name, seconds)
    finally:
        leases.clock_now = database_clock


@when_imported("shared.jobs.picture")
@when_imported("shared.translation.service")
def _memory(module: Any) -> None:
    _without(module, "bought", "memory", lambda *_: {})


@when_imported("shared.jobs.results")
def _names(module: Any) -> None:
    def write(original: Any, files: Any, job: Any, name: str, *rest: Any) -> Any:
        return original(files, job, f"{name}.{secrets.token_hex(4)}", *rest)

    _without(module.ResultFiles, "write", "result-name", write)


@when_imported("shared.edge.task")
@when_imported("shared.edge.event")
def _retry(module: Any) -> None:
    def drop(original: Any, error: Any, *rest: Any) -> Any:
        return module.Drop() if error is not None else original(error, *rest)

    _without(module, "plan", "retry", drop)


@when_imported("shared.ledger.service")
def _ledger(module: Any) -> None:
    _without(module.Ledger, "release", "release", lambda *_: None)


@when_imported("shared.db.inbox")
def _inbox(module: Any) -> None:
    _without(module.Inbox, "first_time", "inbox", lambda *_: True)


@when_imported("shared.jobs.rejected")
def _dead_letters(module: Any) -> None:
    _without(module.DeadLetters, "_end_upload", "dead-letter", lambda *_: None)


@when_imported("shared.core.clock")
def _skew(module: Any) -> None:
    _without(module, "utc_now", "true-clock", lambda original: original() + timedelta(minutes=10))
