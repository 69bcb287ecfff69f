"""Creates the two buckets over the storage emulator's JSON API, with CORS and the upload notification."""

from __future__ import annotations

from typing import Any

from aiohttp import ClientSession

from local.identity import PROJECT
from local.services.environment import LOCATION, RESULTS_BUCKET, UPLOADS_BUCKET

_EXPOSED = ["Content-Type", "Content-Length", "ETag", "Location", "Range", "X-Goog-Generation", "X-Goog-Hash"]


class StorageRefused(Exception):
    """The storage emulator did not do what it was asked."""


async def create_buckets(storage: str, origins: list[str], topic: str | None) -> None:
    """Make both buckets as they are wanted. `topic` is the full name of the topic that uploads go to."""
    cors = [
        {
            "origin": origins,
            "method": ["GET", "HEAD", "PUT", "POST", "OPTIONS"],
            "responseHeader": _EXPOSED,
            "maxAgeSeconds": 3600,
        }
    ]
    async with ClientSession(f"{storage}/storage/v1/") as session:
        for name in (UPLOADS_BUCKET, RESULTS_BUCKET):
            await _ensure_bucket(session, name, {"cors": cors})
        if topic is not None:
            await _ensure_notification(session, UPLOADS_BUCKET, f"//pubsub.googleapis.com/{topic}")


async def _ensure_bucket(session: ClientSession, name: str, wanted: dict[str, Any]) -> None:
    status, found = await _call(session, "GET", f"b/{name}")
    if status == 404:
        body = {"name": name, "location": LOCATION.upper(), **wanted}
        await _must(session, "POST", f"b?project={PROJECT}", body)
    elif found.get("cors") != wanted["cors"]:
        await _must(session, "PATCH", f"b/{name}", wanted)


async def _ensure_notification(session: ClientSession, bucket: str, topic: str) -> None:
    found = await _must(session, "GET", f"b/{bucket}/notificationConfigs", None)
    if any(item.get("topic") == topic for item in found.get("items", [])):
        return
    body = {"topic": topic, "payload_format": "JSON_API_V1", "event_types": ["OBJECT_FINALIZE"]}
    await _must(session, "POST", f"b/{bucket}/notificationConfigs", body)


async def _must(session: ClientSession, method: str, path: str, body: Any) -> dict[str, Any]:
    status, answer = await _call(session, method, path, body)
    if status >= 300:
        raise StorageRefused(f"{method} {path}: {status} {answer}")
    return answer


async def _call(
    session: ClientSession, method: str, path: str, body: Any = None
) -> tuple[int, dict[str, Any]]:
    async with session.request(method, path, json=body) as answer:
        try:
            found = await answer.json(content_type=None)
        except ValueError:
            found = {"text": await answer.text()}
        return answer.status, found if isinstance(found, dict) else {}
