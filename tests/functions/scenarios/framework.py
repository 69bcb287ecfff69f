"""Scenarios under the real functions-framework, and the tokens with which the platform would call them."""

from __future__ import annotations

import base64
import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from functions_framework import create_app
from scenarios.in_memory import WORLD

from shared.core import config
from shared.core.logs import CloudFormatter

HERE = Path(__file__).parent
SETTINGS = {
    "FUNCTION_URL": "https://{function}.example",
    "TASKS_INVOKER": "tasks@p.iam.gserviceaccount.com",
    "EVENTS_INVOKER": "events@p.iam.gserviceaccount.com",
    "SCHEDULES_INVOKER": "schedules@p.iam.gserviceaccount.com",
    "CORS_ORIGINS": "https://studio.example, https://other.example",
    "MAX_BODY_BYTES": "20000",
    "TRUSTED_PROXIES": "2",
    "LOG_LEVEL": "CRITICAL",
}


@contextmanager
def isolated(**other: str) -> Iterator[None]:
    """The settings and an empty world, and afterwards the environment as it was."""
    root = logging.getLogger()
    before, handlers, level = dict(os.environ), list(root.handlers), root.level
    os.environ.update(SETTINGS, **other)
    config.forget()
    WORLD.clear()
    yield
    os.environ.clear()
    os.environ.update(before)
    root.handlers[:] = handlers
    root.setLevel(level)
    config.forget()


@contextmanager
def log_records() -> Iterator[list[logging.LogRecord]]:
    """What is logged inside, whichever handlers the framework and the edge have set."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    edge = logging.getLogger("imangor.edge")
    edge.addHandler(handler)
    edge.setLevel("INFO")
    try:
        yield records
    finally:
        edge.setLevel("NOTSET")
        edge.removeHandler(handler)


@contextmanager
def log_lines() -> Iterator[list[str]]:
    """What would be written to the log inside, line by line."""
    lines: list[str] = []
    handler = logging.Handler()
    formatter = CloudFormatter()
    handler.emit = lambda record: lines.append(formatter.format(record))  # type: ignore[method-assign]
    ours = logging.getLogger("imangor")
    ours.addHandler(handler)
    ours.setLevel("INFO")
    try:
        yield lines
    finally:
        ours.setLevel("NOTSET")
        ours.removeHandler(handler)


def serve(name: str) -> FlaskClient:
    """A client of the function, loaded as the framework loads it."""
    return create_app(name, str(HERE / name / "main.py")).test_client()


def claims(service: str, invoker: str, **other: Any) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": "https://accounts.google.com",
        "aud": f"https://{service}.example",
        "email": f"{invoker}@p.iam.gserviceaccount.com",
        "email_verified": True,
        "iat": now,
        "exp": now + 600,
    } | other


def bearer(facts: dict[str, Any], signature: str = "SIGNATURE_REMOVED_BY_GOOGLE") -> str:
    def part(data: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")

    return f"Bearer {part({'alg': 'RS256'})}.{part(facts)}.{signature}"


def called_by(service: str, invoker: str, **other: Any) -> dict[str, str]:
    """The headers of a call by the platform."""
    return {"Authorization": bearer(claims(service, invoker, **other))}


def push(data: Any = None, attributes: dict[str, str] | None = None, **other: Any) -> dict[str, Any]:
    """The body of a Pub/Sub push request."""
    raw = b"" if data is None else json.dumps(data).encode()
    message = {
        "data": base64.b64encode(raw).decode(),
        "attributes": attributes or {},
        "messageId": other.pop("message_id", "m1"),
        "publishTime": "2026-01-02T03:04:05.123456789Z",
    }
    return {"message": message, "subscription": "projects/p/subscriptions/s", **other}
