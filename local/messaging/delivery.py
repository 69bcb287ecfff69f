"""HTTP requests to the targets of both services, with the caller's identity token."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp

from local.identity import ensure_keys, load_key, mint_id_token


@dataclass(frozen=True)
class Caller:
    """Who a request says it comes from: a service account and the audience its token is for."""

    email: str
    audience: str


@dataclass(frozen=True)
class Reply:
    """What came back: an HTTP status, or None and the reason; `retry_after` in seconds where it was said."""

    status: int | None
    reason: str
    retry_after: float | None = None


class Sender:
    """Sends requests; a connection is never reused, because targets are stopped and started all the time."""

    def __init__(self, identity: Path) -> None:
        ensure_keys(identity)
        self._key = load_key(identity)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Content-Type", "User-Agent"),
        )

    async def send(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes,
        *,
        timeout: float,
        caller: Caller | None,
    ) -> Reply:
        """Send one request and wait at most `timeout` seconds for the whole answer; never raises."""
        if caller:
            headers = headers | {
                "Authorization": f"Bearer {mint_id_token(self._key, caller.email, caller.audience)}"
            }
        try:
            async with self._session.request(
                method,
                url,
                headers=headers,
                data=body or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout),
            ) as response:
                await response.read()
                return Reply(
                    response.status, f"HTTP status code {response.status}", _retry_after(response.headers)
                )
        except TimeoutError:
            return Reply(None, f"DEADLINE_EXCEEDED: no answer within {timeout:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Reply(None, f"UNAVAILABLE: {type(error).__name__}")

    async def close(self) -> None:
        """Drop what is under way."""
        await self._session.close()


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """RFC 9110 section 10.2.3: seconds or an HTTP date; anything else counts as nothing said."""
    said = headers.get("Retry-After", "")
    try:
        return max(
            0.0, float(said) if said.isdigit() else parsedate_to_datetime(said).timestamp() - time.time()
        )
    except (TypeError, ValueError):
        return None
