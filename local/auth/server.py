"""The HTTP server: finds the operation, tells who may call it, and answers failures as Google does."""

from __future__ import annotations

import json
import re
import traceback
from typing import Any

from aiohttp import web

from local.auth import admin, codes, pages, profile, providers, sign_in
from local.auth.calls import Call, Operation, Service
from local.auth.errors import AuthRefused

_TOOLKIT = "/identitytoolkit.googleapis.com"
_PROJECT = re.compile(_TOOLKIT + r"/v[12]/projects/(?P<project>[^/:]+)(?P<rest>(/|:).*)")
_EMULATOR = re.compile(r"/emulator/v1/projects/(?P<project>[^/:]+)/(?P<rest>.+)")
_LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?")
_PUBLIC = "private, max-age=21600, must-revalidate"

# What anybody may call who has an API key. Google takes any key that is the project's; here any will do.
_CLIENT: dict[tuple[str, str], Operation] = {
    ("POST", f"{_TOOLKIT}/v1/accounts:signUp"): sign_in.sign_up,
    ("POST", f"{_TOOLKIT}/v1/accounts:signInWithPassword"): sign_in.sign_in_with_password,
    ("POST", f"{_TOOLKIT}/v1/accounts:signInWithCustomToken"): sign_in.sign_in_with_custom_token,
    ("POST", f"{_TOOLKIT}/v1/accounts:signInWithEmailLink"): sign_in.sign_in_with_email_link,
    ("POST", f"{_TOOLKIT}/v1/accounts:signInWithIdp"): providers.sign_in_with_provider,
    ("POST", f"{_TOOLKIT}/v1/accounts:createAuthUri"): sign_in.create_auth_uri,
    ("POST", f"{_TOOLKIT}/v1/accounts:lookup"): profile.lookup,
    ("POST", f"{_TOOLKIT}/v1/accounts:update"): profile.update,
    ("POST", f"{_TOOLKIT}/v1/accounts:delete"): profile.delete,
    ("POST", f"{_TOOLKIT}/v1/accounts:sendOobCode"): codes.send_code,
    ("POST", f"{_TOOLKIT}/v1/accounts:resetPassword"): codes.reset_password,
    ("GET", f"{_TOOLKIT}/v1/projects"): admin.get_project,
    ("GET", f"{_TOOLKIT}/v1/recaptchaParams"): admin.get_recaptcha_params,
    ("GET", f"{_TOOLKIT}/v2/recaptchaConfig"): admin.get_recaptcha_config,
    ("GET", f"{_TOOLKIT}/v2/passwordPolicy"): admin.get_password_policy,
    ("POST", "/securetoken.googleapis.com/v1/token"): sign_in.refresh,
}
_SERVER: dict[tuple[str, str], Operation] = {
    ("POST", "/accounts"): sign_in.sign_up,
    ("POST", "/accounts:lookup"): profile.lookup,
    ("POST", "/accounts:update"): profile.update,
    ("POST", "/accounts:delete"): profile.delete,
    ("POST", "/accounts:query"): admin.query,
    ("POST", "/accounts:batchCreate"): admin.batch_create,
    ("POST", "/accounts:batchDelete"): admin.batch_delete,
    ("GET", "/accounts:batchGet"): admin.batch_get,
    ("POST", "/accounts:sendOobCode"): codes.send_code,
    ("POST", ":createSessionCookie"): admin.create_session_cookie,
    ("GET", "/config"): admin.get_config,
    ("PATCH", "/config"): admin.set_config,
}
# firebase-tools' emulator asks for no credential here; this machine is trusted, its web pages are not.
_HELPERS: dict[tuple[str, str], Operation] = {
    ("GET", "oobCodes"): codes.list_codes,
    ("DELETE", "accounts"): admin.delete_all,
    ("GET", "config"): admin.get_config,
    ("PATCH", "config"): admin.set_config,
}
_PAGES = {"/emulator/action": pages.action, providers.CONSENT_PATH: pages.consent}


