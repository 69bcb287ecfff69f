"""Serving an object's bytes: ranges, conditional requests and Google's headers."""

import re
import zlib
from collections.abc import Iterator
from email.utils import formatdate
from typing import BinaryIO

from aiohttp import web

from local.storage.backend import Backend
from local.storage.content import BLOCK
from local.storage.errors import not_modified, range_not_satisfiable
from local.storage.resources import ObjectVersion

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_FIELD_HEADERS = {
    "cacheControl": "Cache-Control",
    "contentDisposition": "Content-Disposition",
    "contentEncoding": "Content-Encoding",
    "contentLanguage": "Content-Language",
    "contentType": "Content-Type",
}


def object_headers(version: ObjectVersion, *, xml: bool = False) -> dict[str, str]:
    """The headers both APIs describe a version with; the XML API adds the custom metadata."""
    digests = version.digests
    hashes = [f"crc32c={digests.crc32c}"] + ([f"md5={digests.md5}"] if digests.md5 else [])
    headers = {
        "ETag": f'"{version.etag}"',
        "Last-Modified": formatdate(version.updated, usegmt=True),
        "x-goog-generation": str(version.generation),
        "x-goog-metageneration": str(version.metageneration),
        "x-goog-hash": ",".join(hashes),
        "x-goog-stored-content-encoding": version.fields.get("contentEncoding", "identity"),
        "x-goog-stored-content-length": str(digests.size),
        "x-goog-storage-class": version.fields.get("storageClass", "STANDARD"),
    }
    if xml:
        custom = version.fields.get("metadata", {})
        headers.update({f"x-goog-meta-{name}": value for name, value in custom.items()})
    return headers


def requested_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and the one behind the last; None for the whole object (also for several ranges).

    Raises StorageError 416 when the range is outside the object.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if not match or (not match[1] and not match[2]):
        return None
    if match[1]:
        start, stop = int(match[1]), min(size, int(match[2]) + 1 if match[2] else size)
    else:
        start, stop = max(0, size - int(match[2])), size
    if start >= stop:
        raise range_not_satisfiable(size)
    return start, stop


def _blocks(file: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    file.seek(start)
    while start < stop and (block := file.read(min(BLOCK, stop - start))):
        start += len(block)
        yield block


def _unzipped(blocks: Iterator[bytes]) -> Iterator[bytes]:
    reader = zlib.decompressobj(wbits=31)
    for block in blocks:
        yield reader.decompress(block)
    yield reader.flush()


async def serve(
    backend: Backend, request: web.Request, version: ObjectVersion, *, xml: bool = False
) -> web.StreamResponse:
    """Answer GET or HEAD with the content; a gzip object is unpacked for clients that cannot."""
    headers = object_headers(version, xml=xml)
    if request.headers.get("If-None-Match") in ("*", headers["ETag"], version.etag):
        raise not_modified()
    fields = {"contentType": "application/octet-stream", **version.fields}
    headers.update({header: fields[name] for name, header in _FIELD_HEADERS.items() if name in fields})
    for name in ("Content-Type", "Content-Disposition"):
        if value := request.query.get(f"response-{name.lower()}"):
            headers[name] = value
    size = version.digests.size
    unpack = fields.get("contentEncoding") == "gzip" and "gzip" not in request.headers.get(
        "Accept-Encoding", ""
    )
    # Opened before anything is awaited: from here on a deletion no longer disturbs this reader.
    with backend.content.path(version.content).open("rb") as file:
        wanted = None if unpack else requested_range(request.headers.get("Range"), size)
        start, stop = wanted or (0, size)
        response = web.StreamResponse(status=206 if wanted else 200, headers=headers)
        if wanted:
            response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
        if unpack:
            del response.headers["Content-Encoding"]
            response.headers["Warning"] = "214 UploadServer gunzipped"
        else:
            response.headers["Accept-Ranges"] = "bytes"
            response.content_length = stop - start
        await response.prepare(request)
        if request.method != "HEAD":
            blocks = _blocks(file, start, stop)
            for block in _unzipped(blocks) if unpack else blocks:
                await response.write(block)
        await response.write_eof()
    return response
