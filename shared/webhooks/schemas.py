"""Webhooks as callers see them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from shared.core.ids import id_pattern
from shared.webhooks.destinations import LONGEST_URL
from shared.webhooks.payloads import EventType

EndpointId = Annotated[str, Field(pattern=id_pattern("whe"), examples=["whe_01k9z3v5w8x2y4a6b8c0d2e4f6"])]
EventId = Annotated[str, Field(pattern=id_pattern("evt"), examples=["evt_7h2m4p6r8t0v2x4z6b8d0f2h4k"])]
DeliveryId = Annotated[str, Field(pattern=id_pattern("whd"), examples=["whd_01k9z3v5w8x2y4a6b8c0d2e4f6"])]
DeliveryState = Literal["pending", "delivered", "dead"]

_URL = Field(min_length=1, max_length=LONGEST_URL, examples=["https://example.com/hooks/imangor"])
_TYPES = Field(max_length=len(EventType), description="types of events to deliver; empty for every type")
_DESCRIPTION = Field(max_length=255, description="for people")


class Model(BaseModel):
    """Strict: an unknown member is an error."""

    model_config = ConfigDict(extra="forbid")


def _distinct(types: list[EventType] | None) -> list[EventType] | None:
    if types is not None and len(set(types)) != len(types):
        raise PydanticCustomError("duplicate", "Each type must be given only once.")
    return types


class CreateEndpoint(Model):
    """Where to deliver which events."""

    url: Annotated[str, _URL]
    types: Annotated[list[EventType], _TYPES] = []
    description: Annotated[str, _DESCRIPTION] = ""

    _types = field_validator("types")(_distinct)


class UpdateEndpoint(Model):
    """What to change; what is not given stays."""

    url: Annotated[str, _URL] | None = None
    types: Annotated[list[EventType], _TYPES] | None = None
    description: Annotated[str, _DESCRIPTION] | None = None
    enabled: bool | None = Field(None, description="false ends what is pending")

    _types = field_validator("types")(_distinct)


class Endpoint(Model):
    """A receiver of events."""

    id: EndpointId
    url: str
    types: list[EventType]
    description: str
    enabled: bool
    reason: Literal["requested", "gone", "failing"] | None = Field(
        None, description="why it is disabled: by a call, by its answer 410, or because it failed for days"
    )
    failing_since: datetime | None = Field(None, description="there have been failures only since then")
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def etag(self) -> str:
        """Changes whenever the endpoint does."""
        return str(self.version)


class EndpointWithSecret(Endpoint):
    """A receiver of events, with the secret of its signatures. It is not shown again."""

    secret: str = Field(description="`whsec_` and base64, as the libraries of Standard Webhooks take it")


class EndpointList(Model):
    """Every endpoint of the account."""

    endpoints: list[Endpoint]


class Event(Model):
    """Something that happened."""

    id: EventId
    type: EventType
    data: dict[str, Any]
    created_at: datetime


class EventPage(Model):
    """Some events, newest first."""

    events: list[Event]
    next_cursor: str | None = Field(None, description="`cursor` of the next page; null on the last")


class EventFilter(Model):
    """Which events to list."""

    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=200, description="`next_cursor` of the page before")
    type: EventType | None = None


class Attempt(Model):
    """One try. Of the receiver's answer only the status is kept."""

    number: int = Field(description="from 1")
    started_at: datetime
    milliseconds: int
    status: int | None = Field(description="the receiver's HTTP status; null when there was no answer")
    error: str | None = Field(
        description="`http-error`, `redirect`, `gone`, `timed-out`, `connection-failed`, `tls-failed`, "
        "`name-not-resolved`, `destination-refused`, `bad-response`, or a fault of ours; null when delivered"
    )


class Delivery(Model):
    """An event on its way to an endpoint."""

    id: DeliveryId
    endpoint: EndpointId
    event: EventId
    type: EventType
    state: DeliveryState = Field(description="`dead`: no further try is made, unless it is replayed")
    attempts: list[Attempt]
    next_attempt_at: datetime | None = None
    created_at: datetime
    finished_at: datetime | None = None


class DeliveryPage(Model):
    """Some deliveries, newest first."""

    deliveries: list[Delivery]
    next_cursor: str | None = Field(None, description="`cursor` of the next page; null on the last")


class DeliveryFilter(Model):
    """Which deliveries to list."""

    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=200, description="`next_cursor` of the page before")
    endpoint: EndpointId | None = None
    event: EventId | None = None
    state: DeliveryState | None = None
