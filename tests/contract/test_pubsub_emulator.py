"""The Pub/Sub emulator as its official clients and a push endpoint see it."""

from __future__ import annotations

import base64
import datetime
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from google.api_core import exceptions
from google.cloud import pubsub_v1

from local.identity import verify_id_token

ROOT = Path(__file__).parents[2]
PROJECT = "projects/imangor-local"
CALLER = "events@imangor-local.iam.gserviceaccount.com"


class Emulator:
    """A real process on one port, which can be killed and started again."""

    def __init__(self, folder, *flags):
        self.folder, self.flags, self.port = folder, flags, 0
        self.start()

    def start(self):
        command = [sys.executable, "-m", "local.messaging", "--port", str(self.port)]
        command += [
            "--state",
            str(self.folder / "state"),
            "--identity",
            str(self.folder / "keys"),
            *self.flags,
        ]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


class Endpoint:
    """An HTTP server that notes each request and answers what `answer(body, number)` says."""

    def __init__(self):
        self.requests, self.answer, self.busy, self.most_busy = [], lambda _body, _number: 204, 0, 0
        self._lock = threading.Lock()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with endpoint._lock:
                    endpoint.requests.append((time.time(), dict(self.headers), body))
                    number = len(endpoint.requests)
                    endpoint.busy += 1
                    endpoint.most_busy = max(endpoint.most_busy, endpoint.busy)
                try:
                    status = endpoint.answer(body, number)
                finally:
                    with endpoint._lock:
                        endpoint.busy -= 1
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/_functions/on_upload"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, count, seconds=8.0):
        end = time.time() + seconds
        while len(self.requests) < count and time.time() < end:
            time.sleep(0.01)
        assert len(self.requests) >= count, f"{len(self.requests)} of {count} requests came"
        return self.requests

    def texts(self):
        return [base64.b64decode(body["message"]["data"]).decode() for _, _, body in self.requests]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    emulator = Emulator(tmp_path_factory.mktemp("pubsub"))
    yield emulator
    emulator.kill()


@pytest.fixture
def endpoint():
    endpoint = Endpoint()
    yield endpoint
    endpoint.server.shutdown()
    endpoint.server.server_close()


class Pubsub:
    """Clients, and resources with names of their own for one test."""

    def __init__(self, emulator, name):
        os.environ["PUBSUB_EMULATOR_HOST"] = f"127.0.0.1:{emulator.port}"
        options = pubsub_v1.types.PublisherOptions(enable_message_ordering=True)
        self.publisher = pubsub_v1.PublisherClient(publisher_options=options)
        self.subscriber = pubsub_v1.SubscriberClient()
        self.topic = f"{PROJECT}/topics/{name}"
        self.subscription = f"{PROJECT}/subscriptions/{name}"
        self.publisher.create_topic(name=self.topic)

    def subscribe(self, **fields):
        request = {"name": self.subscription, "topic": self.topic, **fields}
        return self.subscriber.create_subscription(request=request)

    def publish(self, text, **attributes):
        return self.publisher.publish(self.topic, text.encode(), **attributes).result(5)

    def pull(self, subscription=None, timeout=3.0, limit=10):
        request = {"subscription": subscription or self.subscription, "max_messages": limit}
        return self.subscriber.pull(request=request, timeout=timeout).received_messages

    def close(self):
        self.subscriber.close()
        self.publisher.stop()
        self.publisher.transport.close()


@pytest.fixture
def pubsub(emulator, request, monkeypatch):
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "")
    pubsub = Pubsub(emulator, request.node.name.replace("[", "-").replace("]", ""))
    yield pubsub
    pubsub.close()


def backoff(least, most):
    return {
        "minimum_backoff": datetime.timedelta(seconds=least),
        "maximum_backoff": datetime.timedelta(seconds=most),
    }


