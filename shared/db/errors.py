"""What the database's own complaints mean to us."""

from __future__ import annotations

from typing import Final

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.core.errors import (
    Conflict,
    DependencyDown,
    ImangorError,
    TransientError,
    Unauthenticated,
    WorkUndone,
)


class DatabaseDown(DependencyDown):
    """The database is not answering."""


class DatabaseBusy(TransientError):
    """The database undid the work because of other work; it can be done again."""


class DatabaseConflict(DatabaseBusy, WorkUndone):
    """The database undid the work because of other work at the same time; at once it may succeed."""


class IllegalTransition(Conflict):
    """The state machine does not allow this change."""

    slug = "illegal-transition"


class AccountClosed(Unauthenticated):
    """The account is closed; nothing is added to it any more."""


CLOSED: Final = "IM040"
"""What the database raises where something is added to an account that is closed."""

_BY_SQLSTATE: dict[str, type[ImangorError]] = {
    "IM001": IllegalTransition,
    CLOSED: AccountClosed,
    "40001": DatabaseConflict,
    "40P01": DatabaseConflict,
    "55P03": DatabaseBusy,
    "57014": DatabaseBusy,
    "57P01": DatabaseDown,
    "57P02": DatabaseDown,
    "57P03": DatabaseDown,
    "53300": DatabaseDown,
}


def diagnostics(error: DBAPIError) -> dict[str, str]:
    """PostgreSQL's error fields by their protocol letter: `C` is the SQLSTATE, `n` the constraint."""
    args = getattr(error.orig, "args", ())
    return args[0] if args and isinstance(args[0], dict) else {}


def violated(error: DBAPIError, constraint: str) -> bool:
    """Tell whether this constraint was the one that refused."""
    return diagnostics(error).get("n") == constraint


def refused(error: BaseException) -> bool:
    """Whether the server itself said that it did not commit. A connection that broke says nothing, nor does a
    server that is going down (class 57P): it may have committed before.
    """
    state = diagnostics(error).get("C", "") if isinstance(error, DBAPIError) else ""
    return bool(state) and not state.startswith(("57P", "08"))


def translate(error: BaseException) -> ImangorError | None:
    """The error of ours that a driver's error means, or None when it is no known operational one."""
    if isinstance(error, PoolTimeout):
        return DatabaseDown()
    if not isinstance(error, DBAPIError):
        return DatabaseDown() if isinstance(error, (ConnectionError, TimeoutError)) else None
    known = _BY_SQLSTATE.get(diagnostics(error).get("C", ""))
    if known is not None:
        return known()
    lost = error.connection_invalidated or isinstance(error, InterfaceError)
    return (
        DatabaseDown() if lost or (isinstance(error, OperationalError) and not diagnostics(error)) else None
    )
