"""Facts about a request that are not its content: its id, its trace, where it came from."""

from __future__ import annotations

import re

from flask import Request

from shared.core import tracing
from shared.core.addresses import address_of
from shared.core.config import EdgeSettings
from shared.core.credentials import SESSION_COOKIE, Credentials
from shared.core.ids import new_id

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def request_id(request: Request) -> str:
    """The caller's `X-Request-Id` where it is harmless, otherwise a new id."""
    given = request.headers.get("X-Request-Id", "")
    return given if _REQUEST_ID.fullmatch(given) else new_id("req")


def parent_of(request: Request) -> tracing.Parent | None:
    """The span that the request continues, where it says so."""
    headers = request.headers
    return tracing.read(headers.get("traceparent"), headers.get("X-Cloud-Trace-Context"))


def client_address(request: Request) -> str:
    """Where the request comes from, as the outermost proxy that is trusted saw it.

    Each of the `TRUSTED_PROXIES` appends one entry to `X-Forwarded-For` (Google's load balancer counts as
    two: `<client>, <balancer>`). What stands before those is the client's own invention. A request with
    fewer entries did not come through them all, and where the entry is no address no proxy of ours wrote it:
    then only the connection tells where from.
    """
    trusted = EdgeSettings.load().trusted_proxies
    forwarded = ",".join(request.headers.getlist("X-Forwarded-For"))
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    found = address_of(hops[-trusted]) if 1 <= trusted <= len(hops) else None
    return str(found) if found is not None else request.remote_addr or "unknown"


def credentials_of(request: Request) -> Credentials:
    """What the request says of its sender."""
    headers = request.headers
    return Credentials(
        authorization=headers.get("Authorization"),
        api_key=headers.get("X-Api-Key"),
        cookie=request.cookies.get(SESSION_COOKIE),
        account=headers.get("X-Account"),
        address=client_address(request),
        agent=headers.get("User-Agent"),
        method=request.method,
        origin=headers.get("Origin"),
        host=headers.get("Host"),
    )
