"""A headless Chromium, driven over its DevTools protocol (chromedevtools.github.io/devtools-protocol)."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import shutil
import time
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from aiohttp import ClientSession, ClientWebSocketResponse
from yarl import URL

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE = 90


class Tab:
    """One page."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def send(self, method: str, **parameters):
        """Call a method of the protocol; its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = json.loads((await self._socket.receive(PATIENCE)).data)
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]

    async def run(self, script: str):
        """The value of an expression in the page."""
        told = await self.send(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def fill(self, **values: str) -> None:
        """Write into fields by their names or ids."""
        for name, value in values.items():
            field = f"document.querySelector('#{name}, form:not(:has(.person)) [name={name}]')"
            await self.run(f"{field}.value = {json.dumps(value)}")

    async def press(self, button: str) -> None:
        """Click on a button by its id."""
        await self.run(f"document.getElementById({json.dumps(button)}).click()")

    async def says(self, *endings: str) -> str:
        """Wait until the page's state is one of these, or ends like one; AssertionError for a failure."""
        deadline = time.monotonic() + PATIENCE
        while True:
            state = await self.run("document.getElementById('state')?.textContent ?? ''")
            if state.endswith(endings):
                return state
            assert not state.startswith("failed"), state
            assert time.monotonic() < deadline, state
            await asyncio.sleep(0.1)

    async def holds(self, condition: str) -> None:
        """Wait until an expression is true in the page."""
        deadline = time.monotonic() + PATIENCE
        while not await self.run(condition):
            assert time.monotonic() < deadline, condition
            await asyncio.sleep(0.1)

    async def picture(self, path: Path) -> None:
        """Keep a screenshot."""
        path.parent.mkdir(parents=True, exist_ok=True)
        shot = await self.send("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))


class Browser:
    """A running browser."""

    def __init__(self, session: ClientSession, port: int) -> None:
        self._session = session
        self._base = f"http://127.0.0.1:{port}"

    async def open(self, url: str) -> Tab:
        """A new page."""
        escaped = URL(f"{self._base}/json/new?{quote(url, safe='')}", encoded=True)
        async with self._session.put(escaped) as answer:
            return await self._attach((await answer.json())["webSocketDebuggerUrl"])

    async def find(self, part: str) -> Tab:
        """The page whose address has this part, as soon as there is one."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            async with self._session.get(f"{self._base}/json/list") as answer:
                pages = [
                    page for page in await answer.json() if part in page["url"] and page["type"] == "page"
                ]
            if pages:
                return await self._attach(pages[0]["webSocketDebuggerUrl"])
            await asyncio.sleep(0.1)
        raise AssertionError(f"no page of {part}")

    async def _attach(self, url: str) -> Tab:
        return Tab(await self._session.ws_connect(url, max_msg_size=64 << 20))


@asynccontextmanager
async def chromium(profile: Path):
    """A browser with an empty profile, gone at the end."""
    assert PROGRAM is not None
    process = await asyncio.create_subprocess_exec(
        *(PROGRAM, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"),
        *("--disable-background-networking", "--remote-debugging-port=0", "--window-size=1100,900"),
        *("--remote-allow-origins=*", f"--user-data-dir={profile}", "about:blank"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with ClientSession() as session:
            yield Browser(session, await _port(profile / "DevToolsActivePort"))
    finally:
        process.kill()
        await process.wait()


async def _port(path: Path) -> int:
    deadline = time.monotonic() + PATIENCE
    while not (path.is_file() and path.read_text()):
        assert time.monotonic() < deadline, "Chromium did not start"
        await asyncio.sleep(0.1)
    return int(path.read_text().split()[0])
