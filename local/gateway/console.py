"""The console page and the local addresses behind it. None of this exists in the cloud."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession, web

from local.gateway.answers import problem
from local.identity import PROJECT
from local.mail.box import latest, shown

_PAGES = Path(__file__).resolve().parent.parent / "console"
_SCRIPTS = ("console.css", "console.js", "results.js", "mail.js", "people.js")
_FILES = {"": "index.html"} | {name: name for name in _SCRIPTS}
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_POLICY = (
    "default-src 'self'; img-src 'self' blob: data: http://127.0.0.1:*; connect-src 'self' http://127.0.0.1:*"
)
_LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?")
_JOB = re.compile(r"job_[0-9a-z]{26}")


class Console:
    """Serves the page, `/_local/status`, mails, people, and a job's source picture to compare with."""

    def __init__(
        self,
        status: Callable[[], dict[str, Any]],
        source_url: Callable[[str], str | None],
        mails: Path,
        identity: str,
    ) -> None:
        """`source_url(job)` is where the storage emulator has the source, None for no job; it may block.

        `mails` is the folder of the local mail server, `identity` the identity service's address.
        """
        self._status, self._source_url, self._mails = status, source_url, mails
        self._identity = identity

    def add_to(self, app: web.Application) -> None:
        """Add the page's routes."""
        app.router.add_get("/", self._page)
        app.router.add_get("/_local/status", self._show_status)
        app.router.add_get("/_local/mails", self._show_mails)
        app.router.add_get("/_local/people", self._show_people)
        app.router.add_get("/_local/source/{job}", self._source)
        app.router.add_get("/_local/{file}", self._page)

    async def _page(self, request: web.Request) -> web.Response:
        name = _FILES.get(request.match_info.get("file", ""))
        if name is None:
            return problem(404, "Not found", "There is no such page.")
        if refusal := _refuse_strangers(request):
            return refusal
        path = _PAGES / name
        headers = {"Cache-Control": "no-cache", "Content-Security-Policy": _POLICY}
        return web.Response(
            body=path.read_bytes(), content_type=_TYPES[path.suffix], charset="utf-8", headers=headers
        )

    async def _show_status(self, request: web.Request) -> web.Response:
        return _refuse_strangers(request) or web.json_response(self._status())

    async def _show_mails(self, request: web.Request) -> web.Response:
        if refusal := _refuse_strangers(request):
            return refusal
        return web.json_response({"mails": [shown(mail) for mail in latest(self._mails)]})

    async def _show_people(self, request: web.Request) -> web.Response:
        """Who signed up at the identity service, and the links that it would have sent them."""
        if refusal := _refuse_strangers(request):
            return refusal
        toolkit = f"{self._identity}/identitytoolkit.googleapis.com/v1/projects/{PROJECT}"
        headers = {"Authorization": "Bearer owner"}
        async with ClientSession(headers=headers, raise_for_status=True) as session:
            try:
                async with session.post(f"{toolkit}/accounts:query", json={}) as answer:
                    people = (await answer.json())["userInfo"]
                async with session.get(f"{self._identity}/emulator/v1/projects/{PROJECT}/oobCodes") as answer:
                    codes = (await answer.json())["oobCodes"]
            except ClientError:
                return problem(503, "Service unavailable", "The identity service does not answer.")
        return web.json_response({"people": people, "codes": codes[::-1]})

    async def _source(self, request: web.Request) -> web.Response:
        if refusal := _refuse_strangers(request):
            return refusal
        job = request.match_info["job"]
        url = await asyncio.to_thread(self._source_url, job) if _JOB.fullmatch(job) else None
        if url is None:
            return problem(404, "Not found", "There is no such job.")
        async with ClientSession() as session, session.get(url) as answer:
            if answer.status != 200:
                return problem(404, "Not found", "The source is not there any more.")
            # Whatever was uploaded, it is shown as a picture and never runs beside the page's API key.
            headers = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}
            return web.Response(body=await answer.read(), content_type=answer.content_type, headers=headers)


def _refuse_strangers(request: web.Request) -> web.Response | None:
    """The page shows an API key: a foreign name that resolves to this machine must not read it."""
    if _LOOPBACK.fullmatch(request.host):
        return None
    return problem(403, "Forbidden", "The console answers on loopback names only.")
