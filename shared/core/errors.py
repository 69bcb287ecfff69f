"""The one family of errors: each knows its HTTP status, its problem slug and whether a retry can help."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with an input: `pointer` is an RFC 6901 JSON pointer, `code` a stable word."""

    pointer: str
    code: str
    detail: str

    def as_dict(self) -> dict[str, str]:
        """The member of a problem document's `errors` list."""
        return asdict(self)


class ImangorError(Exception):
    """Something went wrong."""

    slug: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    retry: ClassVar[bool] = False
    oauth: ClassVar[str] = ""
    """The word of OAuth 2.0 for this (RFC 6749, 5.2), where that is not plain from the status."""

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: list[FieldError] | None = None,
        retry_after: float | None = None,
    ) -> None:
        """Build the error; without `detail` the class's docstring speaks. `retry_after` is in seconds."""
        self.detail = detail or (type(self).__doc__ or "").strip().split("\n")[0]
        self.errors = errors or []
        self.retry_after = retry_after
        super().__init__(self.detail)

    @property
    def headers(self) -> dict[str, str]:
        """HTTP headers that belong to this answer."""
        return {} if self.retry_after is None else {"Retry-After": str(max(1, round(self.retry_after)))}

    @property
    def members(self) -> dict[str, object]:
        """Further members of the problem document (RFC 9457, 3.2)."""
        return {}


class InvalidInput(ImangorError):
    """The request is not valid; `errors` says where."""

    slug, status, title = "invalid-input", 422, "Invalid input"


class MalformedRequest(ImangorError):
    """The request could not be read."""

    slug, status, title = "malformed-request", 400, "Malformed request"


class Unauthenticated(ImangorError):
    """Credentials are missing or not valid."""

    slug, status, title = "unauthenticated", 401, "Not authenticated"

    @property
    def headers(self) -> dict[str, str]:
        """RFC 9110 wants the scheme named with each 401."""
        return {"WWW-Authenticate": 'Bearer realm="imangor"'}


class Forbidden(ImangorError):
    """These credentials may not do this."""

    slug, status, title = "forbidden", 403, "Forbidden"


class NotFound(ImangorError):
    """There is no such resource."""

    slug, status, title = "not-found", 404, "Not found"


class Conflict(ImangorError):
    """The resource's state does not allow this."""

    slug, status, title = "conflict", 409, "Conflict"


class KeyReused(ImangorError):
    """This Idempotency-Key was used with another request."""

    slug, status, title = "idempotency-key-reused", 422, "Idempotency key reused"


class KeyInProgress(Conflict):
    """The first request with this Idempotency-Key is still running."""

    slug = "idempotency-key-in-progress"


class TooLarge(ImangorError):
    """The content is larger than the limit."""

    slug, status, title = "too-large", 413, "Content too large"


class UnsupportedMedia(ImangorError):
    """The content is of a type that cannot be translated."""

    slug, status, title = "unsupported-media", 415, "Unsupported media type"


class RateLimited(ImangorError):
    """Too many requests; wait as long as `Retry-After` says."""

    slug, status, title, retry = "rate-limited", 429, "Too many requests", True


class TransientError(ImangorError):
    """Something needed is not answering now; the same request may work later."""

    slug, status, title, retry = "temporarily-unavailable", 503, "Temporarily unavailable", True


class DependencyDown(TransientError):
    """A service that every request needs refuses everybody; callers should slow down."""

    slug = "dependency-down"


class OutcomeUnknown(DependencyDown):
    """It is not known whether this was done; the same request with the same Idempotency-Key will tell."""

    slug = "outcome-unknown"


class WorkUndone(TransientError):
    """The work was undone because of other work at the same time; it can be done again at once."""

    slug = "work-undone"


class RetryLater(TransientError):
    """The work belongs to somebody else until `when` and should be looked at again then."""

    slug = "retry-later"

    def __init__(self, when: datetime, detail: str | None = None) -> None:
        """`when` is an aware time on the database's clock."""
        super().__init__(detail)
        self.when = when
