"""From sign-up to the first translation in a browser, with the Firebase SDK as it is published.

`make sign-in` fetches the SDK and runs this; the screenshots are in `build/sign-in`.
"""

from __future__ import annotations

import asyncio
import json
import secrets

import pytest
import requests
from aiohttp import web

from local.identity import PROJECT
from local.sample import SAMPLE
from local.services import ports
from local.state import REPOSITORY
from local.testing import running

from .chromium import PROGRAM, chromium

SDK = REPOSITORY / "build" / "firebase"
PICTURES = REPOSITORY / "build" / "sign-in"
FILES = REPOSITORY / "tests" / "e2e" / "browser"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="Chromium is missing: apt-get install chromium"),
    pytest.mark.skipif(not (SDK / "firebase-auth.js").is_file(), reason="the SDK is missing: make sign-in"),
]


@pytest.fixture(scope="module")
def site():
    """A cloud that takes calls from the page's origin, and the page's address."""
    port = ports.free()
    origin = f"http://127.0.0.1:{port}"
    with running("--function-env", f"CORS_ORIGINS={origin}") as cloud:
        yield cloud, port


@pytest.fixture
def visit(site, tmp_path):
    """Runs a story with the cloud and a page of a fresh browser."""
    cloud, port = site

    async def serve(story):
        runner = web.AppRunner(_pages(cloud))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            async with chromium(tmp_path / "profile") as browser:
                page = await browser.open(f"http://127.0.0.1:{port}/")
                await page.says("ready")
                await story(browser, page)
        finally:
            await runner.cleanup()

    return lambda story: asyncio.run(serve(story))


def _pages(cloud):
    where = {"gateway": cloud.gateway, "identity": cloud.connection["identity"], "project": PROJECT}

    async def tell_where(_):
        return web.json_response(where)

    def sends(path):
        async def send(_):
            return web.FileResponse(path)

        return send

    files = {"": FILES / "page.html", "back.html": FILES / "back.html", "sample.jpg": SAMPLE}
    files |= {name: SDK / name for name in ("firebase-app.js", "firebase-auth.js")}
    app = web.Application()
    app.router.add_get("/where.json", tell_where)
    for name, path in files.items():
        app.router.add_get(f"/{name}", sends(path))
    return app


def _links(cloud, email):
    """The links in the mails to an address, the newest first."""
    url = f"{cloud.connection['identity']}/emulator/v1/projects/{PROJECT}/oobCodes"
    codes = requests.get(url, timeout=20).json()["oobCodes"]
    return [code["oobLink"] for code in codes if code["email"] == email][::-1]


def test_signing_up_verifying_opening_an_account_and_translating(site, visit):
    cloud, _ = site
    email = f"{secrets.token_hex(6)}@example.com"

    async def story(browser, page):
        await page.fill(email=email, password="correct horse")
        await page.press("sign-up")
        await page.says(f"a link was sent to {email}")
        await page.press("open")
        with pytest.raises(AssertionError, match="failed: 403"):
            await page.says("owner of an account")
        mail = await browser.open(_links(cloud, email)[0])
        await mail.holds("document.title === 'Done'")
        # The SDK closes its database in a page that nobody sees.
        await page.send("Page.bringToFront")
        await page.press("verified")
        assert await page.says("verified") == "verified"
        await page.press("open")
        await page.says("owner of an account")
        await page.press("translate")
        await page.says("completed")
        assert await page.run("document.getElementById('after').naturalWidth") > 100
        await page.picture(PICTURES / "translated.png")
        await page.press("stay")
        await page.says("signed in on Chrome on Linux")

    visit(story)


def test_signing_in_with_google_by_a_popup(site, visit):
    cloud, _ = site
    email = f"{secrets.token_hex(6)}@gmail.example"

    async def story(browser, page):
        await page.press("google")
        consent = await browser.find("/emulator/auth/consent")
        await consent.fill(email=email, name="Grace")
        await consent.picture(PICTURES / "consent.png")
        await consent.press("consent")
        await page.says("Grace is signed in by google.com")
        await page.press("open")
        await page.says("owner of an account")

    visit(story)
    url = (
        f"{cloud.connection['identity']}/identitytoolkit.googleapis.com/v1/projects/{PROJECT}/accounts:lookup"
    )
    found = requests.post(url, json={"email": [email]}, headers={"Authorization": "Bearer owner"}, timeout=20)
    assert found.json()["users"][0]["emailVerified"] is True, json.dumps(found.json())
