"""Who calls an event, task or schedule function: the claims of the token that the platform has verified.

Cloud Run checks the token's signature, audience and the caller's right to invoke, and replaces the signature
before our code sees the token; so claims are all that is left to check, and the only thing that tells one
invoker from another.
"""

from __future__ import annotations

import base64
import binascii
import time
from typing import Any

from werkzeug.datastructures import Headers

from shared.core.config import CallerSettings
from shared.core.errors import ImangorError, Unauthenticated
from shared.core.names import function_url
from shared.edge.manifest import Kind
from shared.edge.strict_json import loads

_ISSUERS = frozenset({"https://accounts.google.com", "accounts.google.com"})
# The platform has checked these times by its own clock; this instance's may be minutes off.
_LEEWAY_SECONDS = 900


def check_caller(headers: Headers, kind: Kind, name: str, now: float | None = None) -> None:
    """Raise `Unauthenticated` unless the request carries the token of the invoker that `kind` implies.

    `name` is the function's name, `now` Unix seconds. Where both headers are present Cloud Run verifies only
    `X-Serverless-Authorization`, so only that one is believed.
    """
    token = headers.get("X-Serverless-Authorization") or headers.get("Authorization") or ""
    settings = CallerSettings.load()
    claims = _claims(token)
    moment = time.time() if now is None else now
    right = (
        claims.get("iss") in _ISSUERS
        and claims.get("aud") == function_url(settings.function_url, name)
        and claims.get("email") == _invoker(settings, kind)
        and claims.get("email_verified") is True
        and _seconds(claims.get("iat")) <= moment + _LEEWAY_SECONDS
        and _seconds(claims.get("exp")) >= moment - _LEEWAY_SECONDS
    )
    if not right:
        raise Unauthenticated("This function is called by the platform alone.")


def _invoker(settings: CallerSettings, kind: Kind) -> str:
    if kind == "task":
        return settings.tasks_invoker
    return settings.schedules_invoker if kind == "schedule" else settings.events_invoker


def _claims(token: str) -> dict[str, Any]:
    scheme, _, jwt = token.partition(" ")
    segments = jwt.strip().split(".")
    if scheme.lower() != "bearer" or len(segments) != 3:
        raise Unauthenticated("This function is called by the platform alone.")
    payload = segments[1]
    try:
        raw = base64.b64decode(payload + "=" * (-len(payload) % 4), altchars=b"-_", validate=True)
        claims = loads(raw)
    except (binascii.Error, ValueError, ImangorError):
        claims = None
    return claims if isinstance(claims, dict) else {}


def _seconds(claim: Any) -> float:
    """A NumericDate; NaN, which no comparison accepts, for anything else."""
    return float(claim) if isinstance(claim, int | float) and not isinstance(claim, bool) else float("nan")
