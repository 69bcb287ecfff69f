"""What was given up is sent again, and a queue is stopped, by a platform admin and by nobody else."""

from __future__ import annotations

import json
import secrets
import time

import pytest
from sqlalchemy import create_engine, text

from local.testing import until

pytestmark = pytest.mark.cloud


@pytest.fixture
def admin(cloud):
    def call(method, path, **how):
        return cloud.request(method, f"/v1/admin{path}", key=cloud.admin_key, **how)

    return call


@pytest.fixture
def database(cloud):
    engine = create_engine(cloud.connection["superuser_url"])
    yield engine
    engine.dispose()


@pytest.fixture
def give_up(database):
    """Has the message of an event that was given up kept, as `on_dead_letter` keeps it; its letter's id."""

    def keep(event, body):
        attributes = {"ce-source": "//imangor/outbox", "ce-id": event}
        stamps = {"CloudPubSubDeadLetterSourceSubscription": "on-job-event"}
        row = {"s": "on-job-event", "i": f"//imangor/outbox#{event}"}
        row |= {"m": json.dumps({"attributes": attributes | stamps, "data": json.dumps(body)})}
        insertion = (
            "insert into dead_letters (subscription, identity, message, reason) values (:s, :i, :m, 'lost')"
        )
        with database.begin() as connection:
            number = connection.execute(text(insertion + " returning id"), row).scalar_one()
        return f"let_{number}"

    return keep


def test_what_was_given_up_is_done_when_it_is_sent_again_and_not_twice(
    caller, draw, give_up, admin, database
):
    job = caller.send(draw()).json()["id"]
    caller.ended(job)
    place = f"results/{caller.account}/{job}/"
    until(lambda: any("receipt" in name for name in caller.objects(place)), 30)
    bucket = caller.cloud.storage().bucket(caller.cloud.connection["buckets"]["results"])

    def lose_receipts():
        for name in caller.objects(place):
            if "receipt" in name:
                bucket.blob(name).delete()

    lose_receipts()
    event = f"evt_{secrets.token_hex(6)}"
    letter = give_up(event, {"account": caller.account, "job": job, "type": "job.completed"})
    listed = admin("GET", "/dead-letters?subscription=on-job-event").json()["letters"]
    assert [each["reason"] for each in listed if each["id"] == letter] == ["lost"]
    assert caller.call("POST", f"/v1/admin/dead-letters/{letter}/redrive").status_code == 403
    assert admin("POST", f"/dead-letters/{letter}/redrive").status_code == 200
    until(lambda: any("receipt" in name for name in caller.objects(place)), 30)
    lose_receipts()
    with database.begin() as connection:
        connection.execute(text("update dead_letters set redriven_at = null"))
    assert admin("POST", f"/dead-letters/{letter}/redrive").status_code == 200
    time.sleep(3)
    assert not any("receipt" in name for name in caller.objects(place))
    again = give_up(
        event.replace("evt", "evt", 1) + "x", {"account": caller.account, "job": job, "type": "x"}
    )
    assert admin("DELETE", f"/dead-letters/{again}").status_code == 204
    assert admin("POST", f"/dead-letters/{again}/redrive").status_code == 404
    twice = admin("POST", f"/dead-letters/{letter}/redrive")
    assert (twice.status_code, twice.json()["type"].rsplit("/", 1)[1]) == (409, "dead-letter-redriven")


def test_a_queue_is_stopped_and_goes_on_and_both_are_recorded(cloud, admin, database):
    queues = {each["name"]: each for each in admin("GET", "/queues").json()["queues"]}
    assert {"process-image-bulk", "deliver-webhook", "send-email"} <= set(queues)
    assert {each["state"] for each in queues.values()} == {"running"}
    try:
        assert admin("POST", "/queues/send-email/pause").json()["state"] == "paused"
        states = {each["name"]: each["state"] for each in admin("GET", "/queues").json()["queues"]}
        assert states["send-email"] == "paused"
    finally:
        assert admin("POST", "/queues/send-email/resume").json()["state"] == "running"
    assert admin("POST", "/queues/nowhere/pause").status_code == 404
    assert cloud.request("POST", "/v1/admin/queues/send-email/pause").status_code == 403
    with database.begin() as connection:
        recorded = text("select action from audit_entries where target = 'send-email' order by number")
        assert connection.execute(recorded).scalars().all() == ["queue.paused", "queue.resumed"]
