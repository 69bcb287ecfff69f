"""Problem details for HTTP APIs (RFC 9457): the one shape of every error reply."""

from __future__ import annotations

import json
import logging
from typing import Any

from shared.core.config import EdgeSettings, Misconfigured
from shared.core.errors import ImangorError
from shared.core.logs import bound
from shared.edge.reply import JSON, Rendered

PROBLEM_JSON = "application/problem+json"

_log = logging.getLogger("imangor.edge")


def problem(error: Exception, request_id: str, *, oauth: bool = False) -> Rendered:
    """Describe an error for a caller. Whatever the error is, this returns and tells nothing of the inside.

    With `oauth` it is an error of OAuth 2.0, too (RFC 6749, 5.2), whose clients take nothing but plain JSON.
    """
    known = error if isinstance(error, ImangorError) and error.status != 500 else ImangorError()
    document: dict[str, Any] = {
        "type": _base() + known.slug,
        "title": known.title,
        "status": known.status,
        "instance": f"urn:imangor:request:{request_id}",
    }
    if known.status != 500:
        document["detail"] = _detail(known)
    if known.errors:
        document["errors"] = [e.as_dict() for e in known.errors]
    document |= known.members
    if oauth:
        described = _plain(document.get("detail", known.title))
        document |= {"error": _oauth_word(known), "error_description": described}
    headers = {**known.headers, "Content-Type": JSON if oauth else PROBLEM_JSON}
    body = json.dumps(document, ensure_ascii=False).encode(errors="replace")
    return Rendered(known.status, headers, body)


def log_problem(error: Exception, request_id: str, **facts: object) -> None:
    """Write one line: an error with its stack when it is ours, information when it is the caller's."""
    status = error.status if isinstance(error, ImangorError) else 500
    with bound(request_id=request_id, error=type(error).__name__, status=status, **facts):
        if status == 500:
            _log.error("request failed", exc_info=error)
        elif status > 500:
            _log.warning("request failed for now", exc_info=error)
        else:
            _log.info("request refused")


def _detail(error: ImangorError) -> str:
    """The error's own words; where it has only those of its class, the first thing that is wrong."""
    common = (type(error).__doc__ or "").strip().split("\n")[0]
    if not error.errors or error.detail != common:
        return str(error.detail)
    first, more = error.errors[0], len(error.errors) - 1
    sentence = f"{first.pointer}: {first.detail}" if first.pointer else first.detail
    return f"{sentence} ({more} more in `errors`.)" if more else sentence


def _oauth_word(error: ImangorError) -> str:
    """The error's own word, or that of its status."""
    if error.status >= 500 or error.status == 429:
        return "temporarily_unavailable" if error.retry else "server_error"
    return error.oauth or ("invalid_client" if error.status == 401 else "invalid_request")


def _plain(text: str) -> str:
    """A text of the characters that `error_description` may have."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in text)


def _base() -> str:
    try:
        return EdgeSettings.load().problem_base
    except Misconfigured:
        return str(EdgeSettings.model_fields["problem_base"].default)