def test_topics_and_subscriptions_live_and_die(pubsub):
    with pytest.raises(exceptions.AlreadyExists):
        pubsub.publisher.create_topic(name=pubsub.topic)
    with pytest.raises(exceptions.NotFound):
        pubsub.publisher.get_topic(topic=pubsub.topic + "-missing")
    made = pubsub.subscribe(retry_policy={})
    assert (made.ack_deadline_seconds, made.retry_policy.minimum_backoff.seconds) == (10, 10)
    assert made.retry_policy.maximum_backoff.seconds == 600
    assert list(pubsub.publisher.list_topic_subscriptions(topic=pubsub.topic)) == [pubsub.subscription]
    changed = pubsub.subscriber.update_subscription(
        subscription={"name": pubsub.subscription, "ack_deadline_seconds": 30, "topic": "ignored"},
        update_mask={"paths": ["ack_deadline_seconds", "retry_policy"]},
    )
    assert (changed.ack_deadline_seconds, "retry_policy" in changed, changed.topic) == (
        30,
        False,
        pubsub.topic,
    )
    with pytest.raises(exceptions.InvalidArgument):
        pubsub.subscriber.update_subscription(subscription=changed, update_mask={"paths": ["filter"]})
    pubsub.publisher.delete_topic(topic=pubsub.topic)
    assert pubsub.subscriber.get_subscription(subscription=pubsub.subscription).topic == "_deleted-topic_"
    pubsub.subscriber.delete_subscription(subscription=pubsub.subscription)
    with pytest.raises(exceptions.NotFound):
        pubsub.pull()


def test_unknown_operations_are_named(pubsub):
    with pytest.raises(exceptions.MethodNotImplemented, match="Subscriber/Seek"):
        pubsub.subscriber.seek(request={"subscription": pubsub.subscription})
    with pytest.raises(exceptions.MethodNotImplemented, match="enable_exactly_once_delivery"):
        pubsub.subscribe(enable_exactly_once_delivery=True)


def test_pull_acknowledge_and_negative_acknowledge(pubsub):
    pubsub.subscribe()
    assert pubsub.pull(timeout=0.5) == []
    identifier = pubsub.publish("one", colour="red")
    (first,) = pubsub.pull()
    assert (first.message.data, first.message.message_id) == (b"one", identifier)
    assert dict(first.message.attributes) == {"colour": "red"}
    assert abs(first.message.publish_time.timestamp() - time.time()) < 5
    pubsub.subscriber.modify_ack_deadline(
        subscription=pubsub.subscription, ack_ids=[first.ack_id], ack_deadline_seconds=0
    )
    (again,) = pubsub.pull()
    pubsub.subscriber.modify_ack_deadline(
        subscription=pubsub.subscription, ack_ids=[again.ack_id], ack_deadline_seconds=1
    )
    (overdue,) = pubsub.pull(timeout=5)
    assert overdue.message.message_id == identifier
    pubsub.subscriber.acknowledge(subscription=pubsub.subscription, ack_ids=[overdue.ack_id])
    assert pubsub.pull(timeout=0.5) == []


def test_streaming_pull_delivers_everything(pubsub):
    pubsub.subscribe()
    seen, done = set(), threading.Event()

    def take(message):
        seen.add(message.data)
        message.ack()
        if len(seen) == 100:
            done.set()

    stream = pubsub.subscriber.subscribe(pubsub.subscription, take)
    for number in range(100):
        pubsub.publisher.publish(pubsub.topic, str(number).encode())
    assert done.wait(5)
    stream.cancel()
    stream.result(5)


def test_push_carries_a_token_that_verifies(pubsub, endpoint, emulator):
    pubsub.subscribe(
        push_config={"push_endpoint": endpoint.url, "oidc_token": {"service_account_email": CALLER}}
    )
    identifier = pubsub.publish("hello", bucketId="imangor-uploads")
    _, headers, body = endpoint.wait(1)[0]
    scheme, token = headers["Authorization"].split()
    claims = verify_id_token(emulator.folder / "keys", token, endpoint.url)
    assert (scheme, claims["email"]) == ("Bearer", CALLER)
    message = body["message"]
    assert body["subscription"] == pubsub.subscription
    assert "deliveryAttempt" not in body
    assert base64.b64decode(message["data"]) == b"hello"
    assert message["attributes"] == {"bucketId": "imangor-uploads"}
    assert message["messageId"] == message["message_id"] == identifier
    assert message["publishTime"] == message["publish_time"]
    time.sleep(0.3)
    assert len(endpoint.requests) == 1, "an acknowledged message came again"


