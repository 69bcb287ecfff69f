"""The calls that create, read, change and delete topics and subscriptions, and Publish."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1.types import pubsub

from local.messaging.pubsub.backlog import Backlog
from local.messaging.pubsub.catalogue import Catalogue
from local.messaging.pubsub.push import Pusher
from local.messaging.pubsub.rules import DELETED_TOPIC, check_messages, check_topic, complete_subscription
from local.messaging.rpc import Method, Refusal
from local.messaging.wire import merge, page

_PUBLISHER = "/google.pubsub.v1.Publisher/"
_SUBSCRIBER = "/google.pubsub.v1.Subscriber/"
_LARGEST_PAGE = 1000
_MUTABLE_TOPIC = ("labels", "message_retention_duration", "kms_key_name")
_MUTABLE_SUBSCRIPTION = (
    "push_config",
    "ack_deadline_seconds",
    "message_retention_duration",
    "labels",
    "expiration_policy",
    "dead_letter_policy",
    "retry_policy",
)


class Admin:
    """Handlers over one catalogue, backlog and pusher."""

    def __init__(self, catalogue: Catalogue, backlog: Backlog, pusher: Pusher) -> None:
        self._catalogue = catalogue
        self._backlog = backlog
        self._pusher = pusher

    def methods(self) -> dict[str, Method]:
        """Full gRPC paths and their handlers."""
        return {
            _PUBLISHER + "CreateTopic": Method(self._create_topic, pubsub.Topic),
            _PUBLISHER + "GetTopic": Method(self._get_topic, pubsub.GetTopicRequest),
            _PUBLISHER + "UpdateTopic": Method(self._update_topic, pubsub.UpdateTopicRequest),
            _PUBLISHER + "ListTopics": Method(self._list_topics, pubsub.ListTopicsRequest),
            _PUBLISHER + "DeleteTopic": Method(self._delete_topic, pubsub.DeleteTopicRequest),
            _PUBLISHER + "ListTopicSubscriptions": Method(
                self._list_topic_subscriptions, pubsub.ListTopicSubscriptionsRequest
            ),
            _PUBLISHER + "Publish": Method(self._publish, pubsub.PublishRequest),
            _SUBSCRIBER + "CreateSubscription": Method(self._create_subscription, pubsub.Subscription),
            _SUBSCRIBER + "GetSubscription": Method(self._get_subscription, pubsub.GetSubscriptionRequest),
            _SUBSCRIBER + "UpdateSubscription": Method(
                self._update_subscription, pubsub.UpdateSubscriptionRequest
            ),
            _SUBSCRIBER + "ModifyPushConfig": Method(self._modify_push, pubsub.ModifyPushConfigRequest),
            _SUBSCRIBER + "ListSubscriptions": Method(
                self._list_subscriptions, pubsub.ListSubscriptionsRequest
            ),
            _SUBSCRIBER + "DeleteSubscription": Method(
                self._delete_subscription, pubsub.DeleteSubscriptionRequest
            ),
        }

    async def _create_topic(self, topic: Any, _context: Any) -> Any:
        check_topic(topic)
        if topic.name in self._catalogue.topics:
            raise _exists(topic.name)
        topic.state = 1
        self._catalogue.keep_topic(topic)
        return topic

    async def _get_topic(self, request: Any, _context: Any) -> Any:
        return self._catalogue.topic(request.topic)

    async def _update_topic(self, request: Any, _context: Any) -> Any:
        changed = _copy(self._catalogue.topic(request.topic.name))
        merge(request.update_mask, request.topic, changed, _MUTABLE_TOPIC)
        check_topic(changed)
        self._catalogue.keep_topic(changed)
        return changed

    async def _list_topics(self, request: Any, _context: Any) -> Any:
        prefix = f"{request.project}/topics/"
        names = [name for name in self._catalogue.topics if name.startswith(prefix)]
        chosen, token = page(names, request.page_size, request.page_token, _LARGEST_PAGE)
        topics = [self._catalogue.topics[name] for name in chosen]
        return pubsub.ListTopicsResponse.pb()(topics=topics, next_page_token=token)

    async def _delete_topic(self, request: Any, _context: Any) -> Any:
        self._catalogue.topic(request.topic)
        for subscription in self._catalogue.of_topic(request.topic):
            orphan = _copy(subscription)
            orphan.topic = DELETED_TOPIC
            self._catalogue.keep_subscription(orphan)
        self._catalogue.drop_topic(request.topic)
        return Empty()

    async def _list_topic_subscriptions(self, request: Any, _context: Any) -> Any:
        self._catalogue.topic(request.topic)
        names = [subscription.name for subscription in self._catalogue.of_topic(request.topic)]
        chosen, token = page(names, request.page_size, request.page_token, _LARGEST_PAGE)
        return pubsub.ListTopicSubscriptionsResponse.pb()(subscriptions=chosen, next_page_token=token)

    async def _publish(self, request: Any, _context: Any) -> Any:
        self._catalogue.topic(request.topic)
        check_messages(request.messages)
        identifiers = self._backlog.publish(request.topic, request.messages)
        return pubsub.PublishResponse.pb()(message_ids=identifiers)

    async def _create_subscription(self, subscription: Any, _context: Any) -> Any:
        self._check(subscription)
        self._catalogue.topic(subscription.topic)
        if subscription.name in self._catalogue.subscriptions:
            raise _exists(subscription.name)
        self._keep(subscription)
        return subscription

    async def _get_subscription(self, request: Any, _context: Any) -> Any:
        return self._catalogue.subscription(request.subscription)

    async def _update_subscription(self, request: Any, _context: Any) -> Any:
        changed = _copy(self._catalogue.subscription(request.subscription.name))
        merge(request.update_mask, request.subscription, changed, _MUTABLE_SUBSCRIPTION)
        self._check(changed)
        self._keep(changed)
        return changed

    async def _modify_push(self, request: Any, _context: Any) -> Any:
        changed = _copy(self._catalogue.subscription(request.subscription))
        changed.push_config.CopyFrom(request.push_config)
        self._check(changed)
        self._keep(changed)
        return Empty()

    async def _list_subscriptions(self, request: Any, _context: Any) -> Any:
        prefix = f"{request.project}/subscriptions/"
        names = [name for name in self._catalogue.subscriptions if name.startswith(prefix)]
        chosen, token = page(names, request.page_size, request.page_token, _LARGEST_PAGE)
        subscriptions = [self._catalogue.subscriptions[name] for name in chosen]
        return pubsub.ListSubscriptionsResponse.pb()(subscriptions=subscriptions, next_page_token=token)

    async def _delete_subscription(self, request: Any, _context: Any) -> Any:
        self._catalogue.subscription(request.subscription)
        self._catalogue.drop_subscription(request.subscription)
        self._backlog.forget(request.subscription)
        return Empty()

    def _check(self, subscription: Any) -> None:
        complete_subscription(subscription)
        if subscription.HasField("dead_letter_policy"):
            self._catalogue.topic(subscription.dead_letter_policy.dead_letter_topic)

    def _keep(self, subscription: Any) -> None:
        self._catalogue.keep_subscription(subscription)
        self._pusher.serve(subscription.name)


def _copy(message: Any) -> Any:
    copied = type(message)()
    copied.CopyFrom(message)
    return copied


def _exists(name: str) -> Refusal:
    return Refusal(
        grpc.StatusCode.ALREADY_EXISTS, f"Resource already exists in the project (resource={name})."
    )
