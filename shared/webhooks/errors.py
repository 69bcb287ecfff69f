"""The refusals of the webhooks feature, and why a message did not arrive."""

from __future__ import annotations

from shared.core.errors import Conflict, FieldError, ImangorError, NotFound


class EndpointNotFound(NotFound):
    """There is no such webhook endpoint in this account."""


class EventNotFound(NotFound):
    """There is no such event in this account, or it is no longer kept."""


class DeliveryNotFound(NotFound):
    """There is no such delivery in this account, or it is no longer kept."""


class EndpointExists(Conflict):
    """The account has an endpoint with this URL."""

    slug = "endpoint-exists"


class TooManyEndpoints(Conflict):
    """The account has as many endpoints as it may have."""

    slug = "too-many-endpoints"


class EndpointDisabled(Conflict):
    """The endpoint is disabled; enable it first."""

    slug = "endpoint-disabled"


class TooManySecrets(Conflict):
    """The secret was changed so often that the earlier ones must run out first."""

    slug = "too-many-secrets"


class EndpointChanged(ImangorError):
    """The endpoint was changed since it was read."""

    slug, status, title = "endpoint-changed", 412, "Precondition failed"


class DestinationRefused(ImangorError):
    """Webhooks are not sent to this address."""

    slug, status, title = "destination-refused", 422, "Destination refused"

    def __init__(self, code: str, detail: str) -> None:
        """`code` is a stable word, `detail` a sentence that names no address."""
        super().__init__(detail, errors=[FieldError("/url", code, detail)])


class NotDelivered(ImangorError):
    """The message did not arrive."""

    slug, status, title, retry = "not-delivered", 502, "Not delivered", True


class NameNotResolved(NotDelivered):
    """The receiver's name has no address."""

    slug = "name-not-resolved"


class ConnectionFailed(NotDelivered):
    """The receiver does not take a connection, or closed it without an answer."""

    slug = "connection-failed"


class TlsFailed(NotDelivered):
    """The receiver's certificate or its TLS is not in order."""

    slug = "tls-failed"


class TimedOut(NotDelivered):
    """The receiver did not answer in time."""

    slug = "timed-out"


class BadResponse(NotDelivered):
    """What the receiver answered is not HTTP."""

    slug = "bad-response"