def test_failed_push_backs_off_exponentially(pubsub, endpoint):
    endpoint.answer = lambda _body, number: 500 if number < 4 else 200
    pubsub.subscribe(push_config={"push_endpoint": endpoint.url}, retry_policy=backoff(0.2, 0.5))
    pubsub.publish("again")
    times = [at for at, _, _ in endpoint.wait(4)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert gaps == pytest.approx([0.2, 0.4, 0.5], abs=0.12)
    time.sleep(0.6)
    assert len(endpoint.requests) == 4


def test_exhausted_message_goes_to_the_dead_letter_topic(pubsub, endpoint):
    grave = f"{pubsub.topic}-dead"
    pubsub.publisher.create_topic(name=grave)
    watch = f"{pubsub.subscription}-dead"
    pubsub.subscriber.create_subscription(name=watch, topic=grave)
    endpoint.answer = lambda _body, _number: 500
    pubsub.subscribe(
        push_config={"push_endpoint": endpoint.url},
        retry_policy=backoff(0, 0),
        dead_letter_policy={"dead_letter_topic": grave, "max_delivery_attempts": 5},
    )
    pubsub.publish("poison", kind="bad")
    (dead,) = pubsub.pull(watch, timeout=8)
    attributes = dict(dead.message.attributes)
    assert [body["deliveryAttempt"] for _, _, body in endpoint.requests] == [1, 2, 3, 4, 5]
    assert (dead.message.data, attributes["kind"]) == (b"poison", "bad")
    assert attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"
    assert attributes["CloudPubSubDeadLetterSourceSubscription"] == pubsub.subscription.split("/")[-1]
    assert attributes["CloudPubSubDeadLetterSourceSubscriptionProject"] == "imangor-local"
    assert attributes["CloudPubSubDeadLetterSourceTopicPublishTime"].endswith("+00:00")


def test_ordering_key_waits_for_its_earlier_message(pubsub, endpoint):
    endpoint.answer = lambda _body, number: 500 if number == 1 else 200
    pubsub.subscribe(
        push_config={"push_endpoint": endpoint.url},
        enable_message_ordering=True,
        retry_policy=backoff(0.4, 0.4),
    )
    for text in ("a1", "a2", "a3"):
        pubsub.publish(text, ordering_key="a")
    pubsub.publish("b1", ordering_key="b")
    endpoint.wait(5)
    texts = endpoint.texts()
    assert [text for text in texts if text.startswith("a")] == ["a1", "a1", "a2", "a3"]
    assert texts.index("b1") < 2, "another key must not wait"


def test_filter_selects_by_attribute(pubsub):
    pubsub.subscribe(filter='attributes.kind = "job" AND hasPrefix(attributes.name, "in")')
    pubsub.publish("no", kind="job", name="outbox")
    pubsub.publish("yes", kind="job", name="inbox")
    assert [received.message.data for received in pubsub.pull()] == [b"yes"]
    with pytest.raises(exceptions.MethodNotImplemented, match="filter"):
        pubsub.subscriber.create_subscription(
            request={"name": pubsub.subscription + "2", "topic": pubsub.topic, "filter": "size > 3"}
        )


def test_pausing_is_switching_the_endpoint_off_and_on(pubsub, endpoint):
    pubsub.subscribe(push_config={"push_endpoint": endpoint.url})
    pubsub.subscriber.modify_push_config(subscription=pubsub.subscription, push_config={})
    pubsub.publish("later")
    time.sleep(0.2)
    assert endpoint.requests == []
    pubsub.subscriber.modify_push_config(
        subscription=pubsub.subscription, push_config={"push_endpoint": endpoint.url}
    )
    endpoint.wait(1)


def test_restart_after_kill_loses_nothing_and_copies_come_at_once(tmp_path, endpoint, monkeypatch):
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "")
    emulator = Emulator(tmp_path, "--duplicate", "3")
    try:
        before = Pubsub(emulator, "restart")
        release = threading.Event()
        endpoint.answer = lambda _body, _number: 204 if release.wait(10) else 500
        policy = {"dead_letter_topic": before.topic}
        before.subscribe(push_config={"push_endpoint": endpoint.url}, dead_letter_policy=policy)
        texts = {f"message {number}" for number in range(3)}
        for text in texts:
            before.publish(text)
        endpoint.wait(9)
        assert endpoint.most_busy == 9, "copies must come concurrently"
        before.close()
        emulator.kill()
        release.set()
        endpoint.requests.clear()
        emulator.start()
        endpoint.wait(9)
        assert sorted(endpoint.texts()) == sorted([*texts] * 3)
        assert {body["deliveryAttempt"] for _, _, body in endpoint.requests} == {1}, "a cut is no failure"
    finally:
        emulator.kill()
