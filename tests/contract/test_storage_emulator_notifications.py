"""Bucket notifications of the Cloud Storage emulator, as a Pub/Sub server receives them."""

from __future__ import annotations

import json
import threading
import time
from concurrent import futures

import grpc
import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.pubsub_v1 import types

from local.storage.process import StorageProcess

TOPIC = "projects/imangor-local/topics/on-upload"


class RecordingPubSub:
    """A Publisher service on a fixed port that can be down, or not know a topic."""

    def __init__(self):
        self.messages, self.missing, self.arrived = [], set(), threading.Condition()
        self.port = 0
        self.start()

    def start(self):
        handler = grpc.method_handlers_generic_handler(
            "google.pubsub.v1.Publisher",
            {
                "Publish": grpc.unary_unary_rpc_method_handler(
                    self._publish, types.PublishRequest.deserialize, types.PublishResponse.serialize
                )
            },
        )
        self.server = grpc.server(futures.ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
        self.server.add_generic_rpc_handlers([handler])
        self.port = self.server.add_insecure_port(f"127.0.0.1:{self.port}")
        self.server.start()

    def stop(self):
        self.server.stop(0).wait()

    def _publish(self, request, context):
        if request.topic in self.missing:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such topic")
        with self.arrived:
            self.messages += [(request.topic, dict(m.attributes), m.data) for m in request.messages]
            self.arrived.notify_all()
        return types.PublishResponse(message_ids=["1"] * len(request.messages))

    def take(self, count, seconds=10.0):
        """Wait for so many messages, then a moment for any too many."""
        with self.arrived:
            self.arrived.wait_for(lambda: len(self.messages) >= count, seconds)
        time.sleep(0.1)
        with self.arrived:
            taken, self.messages = self.messages, []
        assert len(taken) == count, taken
        return taken


@pytest.fixture(scope="module")
def pubsub():
    server = RecordingPubSub()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def emulator(pubsub, tmp_path_factory):
    started = StorageProcess(tmp_path_factory.mktemp("storage"), pubsub=f"127.0.0.1:{pubsub.port}")
    yield started
    started.kill()


@pytest.fixture
def bucket(emulator, monkeypatch, request):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.url)
    client = storage.Client(project="imangor-local", credentials=AnonymousCredentials())
    return client.create_bucket(f"b-{abs(hash(request.node.name))}")


def _notify(bucket, topic="on-upload", **options):
    options = {"payload_format": "JSON_API_V1", **options}
    config = bucket.notification(topic, topic_project="imangor-local", **options)
    config.create()
    return config


def test_configurations_are_kept_until_deleted(bucket):
    made = _notify(
        bucket, event_types=["OBJECT_FINALIZE"], blob_name_prefix="in/", custom_attributes={"a": "b"}
    )
    [found] = bucket.list_notifications()
    assert (found.notification_id, found.event_types) == (made.notification_id, ["OBJECT_FINALIZE"])
    assert (found.blob_name_prefix, found.custom_attributes) == ("in/", {"a": "b"})
    assert found.topic_name == "on-upload"
    assert bucket.get_notification(made.notification_id).etag == found.etag
    made.delete()
    assert list(bucket.list_notifications()) == []
    with pytest.raises(exceptions.NotFound):
        bucket.get_notification(made.notification_id)
    with pytest.raises(exceptions.BadRequest):
        _notify(bucket, event_types=["OBJECT_EATEN"])


def test_every_change_is_told_with_googles_attributes(bucket, pubsub):
    config = _notify(bucket, custom_attributes={"env": "local"})
    blob = bucket.blob("uploads/x")
    blob.upload_from_string(b"one", content_type="image/png")
    first = blob.generation
    blob.metadata = {"a": "b"}
    blob.patch()
    blob.upload_from_string(b"three")
    blob.delete()
    messages = pubsub.take(5)
    assert {topic for topic, _, _ in messages} == {TOPIC}
    events = [attributes["eventType"] for _, attributes, _ in messages]
    assert sorted(events[2:4]) == ["OBJECT_DELETE", "OBJECT_FINALIZE"]
    assert [events[0], events[1], events[4]] == ["OBJECT_FINALIZE", "OBJECT_METADATA_UPDATE", "OBJECT_DELETE"]
    _, attributes, data = messages[0]
    resource = json.loads(data)
    path = f"buckets/{bucket.name}/notificationConfigs/{config.notification_id}"
    assert attributes == {
        "notificationConfig": f"projects/_/{path}",
        "eventType": "OBJECT_FINALIZE",
        "payloadFormat": "JSON_API_V1",
        "bucketId": bucket.name,
        "objectId": "uploads/x",
        "objectGeneration": str(first),
        "eventTime": resource["timeCreated"],
        "env": "local",
    }
    assert (resource["name"], resource["size"], resource["contentType"]) == ("uploads/x", "3", "image/png")
    assert (resource["generation"], resource["metageneration"]) == (str(first), "1")
    replaced = {attributes["eventType"]: attributes for _, attributes, _ in messages[2:4]}
    second = replaced["OBJECT_FINALIZE"]["objectGeneration"]
    assert replaced["OBJECT_FINALIZE"]["overwroteGeneration"] == str(first)
    assert replaced["OBJECT_DELETE"]["overwrittenByGeneration"] == second
    assert "overwrittenByGeneration" not in messages[4][1]


def test_only_the_wanted_events_and_names_are_told(bucket, pubsub):
    _notify(bucket, event_types=["OBJECT_FINALIZE"], blob_name_prefix="in/", payload_format="NONE")
    bucket.blob("out/x").upload_from_string(b"1")
    blob = bucket.blob("in/x", chunk_size=256 * 1024)
    blob.upload_from_string(b"1")
    blob.delete()
    [(_, attributes, data)] = pubsub.take(1)
    assert (attributes["objectId"], attributes["payloadFormat"], data) == ("in/x", "NONE", b"")


def test_messages_wait_for_pubsub_even_through_a_kill(bucket, pubsub, emulator):
    _notify(bucket, event_types=["OBJECT_FINALIZE"])
    pubsub.stop()
    for name in "abc":
        bucket.blob(name).upload_from_string(b"1")
    time.sleep(0.3)
    emulator.kill()
    emulator.start()
    bucket.blob("d").upload_from_string(b"1")
    pubsub.start()
    names = [attributes["objectId"] for _, attributes, _ in pubsub.take(4)]
    assert sorted(names) == ["a", "b", "c", "d"]


def test_a_missing_topic_holds_up_no_other(bucket, pubsub):
    pubsub.missing = {"projects/imangor-local/topics/gone"}
    _notify(bucket, topic="gone", event_types=["OBJECT_FINALIZE"])
    _notify(bucket, event_types=["OBJECT_FINALIZE"])
    bucket.blob("x").upload_from_string(b"1")
    assert pubsub.take(1)[0][0] == TOPIC
    pubsub.missing = set()
    assert pubsub.take(1)[0][0] == "projects/imangor-local/topics/gone"
