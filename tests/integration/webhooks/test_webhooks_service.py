"""What callers do with webhooks: endpoints, secrets, events, deliveries, replays."""

from datetime import timedelta

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from shared.core.errors import InvalidInput
from shared.core.ids import is_id, new_id
from shared.webhooks.errors import (
    DeliveryNotFound,
    DestinationRefused,
    EndpointChanged,
    EndpointDisabled,
    EndpointExists,
    EndpointNotFound,
    EventNotFound,
    TooManyEndpoints,
    TooManySecrets,
)
from shared.webhooks.payloads import EventType
from shared.webhooks.schemas import CreateEndpoint, EventFilter, UpdateEndpoint
from shared.webhooks.service import MOST_ENDPOINTS, MOST_SECRETS, SECRET_OVERLAP
from shared.webhooks.transport import Transport

SECOND = timedelta(seconds=1)


def change(hooks, endpoint, if_match=None, **values):
    return hooks.call("update", endpoint, UpdateEndpoint.model_validate(values, strict=False), if_match)


def verifies(secret, request):
    try:
        Webhook(secret).verify(request.body, request.headers)
    except WebhookVerificationError:
        return False
    return True


def test_an_endpoint_is_made_read_changed_and_deleted(hooks):
    made = hooks.add(types=["job.failed"], description="ours")
    assert is_id("whe", made.id)
    assert made.secret.startswith("whsec_")
    read = hooks.call("get", made.id)
    assert "secret" not in read.model_dump()
    assert (read.enabled, read.types, read.description) == (True, [EventType.JOB_FAILED], "ours")
    changed = change(hooks, made.id, types=[], description="", url=hooks.receiver.url + "/b")
    assert (changed.types, changed.description, changed.url) == ([], "", hooks.receiver.url + "/b")
    assert changed.version == read.version + 1
    assert change(hooks, made.id, types=[]).version == changed.version
    hooks.call("delete", made.id)
    for operation in ("get", "delete", "rotate", "test"):
        with pytest.raises(EndpointNotFound):
            hooks.call(operation, made.id)
    assert hooks.call("all").endpoints == []
    hooks.add()


def test_the_secret_is_nowhere_in_the_database_in_clear(hooks):
    secret = hooks.add().secret
    hooks.call("rotate", hooks.call("all").endpoints[0].id)
    for table in ("webhook_endpoints", "webhook_secrets", "outbox"):
        rows = hooks.database.rows(f"select t::text from {table} t")  # noqa: S608 - our own names
        assert not any(secret.removeprefix("whsec_") in row[0] for row in rows)
    sealed = bytes(hooks.database.rows("select sealed from webhook_secrets order by number")[0][0])
    assert secret.encode() not in sealed


def test_only_who_read_the_last_version_may_change_it(hooks):
    endpoint = hooks.add()
    change(hooks, endpoint.id, if_match=endpoint.etag, description="one")
    with pytest.raises(EndpointChanged):
        change(hooks, endpoint.id, if_match=endpoint.etag, description="two")
    assert change(hooks, endpoint.id, if_match="*", description="three").description == "three"


def test_a_url_is_there_once(hooks):
    first, other = hooks.add(), hooks.add("/other")
    with pytest.raises(EndpointExists):
        hooks.add()
    with pytest.raises(EndpointExists):
        change(hooks, other.id, url=first.url)
    assert change(hooks, first.id, url=first.url).url == first.url
    somebody = type(hooks)(hooks.database, hooks.receiver, hooks.keys)
    assert somebody.add().url == first.url


def test_an_account_has_so_many_endpoints(hooks):
    for number in range(MOST_ENDPOINTS):
        hooks.add(f"/{number}")
    with pytest.raises(TooManyEndpoints):
        hooks.add("/more")


