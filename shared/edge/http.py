"""HTTP functions: declare operations with `get`, `post`, `put`, `patch`, `delete`, and `mount` them.

    from shared.edge import http
    from shared.edge.http import mount

    @http.post("/", auth="jobs:write", rate="30/minute", status=201, errors=[QuotaExceeded])
    def create_job(ctx: Context, body: CreateJob) -> Job:
        "Start translating a file."
        return ctx.jobs.create(ctx.principal, body)

    jobs = mount("jobs", create_job)

An operation takes, by the names of its parameters: `ctx`; `body` (a pydantic model, `| None` when it may be
absent); `file: Upload` (with it the content may be multipart: the body as a part `request` of JSON or as
plain fields, and one part `file`; `Upload | None` leaves JSON alone possible); `query` (a pydantic model);
`if_match: str` (the opaque part of the entity tag; `| None` when it may be absent); and the names in its
route. It returns a model, None, or a `Reply`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypedDict, TypeVar, Unpack, cast

import flask
import functions_framework
from pydantic import BaseModel

from shared.core.errors import ImangorError
from shared.edge.endpoint import Endpoint, Trial, declare
from shared.edge.framework import replace_error_pages
from shared.edge.ports import ContextFactory
from shared.edge.reply import Reply as Reply
from shared.edge.reply import Stream as Stream
from shared.edge.router import Site
from shared.edge.upload import Upload as Upload

MAX_OPERATIONS = 12

F = TypeVar("F", bound=Callable[..., object])


class Declaration(TypedDict, total=False):
    """The optional words of a declaration.

    Before them stands `auth`: a scope, `"person"` for anybody who signed in, account or not, or None.

    `rate` is such as `30/minute`, counted per principal; `status` is that of success; `errors` are those the
    operation itself raises; `multipart` is the model of plain form fields where it is not that of `body`;
    `produces` the media type of a bytes reply, or several by commas.

    `transaction` False leaves the unit of work to the operation. One with a unit of work around it may be
    done again at once when the database undid it, so whatever it does elsewhere follows the commit, or is
    undone by `after_rollback`.

    Every unsafe operation with `auth` accepts `Idempotency-Key`; `idempotent` False opts out, for a reply
    that must not be kept (a secret that is shown once) or cannot be (a stream). Where `transaction` is
    False, an attempt that dies midway may be repeated when its key is free again: it must be harmless then.

    `oauth` speaks as RFC 6749 has it: the body is a form (`application/x-www-form-urlencoded`), and a problem
    has the members `error` and `error_description`.

    `trial` lets visitors in besides, where there is a trial: `"begins"` takes one without a credential, who
    gets a token, and that and `"own"` take who has a token. What they find is theirs alone.

    `signed` takes messages of somebody who has a secret and no account: they prove themselves by a signature.
    """

    rate: str
    idempotent: bool
    status: int
    errors: Sequence[type[ImangorError]]
    multipart: type[BaseModel]
    produces: str
    transaction: bool
    signed: bool
    oauth: bool
    trial: Trial


def get(route: str, *, auth: str | None, **words: Unpack[Declaration]) -> Callable[[F], F]:
    """Declare a reading operation; it answers HEAD too. `auth` is a scope, or None: public."""
    return _operation("GET", route, auth, words)


def post(route: str, *, auth: str | None, **words: Unpack[Declaration]) -> Callable[[F], F]:
    """Declare an operation that creates or does something. `auth` is a scope, or None: public."""
    return _operation("POST", route, auth, words)


def put(route: str, *, auth: str | None, **words: Unpack[Declaration]) -> Callable[[F], F]:
    """Declare an operation that replaces something. `auth` is a scope, or None: public."""
    return _operation("PUT", route, auth, words)


def patch(route: str, *, auth: str | None, **words: Unpack[Declaration]) -> Callable[[F], F]:
    """Declare an operation that changes a part of something. `auth` is a scope, or None: public."""
    return _operation("PATCH", route, auth, words)


def delete(route: str, *, auth: str | None, **words: Unpack[Declaration]) -> Callable[[F], F]:
    """Declare an operation that deletes something. `auth` is a scope, or None: public."""
    return _operation("DELETE", route, auth, words)


def mount(
    name: str, *operations: Callable[..., object], context: ContextFactory | None = None
) -> Callable[[flask.Request], flask.Response]:
    """Compose declared operations into the entry point `name`, a plain function as the framework wants it.

    Routes are relative to the first path of the `function.yaml` beside the operations' module, except those
    that are themselves one of its paths. `context` replaces `shared.context.Context` in tests.
    """
    endpoints = tuple(endpoint_of(operation) for operation in operations)
    if not 1 <= len(endpoints) <= MAX_OPERATIONS:
        raise ValueError(f"{name}: a function has 1 to {MAX_OPERATIONS} operations")
    if len({(e.method, e.route) for e in endpoints}) < len(endpoints):
        raise ValueError(f"{name}: two operations have the same method and route")
    module = endpoints[0].function.__globals__
    site = Site(name, Path(module["__file__"]).resolve().parent, endpoints, context)

    def entry(request: flask.Request) -> flask.Response:
        return site.answer(request)

    entry.__name__ = entry.__qualname__ = name
    entry.__module__ = module["__name__"]
    entry.__doc__ = module.get("__doc__")
    entry.__endpoints__ = endpoints  # type: ignore[attr-defined]
    replace_error_pages()
    return cast("Callable[[flask.Request], flask.Response]", functions_framework.http(entry))


def endpoint_of(operation: Callable[..., object]) -> Endpoint:
    """The record on a declared operation; raises TypeError where there is none."""
    record = getattr(operation, "__endpoint__", None)
    if not isinstance(record, Endpoint):
        raise TypeError(f"{getattr(operation, '__name__', operation)} is not a declared operation")
    return record


def _operation(method: str, route: str, auth: str | None, words: Declaration) -> Callable[[F], F]:
    def leave_record(function: F) -> F:
        function.__endpoint__ = declare(function, method, route, auth=auth, **words)  # type: ignore[attr-defined]
        return function

    return leave_record
