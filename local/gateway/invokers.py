"""Plays the platform in front of functions that are not public: who calls is proven by an OIDC token."""

from __future__ import annotations

from pathlib import Path

from local.identity import PROJECT, IdentityError, verify_id_token

STRIPPED = "SIGNATURE_REMOVED_BY_GOOGLE"

EVENTS = f"events@{PROJECT}.iam.gserviceaccount.com"
TASKS = f"tasks@{PROJECT}.iam.gserviceaccount.com"
SCHEDULES = f"schedules@{PROJECT}.iam.gserviceaccount.com"

INVOKERS = {"storage": EVENTS, "pubsub": EVENTS, "task": TASKS, "schedule": SCHEDULES}


class Refused(Exception):
    """Cloud Run's answer to a caller that may not invoke the service."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail = status, title, detail
        # Cloud Run names the scheme only when a token was there and was wrong.
        self.headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'} if status == 401 else {}


def admit(keys: Path, kind: str, audience: str, authorization: str | None) -> str:
    """The `Authorization` header as the function sees it: checked, its signature taken away.

    `kind` is the manifest's, `audience` the function's URL. Raises `Refused`: 403 without a token or without
    the invoker role, 401 for a token that does not prove anything.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(403, "Forbidden", "The request was not authenticated.")
    try:
        claims = verify_id_token(keys, token.strip(), audience)
    except IdentityError:
        raise Refused(401, "Unauthorized", "The access token could not be verified.") from None
    if claims.get("email") != INVOKERS.get(kind) or claims.get("email_verified") is not True:
        raise Refused(403, "Forbidden", "The caller does not have permission to invoke this service.")
    header, payload, _ = token.strip().split(".")
    return f"Bearer {header}.{payload}.{STRIPPED}"
