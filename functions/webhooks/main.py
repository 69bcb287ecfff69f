"""/v1/webhooks: endpoints that are told what happens, events, and their deliveries."""

from __future__ import annotations

from shared.context import Context
from shared.edge import http
from shared.edge.http import Reply, mount
from shared.webhooks import errors, schemas

READ, WRITE = "webhooks:read", "webhooks:write"
URL_ERRORS = [errors.DestinationRefused, errors.EndpointExists]
MISSING, OFF = errors.EndpointNotFound, errors.EndpointDisabled


# The two answers with a secret are not kept to be given again by a key: the secret is shown once.
@http.post(
    "/endpoints",
    auth=WRITE,
    rate="60/minute",
    status=201,
    idempotent=False,
    errors=[*URL_ERRORS, errors.TooManyEndpoints],
)
def create_webhook_endpoint(ctx: Context, body: schemas.CreateEndpoint) -> Reply[schemas.EndpointWithSecret]:
    """Add an endpoint. The answer alone shows its secret; a second one with the same URL is refused."""
    made = ctx.webhooks.create(body)
    return Reply(made, headers={"Location": f"/v1/webhooks/endpoints/{made.id}"})


@http.get("/endpoints", auth=READ, rate="300/minute")
def list_webhook_endpoints(ctx: Context) -> schemas.EndpointList:
    """List the account's endpoints, the oldest first."""
    return ctx.webhooks.all()


@http.get("/endpoints/{endpoint_id}", auth=READ, rate="300/minute", errors=[MISSING])
def get_webhook_endpoint(ctx: Context, endpoint_id: schemas.EndpointId) -> schemas.Endpoint:
    """Read an endpoint."""
    return ctx.webhooks.get(endpoint_id)


@http.patch(
    "/endpoints/{endpoint_id}",
    auth=WRITE,
    rate="60/minute",
    errors=[MISSING, *URL_ERRORS, errors.EndpointChanged],
)
def update_webhook_endpoint(
    ctx: Context, endpoint_id: schemas.EndpointId, body: schemas.UpdateEndpoint, if_match: str | None
) -> schemas.Endpoint:
    """Change an endpoint's URL, types or description, disable it, or enable it again."""
    return ctx.webhooks.update(endpoint_id, body, if_match)


@http.delete("/endpoints/{endpoint_id}", auth=WRITE, rate="60/minute", status=204, errors=[MISSING])
def delete_webhook_endpoint(ctx: Context, endpoint_id: schemas.EndpointId) -> None:
    """Delete an endpoint; what is pending for it is not sent."""
    ctx.webhooks.delete(endpoint_id)


@http.post(
    "/endpoints/{endpoint_id}/rotate",
    auth=WRITE,
    rate="10/minute",
    idempotent=False,
    errors=[MISSING, errors.TooManySecrets],
)
def rotate_webhook_secret(ctx: Context, endpoint_id: schemas.EndpointId) -> schemas.EndpointWithSecret:
    """Change the secret. For 24 hours messages carry a signature of each."""
    return ctx.webhooks.rotate(endpoint_id)


@http.post("/endpoints/{endpoint_id}/test", auth=WRITE, rate="10/minute", errors=[MISSING, OFF])
def test_webhook_endpoint(ctx: Context, endpoint_id: schemas.EndpointId) -> schemas.Delivery:
    """Send an `endpoint.test` event to an endpoint."""
    return ctx.webhooks.test(endpoint_id)


@http.get("/events", auth=READ, rate="300/minute")
def list_webhook_events(ctx: Context, query: schemas.EventFilter) -> schemas.EventPage:
    """List what happened in the last 30 days, newest first."""
    return ctx.webhooks.events(query)


@http.post("/events/{event_id}/replay", auth=WRITE, rate="60/minute", errors=[errors.EventNotFound])
def replay_webhook_event(ctx: Context, event_id: schemas.EventId) -> schemas.DeliveryPage:
    """Deliver an event again, to every enabled endpoint that takes its type."""
    return ctx.webhooks.replay_event(event_id)


@http.get("/deliveries", auth=READ, rate="300/minute")
def list_webhook_deliveries(ctx: Context, query: schemas.DeliveryFilter) -> schemas.DeliveryPage:
    """List deliveries with their attempts, newest first."""
    return ctx.webhooks.deliveries(query)


@http.get("/deliveries/{delivery_id}", auth=READ, rate="300/minute", errors=[errors.DeliveryNotFound])
def get_webhook_delivery(ctx: Context, delivery_id: schemas.DeliveryId) -> schemas.Delivery:
    """Read a delivery with its attempts."""
    return ctx.webhooks.delivery(delivery_id)


@http.post(
    "/deliveries/{delivery_id}/replay",
    auth=WRITE,
    rate="60/minute",
    errors=[errors.DeliveryNotFound, MISSING, OFF],
)
def replay_webhook_delivery(ctx: Context, delivery_id: schemas.DeliveryId) -> schemas.Delivery:
    """Deliver again, at once and with a schedule of its own."""
    return ctx.webhooks.replay(delivery_id)


ENDPOINTS = (create_webhook_endpoint, list_webhook_endpoints, get_webhook_endpoint, update_webhook_endpoint)
MORE = (delete_webhook_endpoint, rotate_webhook_secret, test_webhook_endpoint)
EVENTS = (list_webhook_events, replay_webhook_event)
DELIVERIES = (list_webhook_deliveries, get_webhook_delivery, replay_webhook_delivery)
webhooks = mount("webhooks", *ENDPOINTS, *MORE, *EVENTS, *DELIVERIES)
