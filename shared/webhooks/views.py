"""From rows to what callers see."""

from __future__ import annotations

from typing import Any

from shared.webhooks.deliveries import DeliveryRecord, EventRecord
from shared.webhooks.endpoints import EndpointRecord
from shared.webhooks.schemas import Delivery, Endpoint, EndpointWithSecret, Event


def endpoint(record: EndpointRecord) -> Endpoint:
    """An endpoint without its secret."""
    return Endpoint.model_validate(_endpoint(record))


def endpoint_with_secret(record: EndpointRecord, secret: str) -> EndpointWithSecret:
    """An endpoint in the one answer that shows its secret."""
    return EndpointWithSecret.model_validate({**_endpoint(record), "secret": secret})


def event(record: EventRecord) -> Event:
    """An event."""
    return Event.model_validate(vars(record))


def delivery(record: DeliveryRecord) -> Delivery:
    """A delivery with its attempts."""
    shown = ("id", "type", "state", "attempts", "next_attempt_at", "created_at", "finished_at")
    values = {name: getattr(record, name) for name in shown}
    return Delivery.model_validate({**values, "endpoint": record.endpoint_id, "event": record.event_id})


def _endpoint(record: EndpointRecord) -> dict[str, Any]:
    values = dict(vars(record))
    enabled = values.pop("state") == "enabled"
    return {**values, "enabled": enabled}
