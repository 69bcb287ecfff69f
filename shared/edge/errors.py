"""Errors that only the edge raises."""

from __future__ import annotations

from shared.core.errors import ImangorError


class MethodNotAllowed(ImangorError):
    """This resource does not have this method; `Allow` names those it has."""

    slug, status, title = "method-not-allowed", 405, "Method not allowed"

    def __init__(self, allowed: list[str]) -> None:
        """`allowed` are the methods that would work."""
        super().__init__()
        self.allowed = allowed

    @property
    def headers(self) -> dict[str, str]:
        """RFC 9110 wants `Allow` with each 405."""
        return {"Allow": ", ".join(self.allowed)}


class PreconditionRequired(ImangorError):
    """This change needs an `If-Match` header with the entity tag that was read."""

    slug, status, title = "precondition-required", 428, "Precondition required"


class UnsupportedContentType(ImangorError):
    """The request's `Content-Type` is not one that this operation reads."""

    slug, status, title = "unsupported-content-type", 415, "Unsupported content type"


class AttemptsExhausted(ImangorError):
    """The work was tried as often as it may be and never ended."""

    slug, title = "attempts-exhausted", "Attempts exhausted"


class MalformedEvent(ImangorError):
    """The delivery is not an event that this function reads."""

    slug, status, title = "malformed-event", 400, "Malformed event"
