"""Facts about a request that are not its content: its id, its trace, where it came from."""

from __future__ import annotations

import re

from flask import Request

from shared.core.config import Misconfigured, ProjectSettings
from shared.core.ids import new_id
from shared.core.logs import trace_id

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def request_id(request: Request) -> str:
    """The caller's `X-Request-Id` where it is harmless, otherwise a new id."""
    given = request.headers.get("X-Request-Id", "")
    return given if _REQUEST_ID.fullmatch(given) else new_id("req")


def trace_facts(traceparent: str | None) -> dict[str, str]:
    """The member by which Cloud Logging joins log lines to a trace, where the request has one."""
    trace = trace_id(traceparent)
    if trace is None:
        return {}
    try:
        project = ProjectSettings.load().google_cloud_project
    except Misconfigured:
        return {"trace": trace}
    return {"logging.googleapis.com/trace": f"projects/{project}/traces/{trace}"}


def client_address(request: Request) -> str:
    """The address that public operations are counted by.

    Google's load balancer appends `<client>, <balancer>` to `X-Forwarded-For`, so the last but one is the
    client and everything before it is the client's own invention.
    """
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    if len(hops) >= 2:
        return hops[-2]
    return hops[0] if hops else request.remote_addr or "unknown"
