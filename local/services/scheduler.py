"""Cloud Scheduler: calls functions of kind `schedule` at the times their manifests name."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from local.gateway.invokers import SCHEDULES
from local.identity import mint_id_token
from local.services import cron

log = logging.getLogger("local")

_ATTEMPTS = 3
_FIRST_PAUSE = 5


class Scheduler:
    """Sends a signed POST for each due job; a failed call is tried again with growing pauses."""

    def __init__(self, jobs: Mapping[str, str], function_url: str, keys: Path) -> None:
        """`jobs` maps function names to cron expressions (ValueError where one is wrong)."""
        self._jobs = {name: cron.parse(expression) for name, expression in jobs.items()}
        self._function_url, self._keys = function_url, keys
        self._tasks: list[asyncio.Task[None]] = []
        self._last: dict[str, str] = {}
        self._next: dict[str, str] = {}

    def start(self) -> None:
        """Begin to keep time."""
        self._tasks = [asyncio.create_task(self._keep_time(name)) for name in self._jobs]

    async def stop(self) -> None:
        """Stop; a call under way is dropped."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def status(self) -> list[dict[str, Any]]:
        """Each job with its next time and its last result."""
        return [
            {"name": name, "next": self._next.get(name), "last": self._last.get(name)} for name in self._jobs
        ]

    async def run(self, name: str, when: datetime) -> int:
        """Call one function now as Cloud Scheduler does; the HTTP status, or 0 without an answer."""
        url = self._function_url.replace("{function}", name)
        headers = {
            "Authorization": f"Bearer {mint_id_token(self._keys, SCHEDULES, url)}",
            "User-Agent": "Google-Cloud-Scheduler",
            "X-CloudScheduler": "true",
            "X-CloudScheduler-JobName": name,
            "X-CloudScheduler-ScheduleTime": when.isoformat().replace("+00:00", "Z"),
            "Content-Type": "application/json",
        }
        try:
            async with (
                ClientSession(timeout=ClientTimeout(total=1800)) as session,
                session.post(url, data=b"{}", headers=headers) as answer,
            ):
                await answer.read()
                return answer.status
        except ClientError:
            return 0

    async def _keep_time(self, name: str) -> None:
        when = datetime.now(UTC)
        while True:
            now = datetime.now(UTC)
            # A sleep may end a little early; the same minute must not come twice.
            when = self._jobs[name].after(max(now, when))
            self._next[name] = when.isoformat()
            await asyncio.sleep((when - now).total_seconds())
            for attempt in range(_ATTEMPTS):
                status = await self.run(name, when)
                self._last[name] = f"{when.isoformat()} -> {status or 'no answer'}"
                if 200 <= status < 300:
                    break
                log.warning("schedule %s was answered %s", name, status)
                await asyncio.sleep(_FIRST_PAUSE * 2**attempt)
