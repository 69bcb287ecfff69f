"""Tries at deliveries against a real receiver: schedule, leases, doubled and dying workers, disabling."""

from __future__ import annotations

from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from local.receiver import CLOSE, DRIP, Answer
from shared.cache.redis import RedisCache
from shared.core.config import RedisSettings
from shared.core.errors import ImangorError
from shared.db.leases import LeaseHeld
from shared.jobs.upkeep import Upkeep
from shared.vault.errors import NotOpened
from shared.webhooks.announcing import announce
from shared.webhooks.payloads import EndpointTest, EventType
from shared.webhooks.schedule import DELAYS, JITTER, TRIES
from shared.webhooks.schemas import UpdateEndpoint
from shared.webhooks.sender import DISABLED_AFTER, SENDS

NO_CACHE = RedisCache(RedisSettings())

LEASE = 60
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_what_arrives_is_signed_and_recorded(hooks):
    endpoint = hooks.add()
    event = hooks.happen()
    assert hooks.work() == 1
    (request,) = hooks.receiver.requests
    message = Webhook(endpoint.secret).verify(request.body, request.headers)
    assert request.headers["webhook-id"] == event
    assert message["type"] == "job.completed"
    assert message["data"]["targets"] == [{"language": "es", "state": "done", "error": None}]
    assert message["timestamp"].endswith("Z")
    delivery = hooks.delivery()
    assert (delivery.state, delivery.event, delivery.next_attempt_at) == ("delivered", event, None)
    assert [(a.number, a.status, a.error) for a in delivery.attempts] == [(1, 200, None)]
    assert hooks.sent == []


def test_the_same_event_is_told_once(hooks):
    hooks.add()
    assert hooks.happen() == hooks.happen()
    assert len(hooks.tasks()) == 1
    assert hooks.happen("job_2") != hooks.happen("job_1", EventType.JOB_FAILED)
    assert len(hooks.tasks()) == 2


def test_only_enabled_endpoints_that_take_the_type_are_told(hooks):
    taking = {hooks.add().id, hooks.add("/failures", types=["job.failed", "job.completed"]).id}
    hooks.add("/other", types=["job.failed"])
    off, gone = hooks.add("/off").id, hooks.add("/gone").id
    hooks.call("update", off, UpdateEndpoint(enabled=False), None)
    hooks.call("delete", gone)
    hooks.happen()
    assert {d.endpoint for d in hooks.deliveries()} == taking
    other = type(hooks)(hooks.database, hooks.receiver, hooks.keys)
    other.happen()
    assert other.tasks() == []


def test_a_task_that_comes_again_sends_nothing(hooks):
    hooks.add()
    hooks.happen()
    (task,) = hooks.tasks()
    for _ in range(3):
        hooks.deliver(task)
    assert len(hooks.receiver.requests) == 1
    hooks.happen("job_2")
    (task,) = hooks.tasks()
    hooks.receiver.answer(500)
    for _ in range(3):
        hooks.deliver(task)
    assert len(hooks.receiver.requests) == 2
    assert len(hooks.tasks()) == 1


def test_tasks_at_the_same_time_send_once(hooks, together):
    hooks.add()
    hooks.happen()
    (task,) = hooks.tasks()
    hooks.receiver.answer(Answer(after=0.3))
    results = together(*[lambda: hooks.deliver(task)] * 6)
    assert len(hooks.receiver.requests) == 1
    assert {type(r) for r in results} <= {type(None), LeaseHeld}
    assert hooks.delivery().state == "delivered"


class Dying:
    """Sends, and then the worker is gone before it can record anything."""

    class Killed(BaseException):
        pass

    def __init__(self, transport):
        self._transport = transport

    def post(self, *request):
        self._transport.post(*request)
        raise self.Killed


def test_a_worker_killed_before_recording_sends_again_with_the_same_id(hooks):
    hooks.add()
    event = hooks.happen()
    (task,) = hooks.tasks()
    alive, hooks.transport = hooks.transport, Dying(hooks.transport)
    with pytest.raises(Dying.Killed):
        hooks.deliver(task)
    hooks.transport = alive
    with pytest.raises(LeaseHeld) as held:
        hooks.deliver(task)
    assert held.value.when > hooks.database.value("select clock_now()")
    hooks.database.move_clock(timedelta(seconds=LEASE + 1))
    hooks.deliver(task)
    assert [r.headers["webhook-id"] for r in hooks.receiver.requests] == [event, event]
    assert hooks.receiver.requests[0].body == hooks.receiver.requests[1].body
    assert hooks.delivery().state == "delivered"


def test_workers_that_always_die_are_bounded(hooks):
    """Each try is begun a few times, then the next one follows."""
    hooks.add()
    hooks.happen()
    (task,) = hooks.tasks()
    alive, hooks.transport = hooks.transport, Dying(hooks.transport)
    for round_ in range(SENDS):
        hooks.database.move_clock(timedelta(seconds=(LEASE + 1) * round_))
        with pytest.raises(Dying.Killed):
            hooks.deliver(task)
    hooks.database.move_clock(timedelta(seconds=(LEASE + 1) * SENDS))
    hooks.transport = alive
    hooks.deliver(task)
    assert len(hooks.receiver.requests) == SENDS
    delivery = hooks.delivery()
    assert [a.error for a in delivery.attempts] == ["worker-lost"]
    assert hooks.work() == 1
    assert hooks.delivery().state == "delivered"