@pytest.mark.parametrize(
    ("url", "answer", "code"),
    [
        ("http://hooks.example.com/", [], "scheme"),
        ("https://169.254.169.254/", [], "address"),
        ("https://hooks.example.com/", ["10.0.0.1"], "address"),
        ("https://hooks.example.com/", [], "host"),
    ],
)
def test_where_messages_would_not_go_is_refused_at_once(hooks, url, answer, code):
    endpoint = hooks.add()
    hooks.transport = Transport(resolve=lambda host, port: answer)
    for call in (
        lambda: hooks.call("create", CreateEndpoint(url=url)),
        lambda: change(hooks, endpoint.id, url=url),
    ):
        with pytest.raises(DestinationRefused) as caught:
            call()
        assert caught.value.errors[0].code == code


def test_after_a_rotation_both_secrets_verify_for_a_day(hooks):
    old = hooks.add()
    new = hooks.call("rotate", old.id)
    assert new.secret != old.secret
    hooks.happen("job_1")
    hooks.work()
    assert verifies(old.secret, hooks.receiver.requests[0])
    assert verifies(new.secret, hooks.receiver.requests[0])
    assert len(hooks.receiver.requests[0].headers["webhook-signature"].split(" ")) == 2
    hooks.database.move_clock(SECRET_OVERLAP + SECOND)
    hooks.happen("job_2")
    hooks.work()
    assert len(hooks.receiver.requests[1].headers["webhook-signature"].split(" ")) == 1
    hooks.database.move_clock(timedelta())
    hooks.database.run("update webhook_secrets set expires_at = clock_now() where number = 1")
    hooks.happen("job_3")
    hooks.work()
    assert not verifies(old.secret, hooks.receiver.requests[2])
    assert verifies(new.secret, hooks.receiver.requests[2])


def test_rotations_in_a_row_keep_what_a_receiver_may_still_use(hooks):
    """A rotation whose answer was lost is done again; the receiver has only the first secret."""
    secrets = [hooks.add().secret]
    endpoint = hooks.call("all").endpoints[0].id
    secrets += [hooks.call("rotate", endpoint).secret for _ in range(MOST_SECRETS - 1)]
    with pytest.raises(TooManySecrets):
        hooks.call("rotate", endpoint)
    hooks.happen()
    hooks.work()
    assert all(verifies(secret, hooks.receiver.requests[0]) for secret in secrets)
    hooks.database.move_clock(SECRET_OVERLAP + SECOND)
    hooks.call("rotate", endpoint)


def test_a_test_event_goes_to_one_endpoint_whatever_it_takes(hooks):
    endpoint = hooks.add(types=["job.failed"])
    hooks.add("/other")
    delivery = hooks.call("test", endpoint.id)
    assert (delivery.endpoint, delivery.type, delivery.state) == (
        endpoint.id,
        EventType.ENDPOINT_TEST,
        "pending",
    )
    assert hooks.work() == 1
    (request,) = hooks.receiver.requests
    assert Webhook(endpoint.secret).verify(request.body, request.headers)["data"] == {"endpoint": endpoint.id}
    assert hooks.call("test", endpoint.id).event != delivery.event


def test_disabling_ends_what_is_pending_and_enabling_begins_anew(hooks):
    endpoint = hooks.add()
    hooks.happen()
    hooks.receiver.answer(500, 200)
    hooks.work()
    disabled = change(hooks, endpoint.id, enabled=False)
    assert (disabled.enabled, disabled.reason) == (False, "requested")
    assert hooks.delivery().state == "dead"
    assert hooks.work() == 1
    assert len(hooks.receiver.requests) == 1
    for operation, argument in (("test", endpoint.id), ("replay", hooks.delivery().id)):
        with pytest.raises(EndpointDisabled):
            hooks.call(operation, argument)
    enabled = change(hooks, endpoint.id, enabled=True)
    assert (enabled.enabled, enabled.reason, enabled.failing_since) == (True, None, None)
    hooks.call("replay", hooks.delivery().id)
    hooks.work()
    assert hooks.delivery().state == "delivered"


