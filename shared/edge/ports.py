"""What the edge needs from the composition root: structural types, so that no room imports the edge."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel

from shared.core.credentials import Credentials
from shared.core.priority import Priority


class Principal(Protocol):
    """Whoever a request speaks for."""

    @property
    def id(self) -> str:
        """Identifier of the credential's owner; rate limits and idempotency keys are counted by it."""

    @property
    def account(self) -> str:
        """Identifier of the account the credential belongs to; empty for a person who has none."""

    @property
    def scopes(self) -> frozenset[str]:
        """Operations' `auth` words that this credential may use."""

    @property
    def rate(self) -> int | None:
        """Requests that it may make in a minute, over all operations, where that is limited."""

    @property
    def kind(self) -> str:
        """How it proved itself: `user` is somebody who signed in, `trial` a visitor without an account."""

    @property
    def user(self) -> str | None:
        """Identifier of the person who signed in; None for what acts for no person."""


class Visit(Protocol):
    """A visitor's first call."""

    @property
    def visitor(self) -> Principal:
        """Who they are from then on."""

    @property
    def token(self) -> str:
        """What they show when they come back."""


class RateState(Protocol):
    """The state of one limit after this request was counted."""

    @property
    def limit(self) -> int:
        """Requests in a window."""

    @property
    def remaining(self) -> int:
        """Requests that are left now."""

    @property
    def reset_seconds(self) -> float:
        """Seconds until the whole limit is free again."""

    @property
    def allowed(self) -> bool:
        """Whether this request may pass."""

    @property
    def retry_after(self) -> float:
        """Seconds until one more request is free; 0 when this one may pass."""


@runtime_checkable
class Finished(Protocol):
    """The reply of an earlier request with the same key and content."""

    @property
    def status(self) -> int:
        """HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The operation's own headers, `Content-Type` among them."""

    @property
    def body(self) -> bytes:
        """The content as it was sent, before compression."""


class Idempotency(Protocol):
    """Remembers unsafe requests by key. A reservation is opaque to the edge: anything but `Finished`."""

    def reserve(self, operation: str, key: str, fingerprint: str) -> Any:
        """Reserve in a short transaction of its own, or give the `Finished` reply of an earlier request.

        The store is that of one principal. Raises errors of status 422 for a key used with another
        fingerprint and 409 for one whose request is still running.
        """

    def finish(self, reservation: Any, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Record the reply in the unit of work that is open, so that both commit together."""

    def abandon(self, reservation: Any) -> None:
        """Free the key after a failure, in a short transaction of its own; never raises.

        A key whose reply was recorded stays finished, even if nobody heard of the commit.
        """


class Inbox(Protocol):
    """Remembers events."""

    def first_time(self, source: str, event_id: str) -> bool:
        """Record the event in the unit of work that is open; False when it was recorded before."""


class EventFailures(Protocol):
    """Remembers why deliveries of events failed."""

    def note(self, identity: str, error: Exception) -> None:
        """Remember an error's kind; never raises."""


class EdgeContext(Protocol):
    """The services of one request, as far as the edge uses them. Making one does no I/O."""

    principal: Any
    credentials: Credentials

    @property
    def idempotency(self) -> Idempotency:
        """The store of idempotency keys."""

    @property
    def inbox(self) -> Inbox:
        """The store of event identities."""

    @property
    def event_failures(self) -> EventFailures:
        """Where it is noted why an event's delivery failed."""

    def authenticate(self, credentials: Credentials) -> Principal:
        """Find out who sends these; raises `Unauthenticated` and the like."""

    def visit(self, credentials: Credentials) -> Visit | None:
        """Let somebody in who has no credential; None where there is no trial."""

    def check_signature(self, headers: Mapping[str, str], body: bytes) -> None:
        """Check a message's signature over its body (Standard Webhooks); raises an error of status 401.

        `headers` have lower-case names.
        """

    def rate_limit(self, rule_name: str, principal_id: str, limit: int, window_seconds: int) -> RateState:
        """Count this request against a rule; never raises because the counter is unreachable."""

    def unit_of_work(self) -> AbstractContextManager[Any]:
        """A transaction: commits on clean exit and then sends effects, rolls back on an exception.

        It connects when it is first used, not when it is entered.
        """

    def check_database(self) -> None:
        """Raise `DependencyDown` where the database does not answer this function's user."""

    def reschedule(self, body: BaseModel, when: datetime, priority: Priority | None) -> None:
        """Commit a new task with this body for this operation and queue, not to be run before `when`."""


class ContextFactory(Protocol):
    """The class `shared.context.Context`, or a test's own."""

    def for_request(self, *, operation: str, request_id: str) -> Any:
        """Make the services of one request. `operation` is the entry's or the operation's name."""


def default_context() -> ContextFactory:
    """The deployed composition root, imported on first use."""
    found: ContextFactory = importlib.import_module("shared.context").Context
    return found
