"""What Pub/Sub accepts, and the values it fills in."""

from __future__ import annotations

import re
from typing import Any

from local.messaging.pubsub.filters import compile_filter
from local.messaging.rpc import invalid, unsupported
from local.messaging.wire import seconds_of

DELETED_TOPIC = "_deleted-topic_"
DEFAULT_MIN_BACKOFF, DEFAULT_MAX_BACKOFF = 10, 600
MAX_PUBLISH_BYTES = 10_000_000
_RESOURCE = re.compile(r"projects/[^/]+/(topics|subscriptions)/(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}")
_NO_TOPIC_FIELDS = frozenset(
    {"schema_settings", "ingestion_data_source_settings", "message_transforms", "message_storage_policy"}
)
_NO_SUBSCRIPTION_FIELDS = frozenset(
    {
        "bigquery_config",
        "cloud_storage_config",
        "bigtable_config",
        "enable_exactly_once_delivery",
        "retain_acked_messages",
        "message_transforms",
    }
)


def check_name(name: str, kind: str) -> None:
    """INVALID_ARGUMENT unless this is a full name of a resource of the kind (`topics`, `subscriptions`)."""
    match = _RESOURCE.fullmatch(name)
    if not match or match[1] != kind:
        raise invalid(f"Invalid [{kind}] name: (name={name})")


def check_topic(topic: Any) -> None:
    """Refuse what is wrong and what this emulator does not have."""
    check_name(topic.name, "topics")
    _refuse_fields(topic, _NO_TOPIC_FIELDS)


def complete_subscription(subscription: Any) -> None:
    """Check a subscription and fill in Google's defaults, in place."""
    check_name(subscription.name, "subscriptions")
    _refuse_fields(subscription, _NO_SUBSCRIPTION_FIELDS)
    subscription.ack_deadline_seconds = subscription.ack_deadline_seconds or 10
    if not 10 <= subscription.ack_deadline_seconds <= 600:
        raise invalid("Invalid ack deadline given: it must be between 10 and 600 seconds.")
    if not subscription.HasField("message_retention_duration"):
        subscription.message_retention_duration.seconds = 7 * 86400
    if not 600 <= seconds_of(subscription.message_retention_duration) <= 31 * 86400:
        raise invalid("Invalid message_retention_duration: it must be between 10 minutes and 31 days.")
    compile_filter(subscription.filter)
    _complete_retry(subscription)
    if subscription.HasField("dead_letter_policy"):
        _complete_dead_letter(subscription.dead_letter_policy)
    if subscription.HasField("push_config"):
        _check_push(subscription.push_config)
    subscription.state = 1


def _refuse_fields(message: Any, unsupported_fields: frozenset[str]) -> None:
    for field, _value in message.ListFields():
        if field.name in unsupported_fields:
            raise unsupported(f"{message.DESCRIPTOR.name}.{field.name}")


def _complete_retry(subscription: Any) -> None:
    if not subscription.HasField("retry_policy"):
        return
    policy = subscription.retry_policy
    if not policy.HasField("minimum_backoff"):
        policy.minimum_backoff.seconds = DEFAULT_MIN_BACKOFF
    if not policy.HasField("maximum_backoff"):
        policy.maximum_backoff.seconds = DEFAULT_MAX_BACKOFF
    least, most = seconds_of(policy.minimum_backoff), seconds_of(policy.maximum_backoff)
    if not 0 <= least <= most <= 600:
        raise invalid(
            "Invalid retry_policy: backoffs lie between 0 and 600 s, the minimum not above the maximum."
        )


def _complete_dead_letter(policy: Any) -> None:
    check_name(policy.dead_letter_topic, "topics")
    policy.max_delivery_attempts = policy.max_delivery_attempts or 5
    if not 5 <= policy.max_delivery_attempts <= 100:
        raise invalid("Invalid max_delivery_attempts: it must be between 5 and 100.")


def _check_push(config: Any) -> None:
    _refuse_fields(config, frozenset({"no_wrapper"}))
    if config.push_endpoint and not re.match(r"https?://[^/]+", config.push_endpoint):
        raise invalid(f"Invalid push endpoint given (endpoint={config.push_endpoint}).")
    if config.HasField("oidc_token") and not config.oidc_token.service_account_email:
        raise invalid("The push_config.oidc_token needs a service_account_email.")


def check_messages(messages: Any) -> None:
    """The documented limits of one Publish call."""
    if not 1 <= len(messages) <= 1000:
        raise invalid(f"A publish request holds 1 to 1000 messages, this one {len(messages)}.")
    if sum(message.ByteSize() for message in messages) > MAX_PUBLISH_BYTES:
        raise invalid("The publish request is larger than 10 MB.")
    for message in messages:
        _check_message(message)


def _check_message(message: Any) -> None:
    if not message.data and not message.attributes:
        raise invalid("Each message must contain either non-empty data, or at least one attribute.")
    if len(message.attributes) > 100:
        raise invalid("A message has at most 100 attributes.")
    for key, value in message.attributes.items():
        if not key or len(key.encode()) > 256 or len(value.encode()) > 1024 or key.lower().startswith("goog"):
            raise invalid(f"The attribute {key[:40]!r} is empty, too long or reserved.")
    if len(message.ordering_key.encode()) > 1024:
        raise invalid("An ordering key has at most 1024 bytes.")
