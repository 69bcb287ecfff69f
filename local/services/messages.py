"""Creates topics, push subscriptions and queues with the official clients, as Terraform does in the cloud.

Run as a process of its own (`python -m local.services.messages`), because the clients are slow to import and
needed only when the wiring changed.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import timedelta
from typing import Any

from local.identity import PROJECT
from local.services.environment import LOCATION

_WAIT = 20


def apply(endpoint: str, wiring: dict[str, Any]) -> None:
    """Make the messaging emulator at host:port match the wiring (see `local.services.wiring`)."""
    import grpc

    with grpc.insecure_channel(endpoint) as channel:
        _create_topics(channel, wiring["topics"])
        _create_subscriptions(channel, wiring["subscriptions"])
        _create_queues(channel, wiring["queues"])


def _create_topics(channel: Any, topics: list[str]) -> None:
    from google.api_core.exceptions import AlreadyExists
    from google.pubsub_v1.services.publisher import PublisherClient
    from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

    client = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
    for topic in topics:
        try:
            client.create_topic(name=f"projects/{PROJECT}/topics/{topic}", timeout=_WAIT)
        except AlreadyExists:
            continue


def _create_subscriptions(channel: Any, wanted: list[dict[str, Any]]) -> None:
    from google.api_core.exceptions import AlreadyExists
    from google.pubsub_v1.services.subscriber import SubscriberClient
    from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

    client = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
    for entry in wanted:
        request = _subscription(entry)
        try:
            client.create_subscription(request=request, timeout=_WAIT)
        except AlreadyExists:
            mask = {"paths": [k for k in request if k not in ("name", "topic")]}
            client.update_subscription(request={"subscription": request, "update_mask": mask}, timeout=_WAIT)


def _subscription(entry: dict[str, Any]) -> dict[str, Any]:
    token = {"service_account_email": entry["invoker"], "audience": entry["url"]}
    request = {
        "name": f"projects/{PROJECT}/subscriptions/{entry['name']}",
        "topic": f"projects/{PROJECT}/topics/{entry['topic']}",
        "push_config": {"push_endpoint": entry["url"], "oidc_token": token},
        "ack_deadline_seconds": entry["ack_deadline"],
        "retry_policy": {
            "minimum_backoff": timedelta(seconds=entry["shortest_backoff"]),
            "maximum_backoff": timedelta(seconds=entry["longest_backoff"]),
        },
    }
    if entry["dead_letter"]:
        request["dead_letter_policy"] = {
            "dead_letter_topic": f"projects/{PROJECT}/topics/{entry['dead_letter']}",
            "max_delivery_attempts": entry["attempts"],
        }
    return request


def _create_queues(channel: Any, queues: list[dict[str, Any]]) -> None:
    from google.api_core.exceptions import AlreadyExists
    from google.cloud.tasks_v2.services.cloud_tasks import CloudTasksClient
    from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport

    client = CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))
    parent = f"projects/{PROJECT}/locations/{LOCATION}"
    for entry in queues:
        queue = {
            "name": f"{parent}/queues/{entry['name']}",
            "retry_config": {
                "max_attempts": entry["attempts"],
                "min_backoff": timedelta(seconds=entry["shortest_backoff"]),
                "max_backoff": timedelta(seconds=entry["longest_backoff"]),
                "max_doublings": entry["doublings"],
            },
            "rate_limits": {
                "max_concurrent_dispatches": entry["concurrent"],
                "max_dispatches_per_second": entry["per_second"],
            },
        }
        try:
            client.create_queue(parent=parent, queue=queue, timeout=_WAIT)
        except AlreadyExists:
            client.update_queue(request={"queue": queue}, timeout=_WAIT)


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--wiring", type=json.loads, required=True)
    options = parser.parse_args()
    apply(options.endpoint, options.wiring)
    return 0


if __name__ == "__main__":
    sys.exit(_main())
