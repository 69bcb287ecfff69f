"""The JSON API: buckets, objects, copies, compositions and notification configurations."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from local.storage.backend import Backend
from local.storage.errors import invalid, not_implemented
from local.storage.listing import Listing
from local.storage.media import serve
from local.storage.objects import Draft
from local.storage.preconditions import Preconditions, whole_number
from local.storage.resources import ObjectVersion, object_name, writable_fields
from local.storage.uploads import digests

Handler = Callable[[Backend, web.Request, Mapping[str, str]], Awaitable[web.StreamResponse]]
_MOST_SOURCES = 32
_REFUSED_PARAMETERS = (
    "predefinedAcl",
    "predefinedDefaultObjectAcl",
    "destinationPredefinedAcl",
    "kmsKeyName",
    "destinationKmsKeyName",
    "softDeleted",
    "enableObjectRetention",
)


def base_url(request: web.Request) -> str:
    """The emulator's URL as this client knows it."""
    return f"{request.scheme}://{request.host}"


def refuse_unsupported(request: web.Request) -> None:
    """Raise StorageError 501 for parameters and headers that would change the result and are not honoured."""
    for name in _REFUSED_PARAMETERS:
        if request.query.get(name, "").lower() not in ("", "false"):
            raise not_implemented(f"parameter {name}")
    for name in request.headers:
        if name.lower().startswith(("x-goog-encryption-", "x-goog-copy-source-encryption-")):
            raise not_implemented(f"header {name} (customer-supplied encryption keys)")


def parse_body(text: bytes) -> dict[str, Any]:
    """A JSON object (nothing at all is an empty one); StorageError 400 for anything else."""
    try:
        body = json.loads(text or b"{}")
    except ValueError:
        raise invalid("Parse Error") from None
    if not isinstance(body, dict):
        raise invalid("The request body must be a JSON object")
    return body


async def _body(request: web.Request) -> dict[str, Any]:
    return parse_body(await request.read())


def _generation(request: web.Request, name: str = "generation") -> int | None:
    return whole_number(name, request.query.get(name))


def object_response(request: web.Request, version: ObjectVersion) -> web.Response:
    """The object's resource as JSON."""
    return web.json_response(version.resource(base_url(request)), headers={"ETag": version.etag})


async def create_bucket(backend: Backend, request: web.Request, at: Mapping[str, str]) -> web.Response:
    """`buckets.insert`."""
    return web.json_response(backend.buckets.create(await _body(request)).resource(base_url(request)))


async def list_buckets(backend: Backend, request: web.Request, at: Mapping[str, str]) -> web.Response:
    """`buckets.list`, always one page."""
    found = backend.buckets.starting_with(request.query.get("prefix", ""))
    items = [bucket.resource(base_url(request)) for bucket in found]
    return web.json_response({"kind": "storage#buckets", "items": items})


async def get_bucket(backend: Backend, request: web.Request, at: Mapping[str, str]) -> web.Response:
    """`buckets.get`."""
    bucket = backend.buckets.get(at["bucket"])
    Preconditions.from_query(request.query).check(bucket, reading=True)
    return web.json_response(bucket.resource(base_url(request)))


async def update_bucket(backend: Backend, request: web.Request, at: Mapping[str, str]) -> web.Response:
    """`buckets.patch` and `buckets.update`."""
    body = await _body(request)
    conditions = Preconditions.from_query(request.query)
    bucket = backend.buckets.update(at["bucket"], body, conditions, whole=request.method == "PUT")
    return web.json_response(bucket.resource(base_url(request)))


async def delete_bucket(backend: Backend, request: web.Request, at: Mapping[str, str]) -> web.Response:
    """`buckets.delete`."""
    backend.buckets.delete(at["bucket"], Preconditions.from_query(request.query))
    return web.Response(status=204)


async def list_objects(backend: Backend, request: web.Request, at: Mapping[str, str]) -> web.Response:
    """`objects.list`."""
    backend.buckets.get(at["bucket"])
    page = Listing.from_query(at["bucket"], request.query).page(backend.objects.db)
    answer: dict[str, Any] = {"kind": "storage#objects"}
    if page.versions:
        answer["items"] = [version.resource(base_url(request)) for version in page.versions]
    if page.prefixes:
        answer["prefixes"] = page.prefixes
    if page.token:
        answer["nextPageToken"] = page.token
    return web.json_response(answer)


async def get_object(backend: Backend, request: web.Request, at: Mapping[str, str]) -> web.StreamResponse:
    """`objects.get`: the resource, or with `alt=media` the content."""
    version = backend.objects.find(at["bucket"], at["object"], _generation(request))
    Preconditions.from_query(request.query).check(version, reading=True)
    if request.query.get("alt") == "media":
        return await serve(backend, request, version)
    return object_response(request, version)


