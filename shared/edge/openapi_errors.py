"""The error replies of an operation: those it declares, and those that the steps before it can give."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shared.core.errors import (
    Forbidden,
    ImangorError,
    InvalidInput,
    KeyInProgress,
    KeyReused,
    MalformedRequest,
    NotFound,
    RateLimited,
    TooLarge,
    TransientError,
    Unauthenticated,
)
from shared.edge.endpoint import Endpoint
from shared.edge.errors import PreconditionRequired, UnsupportedContentType
from shared.edge.problem import PROBLEM_JSON
from shared.edge.reply import JSON

ErrorType = type[ImangorError]

_CONTENT = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_OAUTH_CONTENT = {JSON: {"schema": {"$ref": "#/components/schemas/OAuthProblem"}}}
_HEADERS = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}}},
    409: {"Retry-After": {"schema": {"type": "integer", "minimum": 1}}},
    429: {"Retry-After": {"schema": {"type": "integer", "minimum": 1}}},
    503: {"Retry-After": {"schema": {"type": "integer", "minimum": 1}}},
}


def errors_of(endpoint: Endpoint) -> list[ErrorType]:
    """Every error that a caller of this operation may see."""
    signature = endpoint.signature
    reads_content = signature.body is not None or signature.file
    found: list[ErrorType] = [*endpoint.errors, ImangorError, TransientError]
    found += [Unauthenticated, Forbidden] if endpoint.auth is not None else []
    found += [RateLimited] if endpoint.auth is not None or endpoint.rate else []
    found += [NotFound] if signature.path else []
    found += [MalformedRequest] if reads_content or signature.query else []
    found += [InvalidInput] if (reads_content or signature.query) and not endpoint.oauth else []
    found += [TooLarge, UnsupportedContentType] if reads_content else []
    found += [MalformedRequest] if signature.if_match else []
    found += [MalformedRequest, KeyInProgress, KeyReused] if endpoint.idempotent else []
    found += [PreconditionRequired] if signature.if_match and not signature.if_match_optional else []
    return list(dict.fromkeys(found))


def error_responses(endpoint: Endpoint) -> dict[str, Any]:
    """OpenAPI responses by status; one error of a status is shared, several are described together."""
    by_status: dict[int, list[ErrorType]] = {}
    for error in errors_of(endpoint):
        by_status.setdefault(error.status, []).append(error)
    return {
        str(status): {"$ref": f"#/components/responses/{errors[0].__name__}"}
        if len(errors) == 1 and not endpoint.oauth
        else _response(errors, _OAUTH_CONTENT if endpoint.oauth else _CONTENT)
        for status, errors in sorted(by_status.items())
    }


def shared_responses(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The response components that `error_responses` refers to."""
    shown = (endpoint for endpoint in endpoints if not endpoint.oauth)
    used = {error.__name__: error for endpoint in shown for error in errors_of(endpoint)}
    return {name: _response([error], _CONTENT) for name, error in sorted(used.items())}


def _response(errors: list[ErrorType], content: dict[str, Any]) -> dict[str, Any]:
    sentences = [f"`{e.slug}`: {(e.__doc__ or '').strip().splitlines()[0]}" for e in errors]
    response: dict[str, Any] = {"description": " ".join(sorted(sentences)), "content": content}
    headers = _HEADERS.get(errors[0].status)
    return response | ({"headers": headers} if headers else {})
