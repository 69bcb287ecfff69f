"""What event, task and schedule functions share: one entry point, the caller's proof, the log, the reply."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import functions_framework
from flask import Request, Response

from shared.core import logs, tracing
from shared.core.config import EdgeSettings, Misconfigured
from shared.core.errors import ImangorError
from shared.core.metrics import Metric, count
from shared.edge.caller import check_caller
from shared.edge.content import read_body
from shared.edge.errors import MethodNotAllowed
from shared.edge.framework import replace_error_pages
from shared.edge.manifest import Kind, Manifest, load
from shared.edge.plan import Drop, Plan, Retry
from shared.edge.ports import ContextFactory, default_context
from shared.edge.problem import log_problem, problem
from shared.edge.reply import Rendered
from shared.edge.request_facts import parent_of, request_id
from shared.edge.transport import accept, unread

Entry = Callable[[Request], Response]

_log = logging.getLogger("imangor.edge")


@dataclass(frozen=True)
class Visit:
    """One delivery to a function."""

    name: str
    request: Request
    raw: bytes
    ctx: Any
    manifest: Manifest
    request_id: str


Work = Callable[[Visit], Rendered]


@dataclass(frozen=True)
class Worker:
    """A function that the platform calls. Nothing is read before the first request."""

    name: str
    folder: Path
    kinds: frozenset[Kind]
    work: Work
    context: ContextFactory | None

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest beside `main.py`; its kind must be one that the decorator serves."""
        logs.configure(EdgeSettings.load().log_level, self.name)
        found = load(self.folder, name=self.name)
        if found.kind not in self.kinds:
            raise Misconfigured(
                f"{self.name} is declared as {sorted(self.kinds)} but is of kind {found.kind}"
            )
        return found

    def answer(self, request: Request) -> Response:
        """Answer one delivery. Whatever goes wrong outside of the work is a problem document."""
        ident = request_id(request)
        with (
            tracing.serving(self.name, tracing.Kind.CONSUMER, parent_of(request)) as span,
            logs.bound(request_id=ident, operation=self.name),
        ):
            reply = self._timed(request, ident)
            span.set({"imangor.function": self.name, "http.response.status_code": reply.status})
        body = reply.body if isinstance(reply.body, bytes) else b""
        response = Response(body, reply.status, {**reply.headers, "X-Request-Id": ident})
        return unread(response, request) if reply.status >= 400 else response

    def _timed(self, request: Request, ident: str) -> Rendered:
        began = time.monotonic()
        try:
            reply = self._visit(request, ident)
        except Exception as error:
            log_problem(error, ident)
            reply = problem(error, ident)
        count(Metric.REQUEST_SECONDS, time.monotonic() - began, operation=self.name, status=reply.status)
        return reply

    def _visit(self, request: Request, ident: str) -> Rendered:
        manifest = self.manifest
        accept(request, EdgeSettings.load().max_body_bytes)
        if request.method not in ("GET", "POST"):
            raise MethodNotAllowed(["GET", "POST"])
        check_caller(request.headers, manifest.kind, self.name)
        contexts = self.context or default_context()
        raw = read_body(request)
        ctx = contexts.for_request(operation=self.name, request_id=ident)
        if request.method == "GET":
            return _ready(ctx)
        return self.work(Visit(self.name, request, raw, ctx, manifest, ident))


def _ready(ctx: Any) -> Rendered:
    """Answer what a deployment asks of a revision before it gets work: this code runs, as this function's
    user, and the database answers it.
    """
    ctx.check_database()
    return Rendered(204, {}, b"")


def make_entry(
    function: Callable[..., Any], kinds: set[Kind], work: Work, context: ContextFactory | None
) -> Entry:
    """Build the entry point of a function: a plain function of its name, registered as HTTP."""
    folder = Path(function.__globals__["__file__"]).resolve().parent
    worker = Worker(function.__name__, folder, frozenset(kinds), work, context)

    def entry(request: Request) -> Response:
        return worker.answer(request)

    entry.__name__ = entry.__qualname__ = function.__name__
    entry.__module__, entry.__doc__ = function.__module__, function.__doc__
    replace_error_pages()
    return cast("Entry", functions_framework.http(entry))


def subject(body: object) -> dict[str, str | None]:
    """What a delivery is about, for its log lines and its span: ids and words of ours, as in every body."""
    names = ("job", "step", "target", "delivery", "email", "export")
    told: dict[str, str | None] = {name: getattr(body, name, None) for name in names}
    account = getattr(body, "account", None)
    tracing.about(**told, account_hash=None if account is None else logs.account_hash(account))
    return {**told, "account": account}


def log_outcome(outcome: Plan, error: Exception) -> None:
    """Write one line about work that did not succeed, with the stack where somebody should look."""
    fields = {"fields": {"outcome": type(outcome).__name__, "error": type(error).__name__}}
    if isinstance(outcome, Drop) and _is_input(error):
        _log.info("work refused", extra=fields)
    elif isinstance(outcome, Drop):
        _log.error("work given up", exc_info=error, extra=fields)
    elif isinstance(error, ImangorError):
        _log.warning("work put off", extra=fields)
    else:
        _log.error("work failed and will be tried again", exc_info=error, extra=fields)


def _is_input(error: Exception) -> bool:
    """Whether the fault lies in what a customer sent, which no operator can mend.

    A delivery that cannot be read (400) is the platform's or our own fault.
    """
    return isinstance(error, ImangorError) and 400 < error.status < 500 and not error.retry


def refuse(outcome: Retry, request_id: str) -> Rendered:
    """The reply that makes the platform deliver again: 500, or 503 when everybody should slow down."""
    reply = problem(ImangorError(), request_id)
    if outcome.pause is None:
        return reply
    return Rendered(503, {**reply.headers, "Retry-After": str(max(1, round(outcome.pause)))}, reply.body)
