"""A context for scenarios: keeps state in this process and writes down what the edge asks of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.core.credentials import Credentials
from shared.core.errors import Conflict, InvalidInput, Unauthenticated


@dataclass(frozen=True)
class Caller:
    id: str
    account: str
    scopes: frozenset[str]
    user: str | None = None
    rate: int | None = None
    kind: str = "key"


@dataclass(frozen=True)
class Rate:
    limit: int
    remaining: int
    reset_seconds: float
    allowed: bool
    retry_after: float


@dataclass(frozen=True)
class Stored:
    fingerprint: str
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


CALLERS = {
    "Bearer writer": Caller("key_writer", "acc_1", frozenset({"notes:read", "notes:write"})),
    "Bearer other": Caller("key_other", "acc_2", frozenset({"notes:read", "notes:write"})),
    "Bearer slow": Caller("key_slow", "acc_1", frozenset({"notes:read", "notes:write"}), rate=2),
    "Bearer ann": Caller("usr_ann", "acc_1", frozenset(), user="usr_ann", kind="user"),
    "Bearer reader": Caller("key_reader", "acc_1", frozenset({"notes:read"})),
}


class World:
    """What outlives a request."""

    def __init__(self) -> None:
        self.trail: list[str] = []
        self.rows: list[str] = []
        self.keys: dict[tuple[str, str, str], Stored | None] = {}
        self.hits: dict[tuple[str, str], int] = {}
        self.inbox: set[tuple[str, str]] = set()
        self.later: list[tuple[Any, datetime]] = []
        self.failed: list[tuple[Any, str]] = []
        self.seen: list[Any] = []
        self.raising: BaseException | None = None
        self.undone = 0
        self.failing: Exception | None = None
        self.commit_error: Exception | None = None

    def clear(self) -> None:
        self.__init__()  # type: ignore[misc]


WORLD = World()


class KeyReused(InvalidInput):
    """This idempotency key was used with other content."""

    slug = "idempotency-key-reused"


class KeyInProgress(Conflict):
    """A request with this idempotency key is still running."""

    slug = "idempotency-key-in-progress"


@dataclass(frozen=True)
class Keys:
    principal: str

    def reserve(self, operation: str, key: str, fingerprint: str) -> Any:
        WORLD.trail.append("reserve")
        place = (self.principal, operation, key)
        if place in WORLD.keys:
            stored = WORLD.keys[place]
            if stored is None:
                raise KeyInProgress
            if stored.fingerprint != fingerprint:
                raise KeyReused
            return stored
        WORLD.keys[place] = None
        return (place, fingerprint)

    def finish(self, reservation: Any, status: int, headers: Mapping[str, str], body: bytes) -> None:
        WORLD.trail.append("finish")
        place, fingerprint = reservation
        WORLD.keys[place] = Stored(fingerprint, status, headers, body)

    def abandon(self, reservation: Any) -> None:
        WORLD.trail.append("abandon")
        WORLD.keys.pop(reservation[0], None)


class Events:
    def first_time(self, source: str, event_id: str) -> bool:
        known = (source, event_id) in WORLD.inbox
        WORLD.inbox.add((source, event_id))
        return not known


class Failures:
    def note(self, identity: str, error: Exception) -> None:
        WORLD.trail.append("failed")


class Context:
    """Implements `shared.edge.ports.EdgeContext`."""

    def __init__(self, operation: str, request_id: str) -> None:
        self.operation, self.request_id = operation, request_id
        self.principal: Any = None
        self.credentials = Credentials()
        self.inbox = Events()
        self.event_failures = Failures()

    @property
    def idempotency(self) -> Keys:
        return Keys(self.principal.id)

    @classmethod
    def for_request(cls, *, operation: str, request_id: str) -> Context:
        WORLD.trail.append("context")
        return cls(operation, request_id)

    def authenticate(self, credentials: Credentials) -> Caller:
        WORLD.trail.append("authenticate")
        found = CALLERS.get(f"Bearer {credentials.bearer}")
        if found is None:
            raise Unauthenticated
        return found

    def visit(self, credentials: Credentials) -> None:
        return None

    def rate_limit(self, rule_name: str, principal_id: str, limit: int, window_seconds: int) -> Rate:
        WORLD.trail.append("rate_limit")
        place = (rule_name, principal_id)
        used = WORLD.hits[place] = WORLD.hits.get(place, 0) + 1
        wait = 0.0 if used <= limit else window_seconds / 8
        return Rate(limit, max(0, limit - used), window_seconds / 2, used <= limit, wait)

    @contextmanager
    def unit_of_work(self) -> Iterator[None]:
        WORLD.trail.append("begin")
        rows, keys, inbox = list(WORLD.rows), dict(WORLD.keys), set(WORLD.inbox)
        try:
            yield
            if WORLD.commit_error is not None:
                raise WORLD.commit_error
        except BaseException:
            WORLD.rows, WORLD.keys, WORLD.inbox = rows, keys, inbox
            WORLD.trail.append("rollback")
            raise
        WORLD.trail.append("commit")

    def check_database(self) -> None:
        if WORLD.failing is not None:
            raise WORLD.failing

    def reschedule(self, body: Any, when: datetime, priority: Any) -> None:
        WORLD.later.append((body, when))
