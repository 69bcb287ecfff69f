"""Spans of SQL: what kind of statement on which table, its shape, and how long it took. Never a value."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from shared.core.tracing import Kind, Span, begin, end, recording

if TYPE_CHECKING:
    from sqlalchemy import Engine

_LONGEST: Final = 1000
_TABLE: Final = re.compile(r"\b(?:from|into|update|join)\s+(?:only\s+)?([a-z_][a-z0-9_]*)", re.IGNORECASE)
_FUNCTION: Final = re.compile(r"select ([a-z_][a-z0-9_.]*)\(", re.IGNORECASE)
_LITERAL: Final = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")


def trace_statements(engine: Engine) -> None:
    """Record a span for each statement that the engine runs within a recorded request."""
    from sqlalchemy import event

    event.listen(engine, "before_cursor_execute", _before)
    event.listen(engine, "after_cursor_execute", _after)
    event.listen(engine, "handle_error", _failed)


def _before(_: Any, __: Any, statement: str, ___: Any, context: Any, ____: bool) -> None:
    if context is not None and recording():
        context.imangor_span = _begin(statement)


def _begin(statement: str) -> Span | None:
    name, shape = described(statement)
    about = {"db.system.name": "postgresql", "db.query.summary": name, "db.query.text": shape}
    return begin(name, Kind.CLIENT, about)


def _after(_: Any, __: Any, ___: str, ____: Any, context: Any, _____: bool) -> None:
    _end(context, None)


def _failed(failure: Any) -> None:
    _end(failure.execution_context, type(failure.original_exception).__name__)


def _end(context: Any, error: str | None) -> None:
    span: Span | None = getattr(context, "imangor_span", None)
    if span is not None:
        context.imangor_span = None
        span.error = error
        end(span)


@lru_cache(maxsize=1024)
def described(statement: str) -> tuple[str, str]:
    """A statement's name, such as `SELECT jobs`, or `SELECT set_config` for a call; its shape on one line,
    literals replaced by `?`.
    """
    shape = _LITERAL.sub("?", " ".join(statement.split()))
    verb = shape.split(" ", 1)[0].upper()
    what = _TABLE.search(shape) or _FUNCTION.match(shape)
    return (f"{verb} {what[1]}" if what else verb), shape[:_LONGEST]
