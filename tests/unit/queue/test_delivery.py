"""What leaves the outbox, and what stays in it, when services do not take it."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial

import pytest

from shared.core.config import StorageSettings
from shared.db.outbox import Effect
from shared.queue.delivery import Delivery, erase_objects, task_name
from shared.queue.errors import QueueUnavailable

BUCKETS = StorageSettings(uploads_bucket="uploads", results_bucket="results")


class World:
    """Records what was sent; each way out can be made to fail."""

    def __init__(self):
        self.sent, self.marked, self.failing, self.tried = [], [], {}, []

    def _send(self, kind, what):
        self.tried.append(kind)
        if kind in self.failing:
            raise self.failing[kind]
        self.sent.append(what)

    def enqueue(self, function, body, name, at, deadline, priority, trace):
        self._send("task", (function, name, at, deadline))

    def publish(self, topic, data, attributes):
        self._send("event", (topic, data, attributes["ce-id"]))

    def delete(self, bucket, name, generation):
        self._send("erase", (bucket, name, generation))

    def delete_where(self, bucket, prefix, key, value):
        self._send("erase", (bucket, prefix, key, value))

    @contextmanager
    def open_uow(self, account):
        yield self

    def execute(self, statement):
        self.marked += statement.compile().params["id_1"]


@pytest.fixture
def world():
    return World()


def deliver(world, *effects):
    wipe = partial(erase_objects, world, BUCKETS)
    Delivery(world.open_uow, world, world, wipe, {"process_image": 300}).deliver(list(effects))


def effect(number, kind="task", **payload):
    destination = {"task": "process_image", "event": "on-job-event", "erase": ""}[kind]
    return Effect(number, "acc_a", kind, destination, payload)


def test_each_kind_leaves_by_its_way_and_is_marked(world):
    erase = effect(3, "erase", job="job_a", results=["results/a/"], source="uploads/a", generation=7)
    deliver(world, effect(1), effect(2, "event", job="j"), erase)
    assert world.sent == [
        ("process_image", task_name(effect(1)), None, 300),
        ("on-job-event", b'{"job": "j"}', "evt_2"),
        ("uploads", "uploads/a", 7),
        ("results", "results/a/", "job", "job_a"),
    ]
    assert world.marked == [1, 2, 3]


def test_a_service_that_is_away_is_asked_once_and_keeps_nothing_else(world):
    world.failing["event"] = QueueUnavailable()
    deliver(world, effect(1, "event"), effect(2, "event"), effect(3), effect(4, "event"))
    assert world.tried == ["event", "task"]
    assert world.marked == [3]


@pytest.mark.parametrize("error", [KeyError("bug"), PermissionError()])
def test_one_effect_that_cannot_be_sent_does_not_keep_the_others(world, error):
    world.failing["erase"] = error
    deliver(world, effect(1), effect(2, "erase", source="a"), effect(3, "erase", source="b"), effect(4))
    assert world.tried == ["task", "erase", "erase", "task"]
    assert world.marked == [1, 4]


def test_the_same_row_has_the_same_task_name_and_another_has_another():
    assert task_name(effect(1, job="a")) == task_name(effect(1, job="a"))
    assert len({task_name(e) for e in (effect(1, job="a"), effect(2, job="a"), effect(1, job="b"))}) == 3
