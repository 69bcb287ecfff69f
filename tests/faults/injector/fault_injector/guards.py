"""The guards that a control takes away, each by the name under which the harness removes it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from fault_injector.hooks import around, when_imported
from fault_injector.orders import removed


def without(owner: Any, name: str, guard: str, instead: Callable[..., Any]) -> None:
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

    without(module.JobRepository, "add", "one-transaction", add)
    without(module.JobRepository, "of_inbox_object", "inbox", lambda *_: None)


@when_imported("shared.db.idempotency")
def _idempotency(module: Any) -> None:
    keys = module.IdempotencyKeys

    def own(original: Any, store: Any, operation: str, key: str, fingerprint: str) -> Any:
        return module.Reserved(operation, key, None)

    without(keys, "reserve", "reservation", own)
    without(keys, "finish", "reservation", lambda *_: None)
    without(keys, "finish", "finished-record", lambda *_: None)


@when_imported("shared.edge.steps")
def _fingerprint(module: Any) -> None:
    without(module, "fingerprint", "fingerprint", lambda *_: "always the same")


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

    without(module, "claim_unsent", "resend", lambda *_: [])
    without(module, "claim_unsent", "claim-lock", unlocked)


@when_imported("shared.jobs.steps")
def _steps(module: Any) -> None:
    _forgetful(module, ("ENDED", "TARGET_ENDED"), "done-once")
    without(module, "acquire", "lease", lambda _, uow, name, seconds: module.Lease(name, 0))
    without(module, "confirm", "lease", lambda *_: None)
    without(module, "confirm", "fencing", lambda *_: None)
    without(module, "acquire", "database-clock", _by_process_clock)


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
    without(module, "bought", "memory", lambda *_: {})


@when_imported("shared.jobs.results")
def _names(module: Any) -> None:
    def write(original: Any, files: Any, job: Any, name: str, *rest: Any) -> Any:
        return original(files, job, f"{name}.{secrets.token_hex(4)}", *rest)

    without(module.ResultFiles, "write", "result-name", write)


@when_imported("shared.edge.task")
def _retry(module: Any) -> None:
    def drop(original: Any, error: Any, *rest: Any) -> Any:
        return module.Drop() if error is not None else original(error, *rest)

    without(module, "plan", "retry", drop)


@when_imported("shared.ledger.service")
def _ledger(module: Any) -> None:
    without(module.Ledger, "release", "release", lambda *_: None)


@when_imported("shared.db.inbox")
def _inbox(module: Any) -> None:
    def always(original: Any, *event: Any) -> bool:
        return bool(original(*event)) or True

    without(module.Inbox, "first_time", "inbox", always)


@when_imported("shared.jobs.rejected")
def _dead_letters(module: Any) -> None:
    without(module.DeadLetters, "_end_upload", "dead-letter", lambda *_: None)


@when_imported("shared.edge.steps")
def _again(module: Any) -> None:
    without(module, "again", "again", lambda _, work: work())


@when_imported("shared.jobs.arrivals")
def _arrival(module: Any) -> None:
    def uploaded(original: Any, arrivals: Any, place: Any, arrival: Any) -> None:
        repository = module.JobRepository(arrivals._uow)
        job = repository.find(place.job, lock=True)
        repository.change(job.id, state=module.JobState.QUEUED)
        module.start_recognition(arrivals._uow, job)

    without(module.Arrivals, "_uploaded", "arrival-state", uploaded)


@when_imported("shared.jobs.steps")
def _takeover(module: Any) -> None:
    def held(original: Any, uow: Any, name: str, seconds: float) -> Any:
        known = uow.sql("select clock_now() + interval '1 hour' from leases where name = :name", name=name)
        later = known.scalar_one_or_none()
        if later is not None:
            from shared.db.leases import LeaseHeld

            raise LeaseHeld(later)
        return original(uow, name, seconds)

    without(module, "acquire", "takeover", held)


@when_imported("shared.storage.gcs")
def _storage(module: Any) -> None:
    without(module, "_retry", "storage-retry", lambda _: None)


@when_imported("shared.webhooks.sender")
def _webhooks(module: Any) -> None:
    def other_id(original: Any, secrets_: Any, message: str, *rest: Any) -> Any:
        return original(secrets_, f"evt_{secrets.token_hex(8)}", *rest)

    without(module, "sign", "webhook-id", other_id)
    without(module, "wait", "webhook-schedule", lambda *_: None)