def test_a_replay_has_the_same_id_and_a_schedule_of_its_own(hooks):
    hooks.add()
    event = hooks.happen()
    hooks.work()
    (delivery,) = hooks.deliveries()
    hooks.receiver.answer(500)
    replayed = hooks.call("replay", delivery.id)
    assert (replayed.id, replayed.state) == (delivery.id, "pending")
    moved, tries = timedelta(), 0
    while hooks.sent:
        moved += max(hooks.waits()) + SECOND
        hooks.database.move_clock(moved)
        tries += hooks.work()
    assert tries == 10
    assert {request.headers["webhook-id"] for request in hooks.receiver.requests} == {event}
    assert [a.number for a in hooks.delivery().attempts] == list(range(1, 12))
    assert hooks.delivery().state == "dead"


def test_a_replay_of_what_is_pending_sends_it_at_once_and_once(hooks):
    hooks.add()
    hooks.happen()
    hooks.receiver.answer(500, 200)
    hooks.work()
    later = hooks.tasks()
    hooks.call("replay", hooks.delivery().id)
    assert hooks.work() == 1
    for task in later:
        hooks.deliver(task)
    assert len(hooks.receiver.requests) == 2
    assert [a.status for a in hooks.delivery().attempts] == [500, 200]


def test_an_event_is_replayed_to_endpoints_that_came_later(hooks):
    first = hooks.add()
    event = hooks.happen()
    hooks.work()
    later, other = hooks.add("/later"), hooks.add("/other", types=["job.failed"])
    page = hooks.call("replay_event", event)
    assert {d.endpoint for d in page.deliveries} == {first.id, later.id}
    assert hooks.work() == 2
    assert len(hooks.receiver.requests) == 3
    assert hooks.deliveries(endpoint=other.id) == []


def test_events_are_there_without_any_endpoint(hooks):
    ids = [hooks.happen(f"job_{n}") for n in range(5)]
    hooks.happen("job_6", EventType.JOB_FAILED)
    page = hooks.call("events", EventFilter(limit=2, type=EventType.JOB_COMPLETED))
    found = [e.id for e in page.events]
    while page.next_cursor:
        query = EventFilter(limit=2, type=EventType.JOB_COMPLETED, cursor=page.next_cursor)
        page = hooks.call("events", query)
        found += [e.id for e in page.events]
    assert found == ids[::-1]
    for cursor in ("x", "é", page.next_cursor or "eA"):
        with pytest.raises(InvalidInput):
            hooks.call("events", EventFilter(cursor=cursor))


def test_deliveries_by_endpoint_event_and_state(hooks):
    one, two = hooks.add(), hooks.add("/two")
    first, second = hooks.happen("job_1"), hooks.happen("job_2")
    hooks.receiver.answer(200, 500)
    hooks.work()
    assert len(hooks.deliveries()) == 4
    assert {d.event for d in hooks.deliveries(endpoint=one.id)} == {first, second}
    assert {d.endpoint for d in hooks.deliveries(event=second)} == {one.id, two.id}
    assert len(hooks.deliveries(state="delivered")) == 1
    assert len(hooks.deliveries(limit=3)) == 3


def test_nothing_of_another_account_is_there(hooks):
    endpoint = hooks.add()
    event = hooks.happen()
    delivery = hooks.delivery().id
    hooks.tasks()
    other = type(hooks)(hooks.database, hooks.receiver, hooks.keys)
    for operation, argument, error in (
        ("get", endpoint.id, EndpointNotFound),
        ("delete", endpoint.id, EndpointNotFound),
        ("rotate", endpoint.id, EndpointNotFound),
        ("test", endpoint.id, EndpointNotFound),
        ("replay_event", event, EventNotFound),
        ("delivery", delivery, DeliveryNotFound),
        ("replay", delivery, DeliveryNotFound),
        ("get", new_id("whe"), EndpointNotFound),
    ):
        with pytest.raises(error):
            other.call(operation, argument)
    assert other.deliveries(endpoint=endpoint.id) == []
    assert other.tasks() == []
