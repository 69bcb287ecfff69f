"""What callers do with webhooks: endpoints, their secrets, events, deliveries, replays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from shared.audit.actions import Action
from shared.audit.log import record as audit
from shared.core.cursors import Place, read_cursor, write_cursor
from shared.core.ids import new_id
from shared.db.unit_of_work import UnitOfWork
from shared.webhooks import views
from shared.webhooks.announcing import event_id, send
from shared.webhooks.deliveries import Deliveries, DeliveryRecord, EventRecord
from shared.webhooks.endpoints import EndpointRecord, Endpoints
from shared.webhooks.errors import (
    DestinationRefused,
    EndpointChanged,
    EndpointDisabled,
    EndpointExists,
    NameNotResolved,
    TooManyEndpoints,
    TooManySecrets,
)
from shared.webhooks.payloads import EndpointTest, EventType
from shared.webhooks.schemas import (
    CreateEndpoint,
    Delivery,
    DeliveryFilter,
    DeliveryPage,
    Endpoint,
    EndpointList,
    EndpointWithSecret,
    EventFilter,
    EventPage,
    UpdateEndpoint,
)
from shared.webhooks.sealing import SigningSecrets
from shared.webhooks.signature import new_secret
from shared.webhooks.transport import Transport

MOST_ENDPOINTS: Final = 20
MOST_SECRETS: Final = 4
SECRET_OVERLAP: Final = timedelta(hours=24)
"""For so long after a change, messages are signed with the earlier secret, too."""


class WebhookService:
    """The operations. `current` gives the request's unit of work."""

    def __init__(self, current: Callable[[], UnitOfWork], transport: Transport, secrets: SigningSecrets):
        self._current = current
        self._transport = transport
        self._secrets = secrets

    def create(self, order: CreateEndpoint) -> EndpointWithSecret:
        """Add an endpoint. Raises `DestinationRefused`, `EndpointExists`, `TooManyEndpoints`."""
        self._check(order.url)
        endpoints, ident, secret = Endpoints(self._current()), new_id("whe"), new_secret()
        sealed = self._sealed(ident, secret)
        endpoints.lock_account()
        if len(endpoints.all()) >= MOST_ENDPOINTS:
            raise TooManyEndpoints()
        types = [each.value for each in order.types]
        values = {"id": ident, "url": order.url, "types": types, "description": order.description}
        record = endpoints.add(values)
        endpoints.add_secret(ident, 1, sealed)
        audit(self._current(), Action.ENDPOINT_CREATED, ident)
        return views.endpoint_with_secret(record, secret)

    def all(self) -> EndpointList:
        """Every endpoint."""
        return EndpointList(endpoints=[views.endpoint(each) for each in Endpoints(self._current()).all()])

    def get(self, endpoint: str) -> Endpoint:
        """One endpoint; raises `EndpointNotFound`."""
        return views.endpoint(Endpoints(self._current()).get(endpoint))

    def update(self, endpoint: str, change: UpdateEndpoint, if_match: str | None) -> Endpoint:
        """Change an endpoint. To disable it ends what is pending; to enable it begins with a clean slate.

        Raises `EndpointChanged` when `if_match` is not its version, and what `create` raises.
        """
        if change.url is not None:
            self._check(change.url)
        uow = self._current()
        endpoints = Endpoints(uow)
        record = endpoints.get(endpoint, lock=True)
        if if_match not in (None, "*", str(record.version)):
            raise EndpointChanged()
        if change.url is not None and endpoints.has_url(change.url, but=endpoint):
            raise EndpointExists()
        if values := _changes(record, change):
            endpoints.change(endpoint, **values)
            audit(uow, Action.ENDPOINT_CHANGED, endpoint, changed=",".join(sorted(values)))
        if values.get("state") == "disabled":
            Deliveries(uow).give_up(endpoint=endpoint)
        return views.endpoint(endpoints.get(endpoint))

    def delete(self, endpoint: str) -> None:
        """Forget an endpoint; what is pending for it ends."""
        uow = self._current()
        Endpoints(uow).get(endpoint, lock=True)
        Endpoints(uow).delete(endpoint)
        audit(uow, Action.ENDPOINT_DELETED, endpoint)
        Deliveries(uow).give_up(endpoint=endpoint)

    def rotate(self, endpoint: str) -> EndpointWithSecret:
        """Give the endpoint another secret; the earlier one is used beside it for a day."""
        endpoints, secret = Endpoints(self._current()), new_secret()
        sealed = self._sealed(endpoint, secret)
        endpoints.get(endpoint, lock=True)
        known = endpoints.secrets(endpoint)
        if len(known) >= MOST_SECRETS:
            raise TooManySecrets()
        endpoints.expire_secrets(endpoint, SECRET_OVERLAP)
        endpoints.add_secret(endpoint, known[0].number + 1, sealed)
        endpoints.change(endpoint)
        audit(self._current(), Action.ENDPOINT_SECRET_ROTATED, endpoint)
        return views.endpoint_with_secret(endpoints.get(endpoint), secret)

    def test(self, endpoint: str) -> Delivery:
        """Send an event that nothing happened for to this endpoint, whatever types it takes."""
        uow = self._current()
        self._require_enabled(endpoint)
        kind = EventType.ENDPOINT_TEST
        event = event_id(str(uow.account), new_id("test"), kind)
        Deliveries(uow).add_event(event, kind.value, EndpointTest(endpoint=endpoint).model_dump())
        (delivery,) = send(uow, event, [endpoint])
        return self.delivery(delivery)

    def events(self, query: EventFilter) -> EventPage:
        """A page of events, newest first."""
        after = None if query.cursor is None else read_cursor(query.cursor, "evt")
        kind = None if query.type is None else query.type.value
        records = Deliveries(self._current()).events(query.limit + 1, kind, after)
        return EventPage(
            events=[views.event(each) for each in records[: query.limit]],
            next_cursor=_next(records, query.limit),
        )

    def replay_event(self, event: str) -> DeliveryPage:
        """Deliver an event to every enabled endpoint that takes its type, whether it had it or not."""
        uow = self._current()
        deliveries = Deliveries(uow)
        found = deliveries.event(event)
        started = send(uow, event, deliveries.takers(found.type))
        return DeliveryPage(deliveries=[self.delivery(each) for each in started], next_cursor=None)

    def deliveries(self, query: DeliveryFilter) -> DeliveryPage:
        """A page of deliveries, newest first."""
        after = None if query.cursor is None else read_cursor(query.cursor, "whd")
        chosen = (query.endpoint, query.event, query.state)
        records = Deliveries(self._current()).page(query.limit + 1, after, *chosen)
        return DeliveryPage(
            deliveries=[views.delivery(each) for each in records[: query.limit]],
            next_cursor=_next(records, query.limit),
        )

    def delivery(self, delivery: str) -> Delivery:
        """One delivery; raises `DeliveryNotFound`."""
        return views.delivery(Deliveries(self._current()).get(delivery))

    def replay(self, delivery: str) -> Delivery:
        """Begin a delivery's schedule anew, at once; raises `EndpointDisabled`."""
        uow = self._current()
        found = Deliveries(uow).get(delivery)
        self._require_enabled(found.endpoint_id)
        send(uow, found.event_id, [found.endpoint_id])
        return self.delivery(delivery)

    def _require_enabled(self, endpoint: str) -> None:
        if Endpoints(self._current()).get(endpoint, lock=True).state != "enabled":
            raise EndpointDisabled()

    def _sealed(self, endpoint: str, secret: str) -> bytes:
        """Before the transaction, since the key may have to be asked for."""
        return self._secrets.seal(str(self._current().account), endpoint, secret)

    def _check(self, url: str) -> None:
        """Before the transaction, since the DNS may be slow. Delivery decides again."""
        try:
            self._transport.check(url)
        except NameNotResolved:
            raise DestinationRefused("host", "The URL's host has no address.") from None


def _changes(record: EndpointRecord, change: UpdateEndpoint) -> dict[str, Any]:
    """The columns that become something else."""
    wanted: dict[str, Any] = {"url": change.url, "description": change.description}
    wanted["types"] = None if change.types is None else [each.value for each in change.types]
    values = {k: v for k, v in wanted.items() if v is not None and v != getattr(record, k)}
    if change.enabled is True and record.state == "disabled":
        values |= {"state": "enabled", "reason": None, "failing_since": None}
    if change.enabled is False and record.state == "enabled":
        values |= {"state": "disabled", "reason": "requested"}
    return values


def _next(records: list[EventRecord] | list[DeliveryRecord], limit: int) -> str | None:
    """The cursor of the next page, where one more row than the page shows was found."""
    if len(records) <= limit:
        return None
    last = records[limit - 1]
    place: Place = (last.created_at, last.id)
    return write_cursor(place)
