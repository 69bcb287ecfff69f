"""Deliveries of Pub/Sub and Cloud Storage, unwrapped once: what happened, and which delivery of it this is.

Read are Pub/Sub push requests (cloud.google.com/pubsub/docs/push), Cloud Storage's notifications inside them
(cloud.google.com/storage/docs/pubsub-notifications), and the CloudEvents 1.0 (binary and structured) of the
types `google.cloud.storage.object.v1.finalized` and `google.cloud.pubsub.topic.v1.messagePublished`.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.datastructures import Headers

from shared.edge.errors import MalformedEvent
from shared.edge.strict_json import loads

FINALIZED = "google.cloud.storage.object.v1.finalized"
PUBLISHED = "google.cloud.pubsub.topic.v1.messagePublished"


class ObjectFinalized(BaseModel):
    """An object has come to be in a bucket. Its identity is bucket, name and generation."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    bucket: str = Field(min_length=1)
    name: str = Field(min_length=1)
    generation: int = Field(gt=0)
    size: int | None = Field(None, ge=0, description="bytes")
    content_type: str | None = Field(None, alias="contentType", description="as the uploader said")
    metadata: dict[str, str] = {}

    @property
    def identity(self) -> str:
        """`bucket/name#generation`."""
        return f"{self.bucket}/{self.name}#{self.generation}"


@dataclass(frozen=True)
class Message:
    """One message, whatever wrapped it. `attempt` counts from 0."""

    identity: str
    attributes: Mapping[str, str]
    data: bytes
    attempt: int = 0
    published_at: datetime | None = None
    finalized: ObjectFinalized | None = None


def unwrap(headers: Headers, media_type: str, raw: bytes) -> Message:
    """Read a delivery. Raises `MalformedEvent` or `MalformedRequest`."""
    if "ce-type" in headers:
        return _cloud_event(headers["ce-type"], _object(loads(raw)))
    document = _object(loads(raw))
    if media_type == "application/cloudevents+json":
        data = document.get("data")
        if data is None and isinstance(document.get("data_base64"), str):
            data = loads(_decode(document["data_base64"]))
        return _cloud_event(str(document.get("type")), _object(data))
    return _push(document)


def _cloud_event(kind: str, data: dict[str, Any]) -> Message:
    if kind == PUBLISHED:
        return _push(data)
    if kind != FINALIZED:
        raise MalformedEvent("The CloudEvent is of another type.")
    found = _finalized(data)
    return Message(found.identity, {}, json.dumps(data).encode(), finalized=found)


def _push(document: dict[str, Any]) -> Message:
    message = _object(document.get("message"))
    attributes = _object(message.get("attributes") or {})
    if not all(isinstance(value, str) for value in attributes.values()):
        raise MalformedEvent("An attribute is not a text.")
    data = _decode(message.get("data") or "")
    number = message.get("messageId") or message.get("message_id")
    if not isinstance(number, str):
        raise MalformedEvent("The message has no id.")
    found = _notification(attributes, data)
    attempt = document.get("deliveryAttempt")
    return Message(
        identity=found.identity if found else _published_identity(attributes, number),
        attributes=attributes,
        data=data,
        attempt=attempt - 1 if isinstance(attempt, int) and attempt > 0 else 0,
        published_at=_time(message.get("publishTime") or message.get("publish_time")),
        finalized=found,
    )


def _published_identity(attributes: dict[str, str], number: str) -> str:
    """The publisher's own identity (CloudEvents over Pub/Sub), which stays when it publishes twice."""
    source, ident = attributes.get("ce-source"), attributes.get("ce-id")
    return f"{source}#{ident}" if source and ident else number


def _notification(attributes: dict[str, str], data: bytes) -> ObjectFinalized | None:
    if "bucketId" not in attributes or "eventType" not in attributes:
        return None
    if attributes["eventType"] != "OBJECT_FINALIZE":
        raise MalformedEvent("The notification is not of a new object.")
    described = _object(loads(data)) if data and attributes.get("payloadFormat") == "JSON_API_V1" else {}
    named = {
        "bucket": attributes["bucketId"],
        "name": attributes.get("objectId"),
        "generation": attributes.get("objectGeneration"),
    }
    return _finalized({**described, **named})


def _finalized(data: dict[str, Any]) -> ObjectFinalized:
    try:
        return ObjectFinalized.model_validate(data)
    except ValidationError as error:
        wrong = ", ".join(str(e["loc"][0]) for e in error.errors() if e["loc"])
        raise MalformedEvent(f"The object's {wrong} cannot be read.") from None


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MalformedEvent
    return value


def _decode(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise MalformedEvent("The data are not base64.") from None


def _time(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else None
