"""The XML API as far as signed URLs use it: `/<bucket>/<object>`."""

import re
from collections.abc import Mapping
from urllib.parse import unquote

from aiohttp import web

from local.storage.backend import Backend
from local.storage.cors import preflight_headers
from local.storage.errors import StorageError, invalid, not_implemented
from local.storage.json_api import base_url
from local.storage.json_uploads import cancel, checksums_of_header, put_chunk
from local.storage.media import object_headers, serve
from local.storage.preconditions import Preconditions, whole_number
from local.storage.resources import ObjectVersion, object_name
from local.storage.sessions import Intent, SizeRange
from local.storage.signing import SignatureVerifier
from local.storage.uploads import ResumableUploads, receive

_FIELD_HEADERS = {
    "cache-control": "cacheControl",
    "content-disposition": "contentDisposition",
    "content-encoding": "contentEncoding",
    "content-language": "contentLanguage",
    "content-type": "contentType",
}
_GOOG_HEADERS = frozenset(
    {
        "content-length-range",
        "custom-time",
        "date",
        "hash",
        "if-generation-match",
        "if-metageneration-match",
        "resumable",
        "storage-class",
    }
)
_PARAMETERS = frozenset(
    {
        "generation",
        "response-content-disposition",
        "response-content-type",
        "x-goog-algorithm",
        "x-goog-credential",
        "x-goog-date",
        "x-goog-expires",
        "x-goog-signedheaders",
        "x-goog-signature",
    }
)
_BLOCK = 256 * 1024


def _headers(request: web.Request) -> dict[str, str]:
    names = dict.fromkeys(name.lower() for name in request.headers)
    return {name: ",".join(request.headers.getall(name)) for name in names}


def _refuse_unsupported(request: web.Request, headers: Mapping[str, str]) -> None:
    for name in headers:
        short = name.removeprefix("x-goog-")
        if short != name and short not in _GOOG_HEADERS and not short.startswith("meta-"):
            raise not_implemented(f"XML API header {name}")
    for name in request.query:
        if name.lower() not in _PARAMETERS:
            raise not_implemented(f"XML API parameter {name}")


def _size_range(header: str | None) -> SizeRange:
    if header is None:
        return SizeRange()
    match = re.fullmatch(r"(\d+),(\d+)", header.replace(" ", ""))
    if not match or int(match[1]) > int(match[2]):
        raise invalid(f"Malformed x-goog-content-length-range: {header!r}")
    return SizeRange(int(match[1]), int(match[2]))


def _intent(bucket: str, name: str, headers: Mapping[str, str], total: int | None) -> Intent:
    fields: dict[str, object] = {"contentType": "application/octet-stream"}
    fields.update({field: headers[header] for header, field in _FIELD_HEADERS.items() if header in headers})
    prefix = "x-goog-meta-"
    custom = {name[len(prefix) :]: value for name, value in headers.items() if name.startswith(prefix)}
    if custom:
        fields["metadata"] = custom
    if "x-goog-storage-class" in headers:
        fields["storageClass"] = headers["x-goog-storage-class"]
    if "x-goog-custom-time" in headers:
        fields["customTime"] = headers["x-goog-custom-time"]
    checksums = checksums_of_header(headers.get("x-goog-hash"))
    if "content-md5" in headers:
        checksums["md5"] = headers["content-md5"]
    return Intent(
        bucket=bucket,
        name=object_name(name),
        fields=fields,
        preconditions=Preconditions.from_headers(headers),
        checksums=checksums,
        sizes=_size_range(headers.get("x-goog-content-length-range")),
        total=total,
    )


class XmlApi:
    """Signed requests on objects, and requests on the session URLs they lead to (these need no signature)."""

    def __init__(self, backend: Backend, uploads: ResumableUploads, verifier: SignatureVerifier) -> None:
        self.backend = backend
        self.uploads = uploads
        self.verifier = verifier

    async def handle(self, request: web.Request, path: str) -> web.StreamResponse:
        """Any request outside the JSON API's paths; `path` is as sent."""
        bucket, _, name = unquote(path).lstrip("/").partition("/")
        if request.method == "OPTIONS":
            return self._preflight(request, bucket)
        if "upload_id" in request.query:
            return await self._resume(request, bucket)
        headers = _headers(request)
        if "authorization" in headers:
            raise not_implemented("the XML API with an Authorization header")
        _, _, raw_query = request.raw_path.partition("?")
        self.verifier.verify(request.method, path, raw_query, headers)
        if not name:
            raise not_implemented(f"XML API {request.method} on a bucket or the service")
        _refuse_unsupported(request, headers)
        self.backend.buckets.get(bucket)
        if request.method in ("GET", "HEAD"):
            return await self._get(request, bucket, name, headers)
        if request.method == "DELETE":
            return self._delete(request, bucket, name, headers)
        if request.method == "PUT":
            intent = _intent(bucket, name, headers, request.content_length)
            return self._made(await receive(self.backend, intent, request.content.iter_chunked(_BLOCK)))
        if request.method == "POST" and headers.get("x-goog-resumable") == "start":
            return self._start(request, path, _intent(bucket, name, headers, None))
        raise not_implemented(f"XML API {request.method} on an object")

    async def _get(
        self, request: web.Request, bucket: str, name: str, headers: Mapping[str, str]
    ) -> web.StreamResponse:
        generation = whole_number("generation", request.query.get("generation"))
        version = self.backend.objects.find(bucket, name, generation)
        Preconditions.from_headers(headers).check(version, reading=True)
        return await serve(self.backend, request, version, xml=True)

    def _delete(
        self, request: web.Request, bucket: str, name: str, headers: Mapping[str, str]
    ) -> web.Response:
        generation = whole_number("generation", request.query.get("generation"))
        self.backend.objects.delete(bucket, name, generation, Preconditions.from_headers(headers))
        return web.Response(status=204)

    def _start(self, request: web.Request, path: str, intent: Intent) -> web.Response:
        session = self.uploads.start(intent)
        location = f"{base_url(request)}{path}?upload_id={session.id}"
        return web.Response(status=201, headers={"Location": location, "X-GUploader-UploadID": session.id})

    async def _resume(self, request: web.Request, bucket: str) -> web.StreamResponse:
        session = self.backend.sessions.get(request.query["upload_id"], bucket)
        if request.method == "DELETE":
            return cancel(self.backend, session)
        if request.method != "PUT":
            raise not_implemented(f"XML API {request.method} on an upload session")
        result = await put_chunk(self.uploads, request, session)
        return self._made(result) if isinstance(result, ObjectVersion) else result

    def _made(self, version: ObjectVersion) -> web.Response:
        return web.Response(headers=object_headers(version))

    def _preflight(self, request: web.Request, bucket: str) -> web.Response:
        try:
            rules = self.backend.buckets.get(bucket).fields.get("cors") or []
        except StorageError:
            rules = []
        wanted = request.headers.get("Access-Control-Request-Headers", "")
        method = request.headers.get("Access-Control-Request-Method", "")
        names = [name.strip() for name in wanted.split(",") if name.strip()]
        origin = request.headers.get("Origin", "")
        return web.Response(headers=preflight_headers(rules, origin, method, names))
