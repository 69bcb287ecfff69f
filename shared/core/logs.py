"""Structured JSON logs for Cloud Logging: severity, message, trace, span, and the call's own facts.

A line of severity ERROR is also a report for Error Reporting: with its traceback in the message, or else with
the place that wrote it. Accounts and people are named by hashes of their ids, wherever in a line they stand.

Neither text content nor credentials are ever passed to a logger; facts are ids, counts and durations. What
libraries say may quote what they were given, such as the parameters of a statement, the values of a row, or
an object's name: of an exception of theirs only the class is written, of a message only its template.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from shared.core import tracing
from shared.core.config import Misconfigured, ProjectSettings, RevisionSettings

REPORT: Final = "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"

_OURS: Final = frozenset({"imangor", "shared"})
_SPEAKING: Final = frozenset({"shared", "main"})
"""Packages whose exceptions are written with their words."""

_OF_CODE: Final = (
    TypeError,
    AttributeError,
    NameError,
    ImportError,
    ArithmeticError,
    AssertionError,
    NotImplementedError,
    RecursionError,
)
"""Python's own exceptions whose words are about the program; others quote values, as `KeyError` does."""

_WHO: Final = re.compile(r"(acc|usr)_[0-9a-hjkmnp-tv-z]{26}(?![0-9a-z])")
_BY_ID: Final = frozenset({"chain", "audit_head"})
"""Facts that keep the ids in them: an audit chain is verified by its heads as they were published."""

_facts: ContextVar[dict[str, Any]] = ContextVar("log_facts", default={})  # noqa: B039 - never mutated


class CloudFormatter(logging.Formatter):
    """One JSON object a line, in the layout that Cloud Logging and Error Reporting parse."""

    def __init__(self, function: str = "") -> None:
        """`function` is whose lines these are."""
        super().__init__()
        self.converter = time.gmtime
        self._service = {"service": function, "version": RevisionSettings.load().k_revision}

    def format(self, record: logging.LogRecord) -> str:
        """Render the record with the facts bound around it."""
        entry: dict[str, Any] = {
            "severity": record.levelname,
            "message": _message(record),
            "logger": record.name,
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}Z",
            "serviceContext": self._service,
            **_trace(),
            **_facts.get(),
            **getattr(record, "fields", {}),
        }
        if (account := entry.pop("account", None)) is not None:
            entry["account_hash"] = account_hash(str(account))
        if record.exc_info and record.exc_info[1] is not None:
            entry["message"] += "\n" + _stack(record.exc_info[1])
        if record.levelno >= logging.ERROR:
            place = {
                "filePath": record.pathname,
                "lineNumber": record.lineno,
                "functionName": record.funcName,
            }
            # How many are concerned, Error Reporting counts by `user`.
            user = {"user": entry["account_hash"]} if "account_hash" in entry else {}
            entry |= {"@type": REPORT, "context": {"reportLocation": place, **user}}
        told = {name: value if name in _BY_ID else _unnamed(value) for name, value in entry.items()}
        return json.dumps(told, ensure_ascii=False, default=_other)


def account_hash(account: str) -> str:
    """What stands in logs and spans for an account: 16 hexadecimal digits of its id's SHA-256.

    No key makes it: 80 bits of an id are random, so that nobody finds the id by trying, whoever has one finds
    its lines, and no function needs one more secret.
    """
    return hashlib.sha256(account.encode()).hexdigest()[:16]


def _unnamed(value: Any) -> Any:
    """A fact with `acc#` and `usr#` and a hash in place of the ids of accounts and people."""
    if isinstance(value, str):
        return _WHO.sub(lambda found: f"{found[1]}#{account_hash(found[0])}", value)
    if isinstance(value, dict):
        return {name: _unnamed(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_unnamed(each) for each in value]
    return value


def _other(value: Any) -> Any:
    return _unnamed(str(value))


def _message(record: logging.LogRecord) -> str:
    ours = record.name.partition(".")[0] in _OURS
    return record.getMessage() if ours else str(record.msg)


def _trace() -> dict[str, Any]:
    """The members by which Cloud Logging joins a line to its trace and span."""
    span = tracing.current()
    if span is None:
        return {}
    return {
        "logging.googleapis.com/trace": _project() + span.trace.id,
        "logging.googleapis.com/spanId": span.id,
        "logging.googleapis.com/trace_sampled": span.trace.sampled,
    }


def _project() -> str:
    try:
        return f"projects/{ProjectSettings.load().google_cloud_project}/traces/"
    except Misconfigured:
        return ""


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
    """An exception's class, and what it says where that quotes nothing."""
    kind = type(error)
    if kind.__module__ == "builtins":
        if isinstance(error, OSError) and error.errno:
            return f"{kind.__qualname__}: {os.strerror(error.errno)}"
        return f"{kind.__qualname__}: {error}" if isinstance(error, _OF_CODE) else kind.__qualname__
    name = f"{kind.__module__}.{kind.__qualname__}"
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


def configure(level: str = "INFO", function: str = "") -> None:
    """Send all logs of `function` to stdout as JSON. Calling it again changes nothing but the level.

    functions-framework silences every logger that exists before it configures its own; ours speak again.
    """
    root = logging.getLogger()
    root.setLevel(level)
    for name, logger in logging.Logger.manager.loggerDict.items():
        if isinstance(logger, logging.Logger) and name.partition(".")[0] in _OURS:
            logger.disabled = False
    if not any(isinstance(h.formatter, CloudFormatter) for h in root.handlers):
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(CloudFormatter(function))
        root.handlers[:] = [handler]