def test_a_late_worker_changes_nothing(hooks):
    hooks.add()
    hooks.happen()
    (task,) = hooks.tasks()
    sender = hooks.sender
    hooks.receiver.answer(500, 200)
    claim = sender._claim(task, LEASE)
    hooks.database.move_clock(timedelta(seconds=LEASE + 1))
    assert claim is not None
    outcome = sender._send(claim)
    hooks.deliver(task)
    with pytest.raises(ImangorError):
        sender._record(task, claim.endpoint, claim.started_at, outcome, claim.lease)
    delivery = hooks.delivery()
    assert delivery.state == "delivered"
    assert [a.status for a in delivery.attempts] == [200]


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (500, 500, "http-error"),
        (404, 404, "http-error"),
        (Answer(302, {"Location": "http://127.0.0.1:1/"}), 302, "redirect"),
        (CLOSE, None, "connection-failed"),
        (DRIP, None, "timed-out"),
    ],
)
def test_a_failure_is_noted_and_tried_again(hooks, answer, status, error):
    hooks.transport._seconds = 0.5
    endpoint = hooks.add()
    hooks.happen()
    hooks.receiver.answer(answer, 200)
    hooks.work()
    delivery = hooks.delivery()
    assert (delivery.state, delivery.attempts[0].status, delivery.attempts[0].error) == (
        "pending",
        status,
        error,
    )
    assert hooks.call("get", endpoint.id).failing_since is not None
    assert timedelta(seconds=3) < hooks.waits()[0] <= DELAYS[0] * (1 + JITTER)
    hooks.work()
    assert hooks.delivery().state == "delivered"
    assert hooks.call("get", endpoint.id).failing_since is None


def test_ten_tries_by_the_schedule_and_then_a_dead_letter(hooks):
    endpoint = hooks.add()
    hooks.happen()
    hooks.receiver.answer(500)
    waits = []
    moved = timedelta()
    while hooks.sent:
        waits.append(max(hooks.waits()))
        moved += waits[-1]
        hooks.database.move_clock(moved)
        assert hooks.work() == 1
    assert len(hooks.receiver.requests) == TRIES == len(waits)
    for wait, usual in zip(waits[1:], DELAYS, strict=True):
        assert usual - timedelta(seconds=2) <= wait <= usual * (1 + JITTER)
    delivery = hooks.delivery()
    assert (delivery.state, len(delivery.attempts), delivery.next_attempt_at) == ("dead", TRIES, None)
    assert hooks.call("get", endpoint.id).failing_since is not None
    assert len({r.headers["webhook-id"] for r in hooks.receiver.requests}) == 1


@pytest.mark.parametrize(
    ("status", "header", "wait"),
    [
        (503, "120", timedelta(minutes=2)),
        (429, "3600", HOUR),
        (503, "999999999", DAY),
        (503, "soon", DELAYS[0]),
        (500, "3600", DELAYS[0]),
    ],
)
def test_a_receiver_may_ask_for_more_time(hooks, status, header, wait):
    hooks.add()
    hooks.happen()
    hooks.receiver.answer(Answer(status, {"Retry-After": header}))
    hooks.work()
    assert wait - timedelta(seconds=2) < hooks.waits()[0] <= wait * (1 + JITTER)


def test_410_disables_the_endpoint_and_tells_the_others(hooks):
    gone = hooks.add("/gone", types=["job.completed"])
    other = hooks.add("/other", types=["endpoint.disabled"])
    hooks.happen("job_1")
    hooks.happen("job_2")
    hooks.receiver.answer(410, 200)
    first, second = hooks.tasks()
    hooks.deliver(first)
    found = hooks.call("get", gone.id)
    assert (found.enabled, found.reason) == (False, "gone")
    assert {d.state for d in hooks.deliveries(endpoint=gone.id)} == {"dead"}
    hooks.deliver(second)
    assert len(hooks.receiver.requests) == 1
    assert hooks.work() == 1
    message = Webhook(other.secret).verify(
        hooks.receiver.requests[1].body, hooks.receiver.requests[1].headers
    )
    assert message["type"] == "endpoint.disabled"
    assert message["data"] == {"endpoint": gone.id, "reason": "gone"}
    hooks.happen("job_3")
    assert hooks.tasks() == []