async def update_object(backend: Backend, request: web.Request, at: Mapping[str, str]) -> web.Response:
    """`objects.patch` and `objects.update`."""
    change = writable_fields(await _body(request))
    version = backend.objects.find(at["bucket"], at["object"], _generation(request))
    conditions = Preconditions.from_query(request.query)
    changed = backend.objects.update(version, change, conditions, whole=request.method == "PUT")
    return object_response(request, changed)


async def delete_object(backend: Backend, request: web.Request, at: Mapping[str, str]) -> web.Response:
    """`objects.delete`."""
    conditions = Preconditions.from_query(request.query)
    backend.objects.delete(at["bucket"], at["object"], _generation(request), conditions)
    return web.Response(status=204)


async def _copied(backend: Backend, request: web.Request, at: Mapping[str, str]) -> ObjectVersion:
    given = writable_fields(await _body(request))
    source = backend.objects.find(at["bucket"], at["object"], _generation(request, "sourceGeneration"))
    Preconditions.from_query(request.query, "Source").check(source)
    content = backend.content.duplicate(source.content)
    draft = Draft(
        bucket=at["to_bucket"],
        name=object_name(at["to_object"]),
        content=content,
        digests=source.digests,
        fields=given or source.fields,
        preconditions=Preconditions.from_query(request.query),
        components=source.components,
    )
    try:
        return backend.objects.commit(draft)
    except BaseException:
        backend.content.remove(content)
        raise


async def rewrite_object(backend: Backend, request: web.Request, at: Mapping[str, str]) -> web.Response:
    """`objects.rewrite`, always done in one call."""
    version = await _copied(backend, request, at)
    size = str(version.digests.size)
    return web.json_response(
        {
            "kind": "storage#rewriteResponse",
            "totalBytesRewritten": size,
            "objectSize": size,
            "done": True,
            "resource": version.resource(base_url(request)),
        }
    )


async def copy_object(backend: Backend, request: web.Request, at: Mapping[str, str]) -> web.Response:
    """`objects.copy`."""
    return object_response(request, await _copied(backend, request, at))


def _source(backend: Backend, bucket: str, item: Mapping[str, Any]) -> ObjectVersion:
    generation = whole_number("generation", str(item["generation"])) if item.get("generation") else None
    source = backend.objects.find(bucket, str(item.get("name", "")), generation)
    wanted = (item.get("objectPreconditions") or {}).get("ifGenerationMatch")
    if wanted is not None:
        Preconditions(generation_match=int(wanted)).check(source)
    return source


async def compose_object(backend: Backend, request: web.Request, at: Mapping[str, str]) -> web.Response:
    """`objects.compose`: up to 32 sources; the result has no MD5, as in the real service."""
    body = await _body(request)
    items = body.get("sourceObjects") or []
    if not 1 <= len(items) <= _MOST_SOURCES:
        raise invalid(
            f"The number of source components provided ({len(items)}) must be 1 to {_MOST_SOURCES}."
        )
    if body.get("deleteSourceObjects"):
        raise not_implemented("objects.compose with deleteSourceObjects")
    fields = writable_fields(body.get("destination") or {})
    conditions = Preconditions.from_query(request.query)
    backend.objects.check(at["bucket"], at["object"], conditions)
    sources = [_source(backend, at["bucket"], item) for item in items]
    content = await asyncio.to_thread(backend.content.concatenate, [source.content for source in sources])
    try:
        found = await digests(backend, content)
        draft = Draft(
            bucket=at["bucket"],
            name=object_name(at["object"]),
            content=content,
            digests=type(found)(found.size, None, found.crc32c),
            fields=fields,
            preconditions=conditions,
            components=sum(source.components or 1 for source in sources),
        )
        return object_response(request, backend.objects.commit(draft))
    except BaseException:
        backend.content.remove(content)
        raise


async def create_notification(backend: Backend, request: web.Request, at: Mapping[str, str]) -> web.Response:
    """`notifications.insert`."""
    backend.buckets.get(at["bucket"])
    return web.json_response(backend.notifications.create(at["bucket"], await _body(request)))


async def list_notifications(backend: Backend, request: web.Request, at: Mapping[str, str]) -> web.Response:
    """`notifications.list`."""
    backend.buckets.get(at["bucket"])
    items = backend.notifications.of_bucket(at["bucket"])
    return web.json_response({"kind": "storage#notifications", **({"items": items} if items else {})})


async def get_notification(backend: Backend, request: web.Request, at: Mapping[str, str]) -> web.Response:
    """`notifications.get`."""
    backend.buckets.get(at["bucket"])
    return web.json_response(backend.notifications.get(at["bucket"], at["notification"]))


async def delete_notification(backend: Backend, request: web.Request, at: Mapping[str, str]) -> web.Response:
    """`notifications.delete`."""
    backend.buckets.get(at["bucket"])
    backend.notifications.delete(at["bucket"], at["notification"])
    return web.Response(status=204)
