"""The API's reference as a page: Swagger UI (Apache-2.0), pinned by hash, served by ourselves.

The page talks to nobody but its own origin. Browsers are told so, and to run no script but these files.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Annotated, Final, NamedTuple

from pydantic import Field

from shared.core.errors import NotFound

HERE: Final = Path(__file__).parent
PINS: Final = HERE / "assets.json"
_OWN: Final = {"": "page.html", "start.js": "start.js"}
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".png": "image/png",
    "": "text/plain; charset=utf-8",
}
# React sets styles by the DOM, which no policy forbids; the sheets have pictures of their own as data.
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "public, max-age=300",
}


FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,40}$", examples=["swagger-ui.css"])]


class PageNotInstalled(NotFound):
    """The reference page was not installed; the document that it shows is /v1/openapi.json."""


class Asset(NamedTuple):
    """A file of the page, with the opaque part of its entity tag."""

    data: bytes
    media_type: str
    etag: str


@cache
def pins() -> dict[str, str]:
    """The files that are taken from the package, with their SHA-256."""
    files: dict[str, str] = json.loads(PINS.read_text(encoding="utf-8"))["files"]
    return files


class ReferencePage:
    """The page and its files. `folder` holds those of the package."""

    def __init__(self, folder: Path):
        self._folder = folder

    def file(self, name: str = "") -> Asset:
        """A file by its name, the page itself without one. Raises `NotFound`, `PageNotInstalled`."""
        return _read(self._folder, name)


@cache
def _read(folder: Path, name: str) -> Asset:
    if name in _OWN:
        path = HERE / _OWN[name]
    elif name in pins():
        path = folder / name
    else:
        raise NotFound
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise PageNotInstalled() from None
    digest = hashlib.sha256(data).hexdigest()
    if name in pins() and digest != pins()[name]:
        raise PageNotInstalled()
    return Asset(data, _TYPES[path.suffix], digest[:32])
