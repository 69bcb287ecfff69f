"""Structured JSON logs for Cloud Logging: severity, message, trace, and the call's own facts.

Neither text content nor credentials are ever passed to a logger; facts are ids, counts and durations. Of an
exception that a library raised only the class is written: its words may quote what it was given, such as the
parameters of a statement, the values of a row, or an object's name.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

_OURS: Final = frozenset({"imangor", "shared"})
_SPEAKING: Final = frozenset({"builtins", "shared", "main"})
"""Packages whose exceptions are written with their words."""

_facts: ContextVar[dict[str, Any]] = ContextVar("log_facts", default={})  # noqa: B039 - never mutated


class CloudFormatter(logging.Formatter):
    """One JSON object a line, in the layout that Cloud Logging and Error Reporting parse."""

    def format(self, record: logging.LogRecord) -> str:
        """Render the record with the facts bound around it."""
        entry: dict[str, Any] = {
            "severity": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}Z",
            **_facts.get(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            entry["stack_trace"] = _stack(record.exc_info[1])
        return json.dumps(entry, ensure_ascii=False, default=str)


def _stack(error: BaseException) -> str:
    """The traceback in Python's own layout, which Error Reporting parses, causes first."""
    parts: list[str] = []
    current: BaseException | None = error
    seen: set[int] = set()
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        frames = "".join(traceback.format_tb(current.__traceback__))
        parts.insert(0, f"Traceback (most recent call last):\n{frames}{_words(current)}\n")
        hidden = None if current.__suppress_context__ else current.__context__
        current = current.__cause__ or hidden
    return "\nThe above exception led to the following one:\n\n".join(parts)


def _words(error: BaseException) -> str:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"{name}: {error}" if kind.__module__.partition(".")[0] in _SPEAKING else name


@contextmanager
def bound(**facts: object) -> Iterator[None]:
    """Add facts to every log line written inside; `None` values are left out."""
    kept = {k: v for k, v in facts.items() if v is not None}
    token = _facts.set({**_facts.get(), **kept})
    try:
        yield
    finally:
        _facts.reset(token)


def configure(level: str = "INFO") -> None:
    """Send all logs to stdout as JSON. Calling it again changes nothing but the level.

    functions-framework silences every logger that exists before it configures its own; ours speak again.
    """
    root = logging.getLogger()
    root.setLevel(level)
    for name, logger in logging.Logger.manager.loggerDict.items():
        if isinstance(logger, logging.Logger) and name.partition(".")[0] in _OURS:
            logger.disabled = False
    if not any(isinstance(h.formatter, CloudFormatter) for h in root.handlers):
        handler = logging.StreamHandler(sys.stdout)
        formatter = CloudFormatter()
        formatter.converter = time.gmtime
        handler.setFormatter(formatter)
        root.handlers[:] = [handler]


def trace_id(traceparent: str | None) -> str | None:
    """The trace id of a W3C `traceparent` header, or None when it is absent or malformed."""
    parts = (traceparent or "").split("-")
    if len(parts) != 4 or len(parts[1]) != 32 or not set(parts[1]) <= set("0123456789abcdef"):
        return None
    return parts[1]
