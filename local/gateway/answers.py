"""Answers that the gateway gives itself, in the shape that the functions use: RFC 9457 problem documents."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aiohttp import web


def problem(status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """A problem document of the platform, without a type of its own."""
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return web.Response(
        status=status,
        body=json.dumps(document).encode(),
        headers={"Content-Type": "application/problem+json", **(headers or {})},
    )
