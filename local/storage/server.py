"""The HTTP server: finds the operation, answers failures in the right form, and publishes notifications."""

import re
import traceback
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import unquote

from aiohttp import web

from local.storage import json_api, json_uploads
from local.storage.backend import Backend
from local.storage.cors import response_headers
from local.storage.errors import StorageError, not_implemented
from local.storage.publisher import Publisher
from local.storage.signing import SignatureVerifier
from local.storage.uploads import ResumableUploads
from local.storage.xml_api import XmlApi

_BUCKET = r"/b/(?P<bucket>[^/]+)"
_OBJECT = _BUCKET + r"/o/(?P<object>[^/]+)"
_TARGET = r"/b/(?P<to_bucket>[^/]+)/o/(?P<to_object>[^/]+)"
_ROUTES: tuple[tuple[str, str, json_api.Handler], ...] = (
    ("POST", r"/b", json_api.create_bucket),
    ("GET", r"/b", json_api.list_buckets),
    ("GET", _BUCKET, json_api.get_bucket),
    ("PATCH", _BUCKET, json_api.update_bucket),
    ("PUT", _BUCKET, json_api.update_bucket),
    ("DELETE", _BUCKET, json_api.delete_bucket),
    ("GET", _BUCKET + r"/o", json_api.list_objects),
    ("GET", _OBJECT, json_api.get_object),
    ("PATCH", _OBJECT, json_api.update_object),
    ("PUT", _OBJECT, json_api.update_object),
    ("DELETE", _OBJECT, json_api.delete_object),
    ("POST", _OBJECT + r"/rewriteTo" + _TARGET, json_api.rewrite_object),
    ("POST", _OBJECT + r"/copyTo" + _TARGET, json_api.copy_object),
    ("POST", _OBJECT + r"/compose", json_api.compose_object),
    ("POST", _BUCKET + r"/notificationConfigs", json_api.create_notification),
    ("GET", _BUCKET + r"/notificationConfigs", json_api.list_notifications),
    ("GET", _BUCKET + r"/notificationConfigs/(?P<notification>[^/]+)", json_api.get_notification),
    ("DELETE", _BUCKET + r"/notificationConfigs/(?P<notification>[^/]+)", json_api.delete_notification),
)
_JSON_PATHS = re.compile(r"(/download|/upload|/batch|/resumable/upload)?/storage/v1(/.*)?")


def _segments(match: re.Match[str]) -> Mapping[str, str]:
    return {name: unquote(value) for name, value in match.groupdict().items()}


class StorageServer:
    """One emulator: the aiohttp application over a backend."""

    def __init__(self, backend: Backend, verifier: SignatureVerifier, publisher: Publisher) -> None:
        self.backend = backend
        self.publisher = publisher
        self.uploads = ResumableUploads(backend)
        self.xml = XmlApi(backend, self.uploads, verifier)
        self.routes = [(method, re.compile(pattern), handler) for method, pattern, handler in _ROUTES]

    def application(self) -> web.Application:
        """The application; run it with `auto_decompress=False`, content is stored as sent."""
        app = web.Application(client_max_size=16 << 20)
        app.router.add_route("*", "/{path:.*}", self.handle)
        app.on_response_prepare.append(self._allow_origin)
        return app

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Any request."""
        path, _, _ = request.raw_path.partition("?")
        json_path = _JSON_PATHS.fullmatch(path)
        try:
            if json_path:
                return await self._json(request, json_path[1] or "", json_path[2] or "")
            return await self.xml.handle(request, path)
        except StorageError as error:
            return self._refusal(error, as_json=json_path is not None)
        except ConnectionError:
            return web.Response(status=499, reason="Client Closed Request")
        except Exception:
            traceback.print_exc()
            failure = StorageError(500, "backendError", "InternalError", "We encountered an internal error.")
            return self._refusal(failure, as_json=json_path is not None)
        finally:
            self.publisher.wake()

    @staticmethod
    def _refusal(error: StorageError, *, as_json: bool) -> web.Response:
        kind = "application/json" if as_json else "application/xml"
        body = error.as_json() if as_json else error.as_xml()
        headers = {"Content-Type": f"{kind}; charset=UTF-8", **error.headers}
        return web.Response(status=error.status, body=body, headers=headers)

    async def _json(self, request: web.Request, service: str, rest: str) -> web.StreamResponse:
        json_api.refuse_unsupported(request)
        if service == "/upload":
            if (match := re.fullmatch(_BUCKET + r"/o", rest)) and (operation := self._upload(request.method)):
                return await operation(self.backend, self.uploads, request, _segments(match))
        elif service == "/download":
            if (match := re.fullmatch(_OBJECT, rest)) and request.method == "GET":
                return await json_api.get_object(self.backend, request, _segments(match))
        elif not service:
            for method, pattern, handler in self.routes:
                if method == request.method and (match := pattern.fullmatch(rest)):
                    return await handler(self.backend, request, _segments(match))
        raise not_implemented(f"{request.method} {service}/storage/v1{rest}")

    @staticmethod
    def _upload(
        method: str,
    ) -> Callable[..., Awaitable[web.StreamResponse]] | None:
        return {"POST": json_uploads.insert, "PUT": json_uploads.resume, "DELETE": json_uploads.resume}.get(
            method
        )

    async def _allow_origin(self, request: web.Request, response: web.StreamResponse) -> None:
        origin = request.headers.get("Origin")
        path, _, _ = request.raw_path.partition("?")
        if not origin or request.method == "OPTIONS" or _JSON_PATHS.fullmatch(path):
            return
        try:
            bucket = self.backend.buckets.get(unquote(path).lstrip("/").partition("/")[0])
        except StorageError:
            return
        response.headers.update(response_headers(bucket.fields.get("cors") or [], origin, request.method))
