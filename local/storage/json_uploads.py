"""The JSON API's uploads: media, multipart and resumable."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from local.storage.backend import Backend
from local.storage.errors import not_implemented
from local.storage.json_api import base_url, object_response, parse_body
from local.storage.multipart import RelatedBody, boundary_of
from local.storage.preconditions import Preconditions, whole_number
from local.storage.resources import ObjectVersion, object_name, writable_fields
from local.storage.sessions import Intent, Session
from local.storage.uploads import Chunk, ResumableUploads, range_header, receive

_DEFAULT_TYPE = "application/octet-stream"
_BLOCK = 256 * 1024


def checksums_of_header(header: str | None) -> dict[str, str]:
    """`crc32c` and `md5` of an `x-goog-hash` header."""
    pairs = (part.strip().partition("=") for part in (header or "").split(","))
    return {name: value for name, _, value in pairs if name in ("crc32c", "md5")}


def _intent(request: web.Request, bucket: str, body: Mapping[str, Any], content_type: str | None) -> Intent:
    fields = {name: value for name, value in writable_fields(body).items() if value is not None}
    fields.setdefault("contentType", content_type or _DEFAULT_TYPE)
    if encoding := request.query.get("contentEncoding"):
        fields["contentEncoding"] = encoding
    given = {"md5": body.get("md5Hash") or request.headers.get("Content-MD5"), "crc32c": body.get("crc32c")}
    return Intent(
        bucket=bucket,
        name=object_name(request.query.get("name") or str(body.get("name") or "")),
        fields=fields,
        preconditions=Preconditions.from_query(request.query),
        checksums={
            **checksums_of_header(request.headers.get("x-goog-hash")),
            **{name: str(value) for name, value in given.items() if value},
        },
        total=whole_number("X-Upload-Content-Length", request.headers.get("X-Upload-Content-Length")),
    )


async def insert(
    backend: Backend, uploads: ResumableUploads, request: web.Request, at: Mapping[str, str]
) -> web.StreamResponse:
    """`objects.insert`, by `uploadType`."""
    kind = request.query.get("uploadType")
    if kind == "resumable":
        return await _start(uploads, request, at["bucket"])
    if kind == "media":
        intent = _intent(request, at["bucket"], {}, request.headers.get("Content-Type"))
        version = await receive(backend, intent, request.content.iter_chunked(_BLOCK))
    elif kind == "multipart":
        version = await _multipart(backend, request, at["bucket"])
    else:
        raise not_implemented(f"objects.insert with uploadType {kind!r}")
    return object_response(request, version)


async def _multipart(backend: Backend, request: web.Request, bucket: str) -> ObjectVersion:
    boundary = boundary_of(request.headers.get("Content-Type", ""))
    body = RelatedBody(aiter(request.content.iter_chunked(_BLOCK)), boundary)
    metadata = parse_body(await body.metadata())
    intent = _intent(request, bucket, metadata, await body.media_type())
    return await receive(backend, intent, body.media())


async def _start(uploads: ResumableUploads, request: web.Request, bucket: str) -> web.Response:
    body = parse_body(await request.read())
    session = uploads.start(_intent(request, bucket, body, request.headers.get("X-Upload-Content-Type")))
    query = f"uploadType=resumable&upload_id={session.id}"
    location = f"{base_url(request)}/upload/storage/v1/b/{bucket}/o?{query}"
    return web.Response(headers={"Location": location, "X-GUploader-UploadID": session.id})


async def put_chunk(
    uploads: ResumableUploads, request: web.Request, session: Session
) -> ObjectVersion | web.Response:
    """A PUT to a session of either API: the finished object, or the 308 answer with what is persisted."""
    chunk = Chunk.parse(request.headers.get("Content-Range"), request.content_length)
    checksums = checksums_of_header(request.headers.get("x-goog-hash"))
    result = await uploads.put(session, chunk, request.content.iter_chunked(_BLOCK), checksums)
    if isinstance(result, ObjectVersion):
        return result
    return web.Response(status=308, reason="Resume Incomplete", headers=range_header(result))


def cancel(backend: Backend, session: Session) -> web.Response:
    """A DELETE of a session: 499, which is how the service says that it is gone."""
    backend.sessions.cancel(session)
    return web.Response(status=499, reason="Client Closed Request")


async def resume(
    backend: Backend, uploads: ResumableUploads, request: web.Request, at: Mapping[str, str]
) -> web.StreamResponse:
    """PUT and DELETE on a session URL of the JSON API."""
    if "upload_id" not in request.query:
        raise not_implemented(f"{request.method} {request.path} without upload_id")
    session = backend.sessions.get(request.query["upload_id"], at["bucket"])
    if request.method == "DELETE":
        return cancel(backend, session)
    result = await put_chunk(uploads, request, session)
    return object_response(request, result) if isinstance(result, ObjectVersion) else result
