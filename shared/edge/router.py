"""The operations of one function behind one entry point: routes from the manifest, then the steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

from flask import Request, Response
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import MethodNotAllowed as NoSuchMethod
from werkzeug.exceptions import NotFound as NoSuchPath
from werkzeug.routing import Map, MapAdapter, Rule

from shared.core import logs, tracing
from shared.core.config import EdgeSettings, TrialSettings
from shared.core.errors import NotFound
from shared.edge.content import unreadable
from shared.edge.endpoint import Endpoint
from shared.edge.errors import MethodNotAllowed
from shared.edge.manifest import Manifest, load
from shared.edge.ports import ContextFactory, default_context
from shared.edge.problem import log_problem, problem
from shared.edge.reply import Rendered
from shared.edge.request_facts import parent_of, request_id
from shared.edge.steps import Call, run
from shared.edge.transport import accept, finish, preflight, unread

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(frozen=True)
class Site:
    """The operations of an HTTP function. Nothing is read before the first request."""

    name: str
    folder: Path
    endpoints: tuple[Endpoint, ...]
    context: ContextFactory | None = None

    @cached_property
    def contexts(self) -> ContextFactory:
        """Where contexts come from."""
        return self.context or default_context()

    @cached_property
    def routes(self) -> MapAdapter:
        """The routes, absolute, from the manifest beside `main.py`.

        Raises `Misconfigured`, also for a trial that cannot work: nobody but visitors would notice it.
        """
        logs.configure(EdgeSettings.load().log_level, self.name)
        if any(endpoint.trial for endpoint in self.endpoints):
            TrialSettings.load().require_possible()
        manifest = load(self.folder, name=self.name)
        rules = [_rule(manifest, endpoint) for endpoint in self.endpoints]
        return Map(rules, strict_slashes=False, merge_slashes=False).bind("")

    def answer(self, request: Request) -> Response:
        """Answer one request. Whatever goes wrong, this gives a response, and tells nothing of the inside."""
        ident = request_id(request)
        method = request.method if request.method in _METHODS else "_OTHER"
        with tracing.serving(method, tracing.Kind.SERVER, parent_of(request)) as span:
            response = self._answer(request, ident)
            span.set(
                {
                    "http.request.method": method,
                    "http.response.status_code": response.status_code,
                    "imangor.function": self.name,
                }
            )
            return response

    def _answer(self, request: Request, ident: str) -> Response:
        try:
            response = self._dispatch(request, ident)
            if response.status_code >= 400:
                return unread(response, request)
            request.get_data()
            return response
        except Exception as error:
            refused = unreadable(error, request) if isinstance(error, HTTPException) else error
            log_problem(refused, ident)
            return unread(_plain(problem(refused, ident), ident), request)

    def _dispatch(self, request: Request, ident: str) -> Response:
        accept(request, EdgeSettings.load().max_body_bytes)
        try:
            path = _path(request)
            if request.method == "OPTIONS":
                return preflight(request, self._methods(path), ident)
            endpoint, values = self._match(path, request.method)
        except (NotFound, MethodNotAllowed) as error:
            log_problem(error, ident)
            return finish(problem(error, ident), request, ident)
        _name_span(endpoint)
        call = Call(endpoint, request, values, ident, self.contexts)
        reply = run(call)
        merged = Rendered(reply.status, {**reply.headers, **call.headers}, reply.body)
        return finish(merged, request, ident, private=endpoint.auth is not None)

    def _match(self, path: str, method: str) -> tuple[Endpoint, dict[str, str]]:
        try:
            endpoint, values = self.routes.match(path, method=method)
        except NoSuchMethod:
            raise MethodNotAllowed(self._methods(path)) from None
        except NoSuchPath:
            raise NotFound from None
        return cast("Endpoint", endpoint), {name: str(value) for name, value in values.items()}

    def _methods(self, path: str) -> list[str]:
        """What a path takes; one that is declared as it stands is none of a template's."""
        allowed = self.routes.allowed_methods(path)
        if not allowed:
            raise NotFound
        rules = {method: self.routes.match(path, method=method, return_rule=True)[0] for method in allowed}
        fewest = min(len(rule.arguments) for rule in rules.values())
        return sorted({"OPTIONS", *(name for name, rule in rules.items() if len(rule.arguments) == fewest)})


def _name_span(endpoint: Endpoint) -> None:
    """Name the request's span by its operation; a path itself may hold the caller's words."""
    span = tracing.current()
    if span is not None:
        span.name = f"{endpoint.method} {endpoint.name}"
        span.set({"http.route": endpoint.route})


def _rule(manifest: Manifest, endpoint: Endpoint) -> Rule:
    path = manifest.absolute(endpoint.route).replace("{", "<").replace("}", ">")
    return Rule(path, methods=[endpoint.method], endpoint=endpoint)


def _path(request: Request) -> str:
    """The path; one slash at its end does not matter. Raises `NotFound` for a slash that was escaped.

    WSGI hands the path over unescaped, so that `%2F`, which is no separator, would look like one.
    """
    if "%2f" in request.environ.get("RAW_URI", "").partition("?")[0].lower():
        raise NotFound
    path = request.path
    return path[:-1] if len(path) > 1 and path.endswith("/") else path


def _plain(reply: Rendered, ident: str) -> Response:
    body = reply.body if isinstance(reply.body, bytes) else b""
    return Response(body, reply.status, {**reply.headers, "X-Request-Id": ident, "Cache-Control": "no-store"})