def test_an_endpoint_that_only_fails_for_days_is_disabled(hooks):
    endpoint = hooks.add()
    hooks.receiver.answer(500)
    hooks.happen("job_1")
    hooks.work()
    hooks.sent.clear()
    hooks.database.move_clock(DISABLED_AFTER - HOUR)
    hooks.happen("job_2")
    hooks.work()
    hooks.sent.clear()
    assert hooks.call("get", endpoint.id).enabled
    hooks.database.move_clock(DISABLED_AFTER + HOUR)
    hooks.happen("job_3")
    hooks.work()
    found = hooks.call("get", endpoint.id)
    assert (found.enabled, found.reason) == (False, "failing")
    assert [d.state for d in hooks.deliveries()] == ["dead"] * 3
    assert hooks.sent == []


def test_one_success_ends_the_count_of_days(hooks):
    endpoint = hooks.add()
    hooks.receiver.answer(500, 200, 500)
    for days in (0, 3, 6):
        hooks.database.move_clock(timedelta(days=days))
        hooks.happen(f"job_{days}")
        hooks.work()
        hooks.sent.clear()
    assert hooks.call("get", endpoint.id).enabled


def test_what_was_disabled_meanwhile_is_dead_and_not_sent(hooks):
    endpoint = hooks.add()
    hooks.happen()
    hooks.database.run("update webhook_endpoints set state = 'disabled', reason = 'requested'")
    hooks.work()
    assert hooks.receiver.requests == []
    assert hooks.delivery().state == "dead"
    assert not hooks.call("get", endpoint.id).enabled


def test_an_address_inside_is_refused_at_delivery_and_leaves_a_trace(hooks):
    hooks.add()
    hooks.happen()
    hooks.database.run("update webhook_endpoints set url = 'https://169.254.169.254/'")
    hooks.work()
    (attempt,) = hooks.delivery().attempts
    assert (attempt.status, attempt.error) == (None, "destination-refused")


def test_a_fault_of_ours_counts_as_a_try_when_it_is_given_up(hooks):
    hooks.add()
    hooks.happen()
    (task,) = hooks.tasks()
    hooks.sender.fail(task, ValueError("the secret was sealed with another key"))
    assert [a.error for a in hooks.delivery().attempts] == ["internal"]
    hooks.sender.fail(task, ValueError())
    assert hooks.work() == 1
    assert hooks.delivery().state == "delivered"


def test_a_secret_sealed_with_another_key_is_an_error_and_nothing_is_sent(hooks):
    hooks.add()
    hooks.happen()
    hooks.database.run("update webhook_secrets set sealed = sealed || '\\x00'::bytea")
    (task,) = hooks.tasks()
    with pytest.raises(NotOpened):
        hooks.deliver(task)
    assert hooks.receiver.requests == []


def test_no_transaction_is_open_while_the_request_is_under_way(hooks):
    hooks.add()
    hooks.happen()
    query = "select count(*) from pg_stat_activity where usename = 'fn_app' and state like 'idle in%'"
    seen = []

    class Watching:
        def post(self, *request):
            seen.append(hooks.database.value(query))
            return transport.post(*request)

    transport, hooks.transport = hooks.transport, Watching()
    hooks.work()
    assert seen == [0]


def sweep(hooks, ahead):
    hooks.database.move_clock(ahead)
    Upkeep(
        lambda account: hooks.uow(account, system=True), hooks.sent.extend, RedisCache(RedisSettings())
    ).sweep()


def test_a_delivery_whose_task_was_lost_is_begun_by_the_sweep(hooks):
    hooks.add()
    hooks.happen()
    hooks.tasks()
    hooks.database.run("update outbox set sent_at = clock_now()")
    sweep(hooks, timedelta(minutes=9))
    assert hooks.tasks() == []
    sweep(hooks, timedelta(minutes=11))
    assert hooks.work() == 1
    assert hooks.delivery().state == "delivered"
    hooks.database.run("update outbox set sent_at = clock_now()")
    sweep(hooks, HOUR)
    assert hooks.tasks() == []


def test_old_events_and_deleted_endpoints_are_forgotten(hooks):
    kept, gone = hooks.add(), hooks.add("/gone")
    hooks.happen()
    hooks.work()
    hooks.call("rotate", kept.id)
    hooks.call("delete", gone.id)
    sweep(hooks, 2 * DAY)
    assert hooks.database.rows("select endpoint_id, number from webhook_secrets") == [(kept.id, 2)]
    sweep(hooks, 30 * DAY - HOUR)
    assert len(hooks.deliveries()) == 2
    sweep(hooks, 30 * DAY + HOUR)
    assert hooks.database.value("select count(*) from webhook_events") == 0
    assert hooks.database.value("select count(*) from webhook_deliveries") == 0
    sweep(hooks, 32 * DAY)
    assert [e.id for e in hooks.call("all").endpoints] == [kept.id]
    assert hooks.database.value("select count(*) from webhook_endpoints") == 1


def test_a_message_stays_small(hooks):
    hooks.add()
    with pytest.raises(ValueError, match="too large"):
        hooks.happen("j" * 20_000)
    assert hooks.tasks() == []


def test_an_event_holds_what_its_type_promises(hooks):
    test = EndpointTest(endpoint="whe_1")
    with hooks.uow() as uow, pytest.raises(TypeError):
        announce(uow, EventType.JOB_FAILED, test, "job_1")
