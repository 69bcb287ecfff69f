"""Where functions-framework would answer by itself, in HTML or plain text: our problem documents instead."""

from __future__ import annotations

from flask import Response, current_app, has_app_context, request
from werkzeug.exceptions import HTTPException

from shared.core.errors import ImangorError, NotFound
from shared.edge.problem import problem
from shared.edge.request_facts import request_id


def replace_error_pages() -> None:
    """Take over the error pages of the application whose module is being loaded, if one is.

    The framework loads a function's module inside the context of its application, and answers by itself
    where a path such as `/robots.txt` never reaches the function.
    """
    if has_app_context():
        current_app.register_error_handler(HTTPException, _describe)
        current_app.register_error_handler(500, _describe)


def _describe(error: HTTPException) -> Response:
    ident = request_id(request)
    known: ImangorError = NotFound() if error.code in (404, 405) else ImangorError()
    reply = problem(known, ident)
    body = reply.body if isinstance(reply.body, bytes) else b""
    return Response(body, reply.status, {**reply.headers, "X-Request-Id": ident})