class AuthServer:
    """The aiohttp application over one project's accounts."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._certificates = {
            "/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com": service.tokens.id_tokens,
            "/identitytoolkit/v3/relyingparty/publicKeys": service.tokens.cookies,
        }

    def application(self) -> web.Application:
        """The application."""
        app = web.Application(client_max_size=4 << 20)
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Any request."""
        try:
            answer = await self._answer(request)
        except AuthRefused as error:
            answer = web.json_response(error.as_json(), status=error.status)
        except web.HTTPException:
            raise
        except Exception:
            traceback.print_exc()
            failure = AuthRefused("INTERNAL_ERROR : see the log.", 500, "INTERNAL")
            answer = web.json_response(failure.as_json(), status=500)
        answer.headers.update(_cross_origin(request))
        return answer

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if not _LOOPBACK.fullmatch(request.host):
            # A foreign name that resolves to this machine is a web page's way around its own origin.
            raise AuthRefused("PERMISSION_DENIED", 403, "PERMISSION_DENIED")
        if request.method == "OPTIONS":
            return web.Response(status=204)
        if path == "/" and request.method == "GET":
            return web.json_response({"authEmulator": {"ready": True, "docs": "Identity Toolkit API"}})
        if signer := self._certificates.get(path):
            return web.json_response(signer.certificates(), headers={"Cache-Control": _PUBLIC})
        if page := _PAGES.get(path):
            return await page(await self._call(request, privileged=False))
        operation, privileged = self._operation(request)
        return web.json_response(await operation(await self._call(request, privileged=privileged)))

    def _operation(self, request: web.Request) -> tuple[Operation, bool]:
        """What is asked for, and whether a project's server asks."""
        path, privileged = request.path, _privileged(request)
        if match := _EMULATOR.fullmatch(path):
            self._own(match["project"])
            if "Origin" in request.headers:
                raise AuthRefused("PERMISSION_DENIED", 403, "PERMISSION_DENIED")
            return _found(_HELPERS, request.method, match["rest"]), True
        if match := _PROJECT.fullmatch(path):
            self._own(match["project"])
            if not privileged:
                raise AuthRefused("PERMISSION_DENIED", 403, "PERMISSION_DENIED")
            return _found(_SERVER, request.method, match["rest"]), True
        operation = _found(_CLIENT, request.method, path)
        if not privileged and not request.query.get("key"):
            message = "The request is missing a valid API key."
            raise AuthRefused(message, 403, "PERMISSION_DENIED")
        return operation, privileged

    def _own(self, project: str) -> None:
        if project != self.service.project:
            raise AuthRefused("PROJECT_NOT_FOUND", 404, "NOT_FOUND")

    async def _call(self, request: web.Request, *, privileged: bool) -> Call:
        base = f"{request.scheme}://{request.host}"
        return Call(self.service, await _body(request), dict(request.query), privileged, base)


def _privileged(request: web.Request) -> bool:
    """Whether a project's server calls. A server of Google's proves itself; here its word is enough.

    A web page's is not: any page that somebody looks at could say it.
    """
    says_so = request.headers.get("Authorization", "") == "Bearer owner"
    if says_so and "Origin" in request.headers:
        raise AuthRefused("PERMISSION_DENIED", 403, "PERMISSION_DENIED")
    return says_so


def _found(operations: dict[tuple[str, str], Operation], method: str, path: str) -> Operation:
    operation = operations.get((method, path))
    if operation is None:
        raise AuthRefused(f"NOT_FOUND : {method} {path}", 404, "NOT_FOUND")
    return operation


async def _body(request: web.Request) -> dict[str, Any]:
    raw = await request.read()
    if not raw:
        return {}
    if request.content_type == "application/x-www-form-urlencoded":
        form = await request.post()
        return {name: value for name, value in form.items() if isinstance(value, str)}
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise AuthRefused("Invalid JSON payload received.", 400, "INVALID_ARGUMENT")
    return body


def _cross_origin(request: web.Request) -> dict[str, str]:
    """Any web page may sign people in, as at Google; credentials of the browser play no part in it."""
    if "Origin" not in request.headers:
        return {}
    allowed = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "*"}
    if request.method == "OPTIONS":
        asked = request.headers.get("Access-Control-Request-Headers", "")
        allowed |= {"Access-Control-Allow-Methods": "GET, POST, OPTIONS", "Access-Control-Max-Age": "3600"}
        allowed |= {"Access-Control-Allow-Headers": asked} if re.fullmatch(r"[a-zA-Z0-9, -]*", asked) else {}
    return allowed
